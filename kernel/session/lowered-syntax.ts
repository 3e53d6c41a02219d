// What lowered `using` declarations and older-style decorators call at run time: the counterparts of oxc's output.
import { Object, Symbol } from './intrinsics.js'

const disposeSymbol: symbol = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('Symbol.dispose')
const asyncDisposeSymbol: symbol = (Symbol as { asyncDispose?: symbol }).asyncDispose ?? Symbol.for('Symbol.asyncDispose')

/** Both of a failing scope: what it threw, and what closing its resources threw. */
class Suppressed extends Error {
  override name = 'SuppressedError'
  constructor(readonly error: unknown, readonly suppressed: unknown) { super('an error while closing a resource came after another error') }
}

type Disposer = { dispose(): unknown; asynchronous: boolean }

/** The resources of one scope: `u` takes one of `using`, `a` one of `await using`, `e` what the scope threw, `d` closes them in reverse. */
export function usingCtx() {
  const disposers: Disposer[] = []
  const none = {}
  let thrown: unknown = none
  let asynchronous = false
  const take = (resource: unknown, awaited: boolean) => {
    if (resource === null || resource === undefined) { if (awaited) { asynchronous = true; disposers.push({ dispose: () => undefined, asynchronous: true }) } return resource }
    const object = resource as Record<symbol, (() => unknown) | undefined>
    const dispose = (awaited ? object[asyncDisposeSymbol] : undefined) ?? object[disposeSymbol]
    if (typeof dispose !== 'function') throw new TypeError(`Cannot use this value with "${awaited ? 'await ' : ''}using": it has no [Symbol.${awaited ? 'asyncDispose' : 'dispose'}]() method`)
    asynchronous ||= awaited
    disposers.push({ dispose: () => dispose.call(resource), asynchronous: awaited })
    return resource
  }
  const fail = (error: unknown) => { thrown = thrown === none ? error : new Suppressed(error, thrown) }
  return {
    set e(error: unknown) { thrown = error },
    u: (resource: unknown) => take(resource, false),
    a: (resource: unknown) => take(resource, true),
    d(): unknown {
      if (asynchronous) return closeAll()
      for (const { dispose } of disposers.reverse()) try { dispose() } catch (error) { fail(error) }
      if (thrown !== none) throw thrown
      return undefined
    },
  }
  async function closeAll() {
    for (const { dispose, asynchronous } of disposers.reverse()) {
      try { const closed = dispose(); if (asynchronous) await closed } catch (error) { fail(error) }
    }
    if (thrown !== none) throw thrown
  }
}

type Decorator = (target: unknown, key?: PropertyKey, descriptor?: PropertyDescriptor) => unknown

/** TypeScript's `experimentalDecorators`: `key` is missing for a class; a `null` descriptor asks for the property's own. */
export function decorate(decorators: Decorator[], target: object, key?: PropertyKey, descriptor?: PropertyDescriptor | null): unknown {
  if (key === undefined) return decorators.reduceRight<unknown>((decorated, decorator) => decorator(decorated) ?? decorated, target)
  const own = descriptor === null ? Object.getOwnPropertyDescriptor(target, key) : descriptor
  const result = decorators.reduceRight<PropertyDescriptor | undefined>((current, decorator) => (decorator(target, key, current) as PropertyDescriptor | undefined) ?? current, own)
  if (result && descriptor !== undefined) Object.defineProperty(target, key, result)
  return result
}
