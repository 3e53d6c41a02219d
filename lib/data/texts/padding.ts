// Token sequences of different lengths in one rectangle, with few different widths, so that few shapes are recorded. Used by texts and pairs.
import { permutation, randomStream } from '../random.js'
import { DataError, shown } from '../errors.js'

/** 8, 16, 24 … 64, 80 … 128, 160 … up to maxLength: few shapes to record, and little that is computed in vain. */
function usualLengths(maxLength: number): number[] {
  const lengths: number[] = []
  for (let length = 8; length < maxLength; length += 8 * Math.max(1, 2 ** Math.floor(Math.log2(length / 32)))) lengths.push(length)
  return [...lengths, maxLength]
}

/** Width of a batch whose longest sequence has `longest` tokens. */
export function widthOf(longest: number, maxLength: number, padding: 'buckets' | 'max', lengths: readonly number[] | undefined): number {
  if (!Number.isInteger(maxLength) || maxLength < 1) throw new DataError(`Cannot encode texts: maxLength must be a whole number of tokens, got ${shown(maxLength)}. Use for example 128.`)
  if (padding === 'max') return maxLength
  return [...(lengths ?? usualLengths(maxLength))].sort((a, b) => a - b).find((length) => length >= longest) ?? maxLength
}

/** Sequences in a rectangle of `rows` × `width`, the rest `fill`. */
export function rectangle(sequences: readonly ArrayLike<number>[], rows: number, width: number, fill: number): Int32Array {
  const out = new Int32Array(rows * width).fill(fill)
  sequences.forEach((sequence, row) => out.set(Array.prototype.slice.call(sequence, 0, width), row * width))
  return out
}

/** Batches of this many neighbours are sorted by length together: shuffled enough, and little padding. */
const sortedTogether = 50

/** Places of shuffled rows of these lengths, so that a batch holds similar ones; which batch comes when stays random. */
export function gatherByLength(lengths: Int32Array, batchSize: number, keys: readonly number[]): Int32Array {
  const batches: Int32Array[] = [], places = lengths.map((_, place) => place)
  for (let start = 0; start < places.length; start += batchSize * sortedTogether) {
    const pool = places.slice(start, start + batchSize * sortedTogether).sort((a, b) => lengths[a]! - lengths[b]!)
    for (let at = 0; at < pool.length; at += batchSize) batches.push(pool.subarray(at, at + batchSize))
  }
  const full = batches.filter((batch) => batch.length === batchSize), rest = batches.filter((batch) => batch.length < batchSize)
  const arranged = new Int32Array(lengths.length)
  let at = 0
  for (const batch of [...Array.from(permutation(full.length, randomStream(...keys)), (i) => full[i]!), ...rest]) { arranged.set(batch, at); at += batch.length }
  return arranged
}
