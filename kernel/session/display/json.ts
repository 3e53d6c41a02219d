// A value as JSON carries it: typed arrays as lists, dates as text, no cycles, no functions. Not here: parsing.
import { Array, ArrayBuffer } from '../intrinsics.js'

/** @throws TypeError naming the path of a cycle */
export function jsonValue(value: unknown, path: unknown[] = []): unknown {
  switch (typeof value) {
    case 'number': return Number.isFinite(value) ? value : null
    case 'bigint': return Number(value)
    case 'string': case 'boolean': return value
    case 'object': break
    default: return undefined
  }
  if (value === null) return null
  if (ArrayBuffer.isView(value)) return value instanceof DataView ? null : Array.from(value as unknown as ArrayLike<number | bigint>, item => jsonValue(item))
  if (path.includes(value)) throw new TypeError('Cannot show this as JSON: it contains itself')
  const toJSON = (value as { toJSON?: unknown }).toJSON
  if (typeof toJSON === 'function') return jsonValue(toJSON.call(value) as unknown, [...path, value])
  const inner = [...path, value]
  if (Array.isArray(value)) return value.map(item => jsonValue(item, inner) ?? null)
  const plain: Record<string, unknown> = {}
  for (const [name, item] of Object.entries(value)) {
    const converted = jsonValue(item, inner)
    if (converted !== undefined) plain[name] = converted
  }
  return plain
}
