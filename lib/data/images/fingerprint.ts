// A perceptual hash: 63 bits that stay nearly equal when a picture is resized, recompressed or slightly changed. Comparing them is the audit's work.
import type { Pixels } from './decode.js'
import { resize } from './resize.js'

const side = 32, kept = 8

const cosines = Float64Array.from({ length: kept * side }, (_, i) => Math.cos((Math.PI * (2 * (i % side) + 1) * Math.floor(i / side)) / (2 * side)))

/** pHash: the signs, against their median, of the 8 × 8 lowest frequencies of a 32 × 32 grey picture; the mean is left out. */
export function perceptualHash(picture: Pixels): readonly [number, number] {
  const { data } = resize(picture, side, side, 'bilinear')
  const grey = Float64Array.from({ length: side * side }, (_, i) => 0.299 * data[i * 3]! + 0.587 * data[i * 3 + 1]! + 0.114 * data[i * 3 + 2]!)
  const rows = new Float64Array(side * kept)
  for (let y = 0; y < side; y++) for (let u = 0; u < kept; u++) for (let x = 0; x < side; x++) rows[y * kept + u]! += grey[y * side + x]! * cosines[u * side + x]!
  const frequencies: number[] = []
  for (let v = 0; v < kept; v++) for (let u = 0; u < kept; u++) {
    let sum = 0
    for (let y = 0; y < side; y++) sum += rows[y * kept + u]! * cosines[v * side + y]!
    frequencies.push(sum)
  }
  const without = frequencies.slice(1)
  const median = [...without].sort((a, b) => a - b)[31]!
  const half = (from: number, to: number) => without.slice(from, to).reduce((bits, value, i) => value > median ? bits | (1 << i) : bits, 0)
  return [half(0, 32), half(32, 63)]
}

const { imul } = Math

/** Bits that differ. */
export function hamming(a: readonly [number, number], b: readonly [number, number]): number {
  const ones = (v: number) => { v -= (v >>> 1) & 0x55555555; v = (v & 0x33333333) + ((v >>> 2) & 0x33333333); return imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24 }
  return ones(a[0] ^ b[0]) + ones(a[1] ^ b[1])
}
