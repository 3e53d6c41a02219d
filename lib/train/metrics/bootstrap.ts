// How sure a figure is: percentile bootstrap over rows (Efron 1979), the same interval every time for the same rows.
import { randomNumbers } from '../random.js'

export interface Interval { low: number; high: number }

/**
 * @param rows how many rows the figure was computed from
 * @param figure the metric of the rows with these numbers (drawn with repetition)
 * @param o `samples` default 1,000; `level` default 0.95; `seed` default 0
 * @returns NaN bounds where the figure cannot be computed on any sample
 */
export function bootstrapInterval(rows: number, figure: (rows: Int32Array) => number, o: { samples?: number; level?: number; seed?: number } = {}): Interval {
  const { samples = 1000, level = 0.95, seed = 0 } = o
  const random = randomNumbers(seed, rows)
  const drawn = new Int32Array(rows)
  const values: number[] = []
  for (let s = 0; s < samples && rows > 0; s++) {
    for (let i = 0; i < rows; i++) drawn[i] = Math.floor(random() * rows)
    const value = figure(drawn)
    if (!Number.isNaN(value)) values.push(value)
  }
  values.sort((a, b) => a - b)
  return { low: quantile(values, (1 - level) / 2), high: quantile(values, (1 + level) / 2) }
}

/** Linear interpolation between neighbours, as NumPy does. `sorted` ascending. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q, below = Math.floor(at)
  const low = sorted[below] ?? NaN, high = sorted[Math.min(sorted.length - 1, below + 1)] ?? NaN
  return low + (high - low) * (at - below)
}
