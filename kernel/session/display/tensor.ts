// Tensors and typed arrays: kind, shape, range and a few values. Of a large tensor only those values are read back.
import type { MimeBundle } from '../messages.js'
import { Array, ArrayBuffer, JSON, Number, String } from '../intrinsics.js'

interface Tensor {
  shape: number[]; dtype: string; size: number; isDisposed?: boolean
  reshape(shape: number[]): Tensor; slice(begin: number[], size: number[]): Tensor; min(): Tensor; max(): Tensor
  data(): Promise<ArrayLike<number | string | boolean>>; dispose(): void; toString(verbose?: boolean): string
}

/** Tensors up to this many values are shown whole. */
const whole = 200
/** Of larger ones, that many from the beginning. */
const few = 8
/** Beyond so many values the range is not computed. */
const ranged = 50_000_000
/** Of a longer typed array the range of the first ones is said: it is read on this thread. */
const rangedHere = 10_000_000

export async function tensor(value: object): Promise<MimeBundle | undefined> {
  const t = value as Tensor
  if (!Array.isArray(t.shape) || typeof t.dtype !== 'string' || typeof t.size !== 'number' || !('dataId' in t) && typeof (t as { assign?: unknown }).assign !== 'function') return undefined
  const head = `${typeof (t as { assign?: unknown }).assign === 'function' ? 'Variable' : 'Tensor'} ${t.dtype} [${t.shape.join(', ')}]`
  if (t.isDisposed) return { 'text/plain': `${head} (disposed)` }
  if (t.size <= whole) return { 'text/plain': `${head}\n${t.toString().replace(/^Tensor\n\s*/, '').replaceAll('\n    ', '\n')}` }
  const flat = t.reshape([-1]), part = flat.slice([0], [few])
  const values = await part.data()
  flat.dispose(); part.dispose()
  return { 'text/plain': `${head}${await range(t)}\n[${Array.from(values, shortNumber).join(', ')}, … ${(t.size - few).toLocaleString('en')} more]` }
}

async function range(t: Tensor): Promise<string> {
  if (!['float32', 'int32', 'bool'].includes(t.dtype) || t.size > ranged) return ''
  const smallest = t.min(), largest = t.max()
  const text = `, from ${shortNumber((await smallest.data())[0])} to ${shortNumber((await largest.data())[0])}`
  smallest.dispose(); largest.dispose()
  return text
}

export function typedArray(value: object): MimeBundle | undefined {
  if (!ArrayBuffer.isView(value) || value instanceof DataView || Buffer.isBuffer(value)) return undefined
  const array = value as unknown as ArrayLike<number | bigint>
  if (array.length <= 100) return undefined
  const looked = Math.min(array.length, rangedHere)
  let least: number | bigint | undefined, most: number | bigint | undefined, missing = 0
  for (let i = 0; i < looked; i++) {
    const v = array[i]!
    if (v !== v) missing++
    else if (least === undefined || most === undefined) least = most = v
    else if (v < least) least = v
    else if (v > most) most = v
  }
  const values = Array.prototype.slice.call(array, 0, 2 * few) as (number | bigint)[]
  const range = least === undefined ? '' : `, from ${shortNumber(least)} to ${shortNumber(most)}`
  const notes = `${missing ? `, ${missing.toLocaleString('en')} NaN` : ''}${looked < array.length ? ` (the first ${looked.toLocaleString('en')})` : ''}`
  return { 'text/plain': `${value.constructor.name}(${array.length.toLocaleString('en')})${range}${notes}\n[${values.map(shortNumber).join(', ')}, … ${(array.length - values.length).toLocaleString('en')} more]` }
}

function shortNumber(value: unknown): string {
  return typeof value === 'number' ? String(Number.isInteger(value) ? value : +value.toPrecision(5)) : typeof value === 'string' ? JSON.stringify(value) : String(value)
}
