// Ridge regression by conjugate gradients: the best slopes and offset for numbers, pulled towards 0.
import type { Rows } from './fit-head.js'

/** Passes over the rows at most; correlated columns need the most. */
const mostSteps = 300

/**
 * Minimizes half the sum of squares of the errors, in deviations of the labels, plus ‖slopes‖² / (2 · strength); the offset is free.
 *
 * @returns a slope for each column, then the offset, for the labels as they are
 */
export function fitRidge({ data, rows, columns, labels, counts }: Rows, strength: number, start?: Float64Array): Float64Array {
  const { mean, deviation } = spread(labels, counts), last = columns
  const predicted = (w: Float64Array, row: number) => { let sum = w[last]!; for (let j = 0; j < columns; j++) sum += w[j]! * data[row * columns + j]!; return sum }
  /** Xᵀ · (each row's value, as often as it counts) */
  const collect = (valueOf: (row: number) => number): Float64Array => {
    const out = new Float64Array(columns + 1)
    for (let row = 0; row < rows; row++) {
      const value = counts[row]! * valueOf(row)
      for (let j = 0; j < columns; j++) out[j]! += value * data[row * columns + j]!
      out[last]! += value
    }
    return out
  }
  const apply = (w: Float64Array) => { const out = collect((row) => predicted(w, row)); for (let j = 0; j < columns; j++) out[j]! += w[j]! / strength; return out }
  const w = start ? start.map((value, j) => (j === last ? value - mean : value) / deviation) : new Float64Array(columns + 1)
  const target = collect((row) => (labels[row]! - mean) / deviation), seen = apply(w)
  const rest = target.map((value, j) => value - seen[j]!), towards = Float64Array.from(rest), enough = 1e-16 * dot(target, target)
  let size = dot(rest, rest)
  for (let step = 0; step < mostSteps && size > enough; step++) {
    const image = apply(towards), far = size / dot(towards, image)
    for (let j = 0; j <= columns; j++) { w[j]! += far * towards[j]!; rest[j]! -= far * image[j]! }
    const before = size
    size = dot(rest, rest)
    for (let j = 0; j <= columns; j++) towards[j] = rest[j]! + (size / before) * towards[j]!
  }
  return w.map((value, j) => value * deviation + (j === last ? mean : 0))
}

/** Mean squared error. */
export function ridgeLoss(weights: Float64Array, { data, rows, columns, labels }: Rows): number {
  let sum = 0
  for (let row = 0; row < rows; row++) {
    let predicted = weights[columns]!
    for (let j = 0; j < columns; j++) predicted += weights[j]! * data[row * columns + j]!
    sum += (predicted - labels[row]!) ** 2
  }
  return sum / rows
}

function spread(labels: readonly number[], counts: readonly number[]): { mean: number; deviation: number } {
  const total = counts.reduce((sum, count) => sum + count, 0), mean = labels.reduce((sum, label, row) => sum + label * counts[row]!, 0) / total
  return { mean, deviation: Math.sqrt(labels.reduce((sum, label, row) => sum + (label - mean) ** 2 * counts[row]!, 0) / total) || 1 }
}

const dot = (a: Float64Array, b: Float64Array): number => { let sum = 0; for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!; return sum }
