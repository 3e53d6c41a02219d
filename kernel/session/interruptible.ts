// What the awaits of cells and of the .ts files they import pass through. Not here: who inserts the calls (kernel/language).
import { Interrupted, running, scope } from './cell.js'
import { Promise, Reflect, Symbol } from './intrinsics.js'

const then = Promise.prototype.then

/**
 * The same value, or a promise of it that also rejects when its cell is stopped.
 * One reaction per promise, native resolve functions: so V8 still finds the async callers of an error.
 */
export function wait(value: unknown): unknown {
  const cell = scope.getStore()
  if (!cell || cell !== running()) return value
  // thrown, not returned as a rejected promise: a loop that catches it stays one that can be terminated
  if (cell.interrupted) throw new Interrupted()
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value
  return new Promise((resolve, reject) => {
    cell.waits.add(reject)
    const settled: Promise<unknown> = Reflect.apply(then, Promise.resolve(value), [
      (result: unknown) => { cell.waits.delete(reject); return result },
      (error: unknown) => { cell.waits.delete(reject); throw error },
    ])
    Reflect.apply(then, settled, [resolve, reject])
  })
}

/** `for await` over it: each step can be interrupted. */
export function iterate(iterable: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterable<unknown> {
  const asynchronous = (iterable as AsyncIterable<unknown>)[Symbol.asyncIterator] as (() => AsyncIterator<unknown>) | undefined
  return {
    [Symbol.asyncIterator]() {
      if (asynchronous) return interruptibleIterator(Reflect.apply(asynchronous, iterable, []))
      const iterator = (iterable as Iterable<unknown>)[Symbol.iterator]()
      return {
        async next() {
          const { done = false, value } = iterator.next()
          return { done, value: done ? value : await wait(value) }
        },
        async return(value) { iterator.return?.(); return { done: true, value } },
      }
    },
  }
}

function interruptibleIterator(iterator: AsyncIterator<unknown>): AsyncIterator<unknown> {
  return {
    next: (...args) => wait(iterator.next(...args)) as Promise<IteratorResult<unknown>>,
    // a stopped loop closes its iterator, but does not wait for one that never answers
    async return(value) {
      const closing = iterator.return?.(value as never)
      return (closing && await wait(closing) as IteratorResult<unknown>) ?? { done: true, value }
    },
  }
}

