// What a picture looks like in 302 numbers, without a model: colours, edges, where they are, and its shape. Good enough to compare rows, not to train on.
import type { Pixels } from './decode.js'
import { resize } from './resize.js'

const side = 32, coarse = 6, directions = 8, cells = 4

/** Taken out of the global once: they are called for every pixel. */
const { atan2, floor, sqrt, PI } = Math

/** Colours on a 6 × 6 grid, edge directions in 4 × 4 cells (Dalal, Triggs 2005), a colour histogram of 64 bins, and width and height on a log scale. */
export function pictureFeatures(small: Pixels, size: { width: number; height: number }): Float32Array {
  const out: number[] = []
  for (const value of resize(small, coarse, coarse, 'bilinear').data) out.push(value / 255)
  const grey = Float64Array.from({ length: side * side }, (_, i) => (0.299 * small.data[i * 3]! + 0.587 * small.data[i * 3 + 1]! + 0.114 * small.data[i * 3 + 2]!) / 255)
  const edges = new Float64Array(cells * cells * directions), cell = side / cells
  for (let y = 1; y < side - 1; y++) for (let x = 1; x < side - 1; x++) {
    const dx = grey[y * side + x + 1]! - grey[y * side + x - 1]!, dy = grey[(y + 1) * side + x]! - grey[(y - 1) * side + x]!
    const direction = floor(((atan2(dy, dx) + PI) / PI) * directions) % directions // a line has no sign: half a turn is the whole range
    edges[(floor(y / cell) * cells + floor(x / cell)) * directions + direction]! += sqrt(dx * dx + dy * dy)
  }
  const strength = Math.sqrt(edges.reduce((sum, value) => sum + value * value, 0)) + 0.1
  for (const value of edges) out.push(value / strength)
  const histogram = new Float64Array(64)
  for (let i = 0; i < small.data.length; i += 3) histogram[(small.data[i]! >> 6) * 16 + (small.data[i + 1]! >> 6) * 4 + (small.data[i + 2]! >> 6)]! += 1
  for (const value of histogram) out.push(Math.sqrt(value) / side)
  return Float32Array.from([...out, Math.log(size.width), Math.log(size.height)])
}
