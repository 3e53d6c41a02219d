// Where a noisy curve stops falling and begins to rise: the best fit that only falls and then only rises (unimodal regression), and how sure it is.

export interface Turn {
  /** Index of the lowest point. */
  at: number
  /** First and last index at which the lowest point may be, given the noise. */
  from: number
  to: number
  /** Fitted height there, and over the last third of what comes after. */
  low: number
  high: number
  /** How much better this explains the curve than one that only falls, in squared standard deviations of the noise. */
  evidence: number
}

/**
 * Squared errors of the best falling fits to the first 1, 2 … n values, and the fit to all of them. Pool adjacent violators, one value more at a
 * time (Stout 2008).
 */
function fallingFits(values: readonly number[]): { errors: number[]; fit: number[] } {
  const blocks: { sum: number; squares: number; count: number }[] = []
  const errorOf = ({ sum, squares, count }: (typeof blocks)[number]) => Math.max(0, squares - sum * sum / count)
  const errors: number[] = []
  let error = 0
  for (const value of values) {
    let block = { sum: value, squares: value * value, count: 1 }
    for (let last = blocks.at(-1); last && last.sum / last.count <= block.sum / block.count; last = blocks.at(-1)) {
      error -= errorOf(last)
      block = { sum: last.sum + block.sum, squares: last.squares + block.squares, count: last.count + block.count }
      blocks.pop()
    }
    blocks.push(block)
    error += errorOf(block)
    errors.push(Math.max(0, error))
  }
  return { errors, fit: blocks.flatMap(({ sum, count }) => new Array<number>(count).fill(sum / count)) }
}

/** What a difference in squared error, in units of the noise, must be to rule a place out: 90 % of a χ² with one degree of freedom. */
const plausible = 2.7

/** @param noise standard deviation; at least three values */
export function turnOf(values: readonly number[], noise: number): Turn {
  const n = values.length, before = fallingFits(values), after = fallingFits([...values].reverse()).errors.reverse()
  const total = values.map((_, k) => before.errors[k]! + (after[k + 1] ?? 0))
  const least = Math.min(...total), slack = plausible * noise ** 2
  const possible = total.map((error, k) => error <= least + slack ? k : -1).filter((k) => k >= 0)
  const at = possible.reduce((best, k) => values[k]! < values[best]! ? k : best)
  const rising = fallingFits(values.slice(at).reverse()).fit.reverse(), falling = fallingFits(values.slice(0, at + 1)).fit
  const last = rising.slice(-Math.max(1, Math.ceil((n - 1 - at) / 3)))
  const low = Math.min(rising[0]!, falling.at(-1)!), high = at === n - 1 ? low : last.reduce((sum, value) => sum + value, 0) / last.length
  return { at, from: possible[0]!, to: possible.at(-1)!, low, high, evidence: (before.errors.at(-1)! - least) / noise ** 2 }
}
