// How an error shrinks with the number of rows: a + b · rows^−c (Hestness et al. 2017; Rosenfeld et al. 2020), with what the measurements leave open.
import { randomNumbers } from '../train/index.js'

export interface Law { a: number; b: number; c: number }
export interface ErrorPoint { rows: number; error: number; /** Standard deviation of the measurement. */ deviation: number }

export const errorAt = ({ a, b, c }: Law, rows: number): number => a + b * rows ** -c

/** Smallest and largest exponent; slower is no learning, faster was hardly ever seen. */
const exponents = { from: 0.1, to: 1.5, step: 0.05 }

/** Weighted least squares: a and c on a grid, b in closed form. */
export function fitLaw(points: readonly ErrorPoint[]): Law {
  const lowest = Math.max(0, Math.min(...points.map(({ error }) => error))), weights = points.map(({ deviation }) => 1 / Math.max(1e-6, deviation) ** 2)
  let best: Law = { a: lowest, b: 0, c: 0.5 }, least = Infinity
  for (let c = exponents.from; c <= exponents.to + 1e-9; c += exponents.step) {
    const x = points.map(({ rows }) => rows ** -c)
    for (let k = 0; k <= 25; k++) {
      const a = (lowest * k) / 25
      let xy = 0, xx = 0
      points.forEach(({ error }, i) => { xy += weights[i]! * x[i]! * (error - a); xx += weights[i]! * x[i]! ** 2 })
      const b = Math.max(0, xy / xx)
      let misfit = 0
      points.forEach(({ error }, i) => { misfit += weights[i]! * (a + b * x[i]! - error) ** 2 })
      if (misfit < least) { least = misfit; best = { a, b, c } }
    }
  }
  return best
}

const redraws = 200

/** The law, and the laws that fit the points as they might as well have come out. */
export function lawsOf(points: readonly ErrorPoint[], seed: number): { law: Law; others: Law[] } {
  const random = randomNumbers(seed, 17), law = fitLaw(points)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  // what the law misses belongs to the uncertainty of a point as much as its own deviation
  const missed = Math.sqrt(points.reduce((sum, { rows, error }) => sum + (errorAt(law, rows) - error) ** 2, 0) / Math.max(1, points.length - 2))
  const wider = points.map((point) => ({ ...point, deviation: Math.hypot(point.deviation, missed) }))
  return { law, others: Array.from({ length: redraws }, () => fitLaw(wider.map((point) => ({ ...point, error: Math.min(1, Math.max(0, errorAt(law, point.rows) + point.deviation * normal())) })))) }
}

/** The value below which this share of them lies. */
export const quantile = (values: readonly number[], share: number): number => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]!

/** Rows at which the law has come down to this error; Infinity where it never does. */
export const rowsFor = ({ a, b, c }: Law, error: number): number => error <= a || b === 0 ? Infinity : ((error - a) / b) ** (-1 / c)
