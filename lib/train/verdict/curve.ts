// What a noisy curve does, in a few robust numbers: its noise, its trend at the end. Knows nothing of training.

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Standard deviation of the noise, from second differences (a smooth course has small ones); the median keeps bends out. */
export function noiseOf(values: readonly number[]): number {
  if (values.length < 4) return 0
  const second = values.slice(2).map((value, i) => Math.abs(value - 2 * values[i + 1]! + values[i]!))
  return median(second) / (0.6745 * Math.sqrt(6))
}

/** Of few values little can be said: the estimate is drawn towards `usual`, which counts like three second differences. */
export function carefulNoise(values: readonly number[], usual: number): number {
  const known = Math.max(0, values.length - 3)
  return Math.sqrt((known * noiseOf(values) ** 2 + 3 * usual ** 2) / (known + 3))
}

/** Median of each value and its neighbours: single wild values vanish, turns stay where they are. */
export const despiked = (values: readonly number[]): number[] => values.map((value, i) => i === 0 || i === values.length - 1 ? value : median(values.slice(i - 1, i + 2)))

/** Least-squares slope per step over the last `count` values, and its standard error for noise of the given size. */
export function endSlope(values: readonly number[], count: number, noise: number): { slope: number; error: number } {
  const y = values.slice(-count), n = y.length, x0 = (n - 1) / 2, y0 = mean(y)
  const sxx = y.reduce((sum, _, i) => sum + (i - x0) ** 2, 0)
  return { slope: y.reduce((sum, value, i) => sum + (i - x0) * (value - y0), 0) / sxx, error: noise / Math.sqrt(sxx) }
}

export const indexOfLowest = (values: readonly number[]): number => values.reduce((best, value, i) => value < values[best]! ? i : best, 0)
