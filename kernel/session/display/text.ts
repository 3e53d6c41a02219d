// Any value as text: Node's inspect, kept to a size that a notebook can hold, without the kernel's own frames and marks.
import { inspect, types } from 'node:util'
import { Array, Map, Object, Set, Symbol } from '../intrinsics.js'
import { mapPlaces, withoutScopes } from '../places.js'

const DEPTH = 4
/** Of objects with more properties the first ones are shown; arrays, maps and sets are cut by inspect itself. */
const KEYS = 200
/** A value with more parts than this down to a depth is shown less deep. */
const PARTS = 10_000
/** Longest text (UTF-16 units). */
const LONGEST = 200_000

/** Runs no getters. Where an object's own inspection throws, its kind. */
export function text(value: unknown): string {
  try {
    let depth = DEPTH, shown = bounded(value, depth)
    while (shown === undefined && depth > 0) shown = bounded(value, --depth)
    const whole = withoutScopes(mapPlaces(inspect(shown ? shown.value : value, { depth, maxArrayLength: 100, maxStringLength: 100_000, breakLength: 100 })))
    return whole.length > LONGEST ? `${whole.slice(0, LONGEST)}\n… ${(whole.length - LONGEST).toLocaleString('en')} more characters` : whole
  } catch (error) {
    const kind = (() => { try { return Object.prototype.toString.call(value) } catch { return `[${typeof value}]` } })()
    return `${kind} (its inspection failed: ${firstLine(error)})`
  }
}

export const firstLine = (error: unknown): string => { try { return String((error as Error)?.message ?? error).split('\n')[0] ?? '' } catch { return 'an error that cannot be read' } }

/** The value with wide objects cut, undefined where it has too many parts down to `depth`. Nothing of the user's is called. */
function bounded(value: unknown, depth: number): { value: unknown } | undefined {
  let parts = 0
  const seen = new Set<object>()
  const cut = (item: unknown, left: number): unknown => {
    if (typeof item !== 'object' || item === null || left < 0 || types.isProxy(item) || seen.has(item) || parts > PARTS) return item
    seen.add(item)
    if (Array.isArray(item)) return changed(item, item.slice(0, 100), left, (parts) => Object.assign(parts, item.length > 100 ? { length: item.length } : {}))
    if (types.isMap(item)) return changed(item, [...Map.prototype.values.call(item)].slice(0, 100), left, undefined)
    if (types.isSet(item)) return changed(item, [...Set.prototype.values.call(item)].slice(0, 100), left, undefined)
    if (ArrayBuffer.isView(item) || types.isAnyArrayBuffer(item) || types.isNativeError(item) || types.isExternal(item) || Symbol.for('nodejs.util.inspect.custom') in item) return item
    const keys = Object.keys(item), first = keys.slice(0, KEYS)
    const values = first.map((key) => Object.getOwnPropertyDescriptor(item, key))
    parts += first.length
    const inner = values.map((property) => property && 'value' in property ? cut(property.value, left - 1) : undefined)
    if (keys.length <= KEYS && inner.every((each, i) => each === undefined || each === values[i]?.value)) return item
    const copy = Object.create(Object.getPrototypeOf(item) as object | null) as Record<string, unknown>
    for (const [i, key] of first.entries()) {
      const property = values[i]
      Object.defineProperty(copy, key, property && 'value' in property ? { ...property, value: inner[i] } : property ?? { value: undefined, enumerable: true })
    }
    if (keys.length > KEYS) Object.defineProperty(copy, '…', { value: new More(keys.length - KEYS), enumerable: true })
    return copy
  }
  /** A list whose members are looked into; where none of them is cut, the list itself. */
  const changed = (item: object, members: unknown[], left: number, rebuild: ((members: unknown[]) => unknown) | undefined): unknown => {
    parts += members.length
    const inner = members.map((member) => cut(member, left - 1))
    return rebuild === undefined || inner.every((each, i) => each === members[i]) ? item : rebuild(inner)
  }
  const shown = cut(value, depth)
  return parts > PARTS ? undefined : { value: shown }
}

class More {
  readonly #count: number
  constructor(count: number) { this.#count = count }
  [Symbol.for('nodejs.util.inspect.custom')]() { return `${this.#count.toLocaleString('en')} more` }
}
