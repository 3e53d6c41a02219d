// Are two models different beyond noise? Both on the same rows: the difference with its interval, and how often chance alone would do it.
import { displaySymbol } from '../display/index.js'
import { bootstrapInterval, TrainError, type Interval } from '../train/index.js'
import type { Evaluation } from './evaluation.js'

export class Comparison {
  /**
   * @param onlyFirst rows that only the first got right; @param onlySecond the other way round
   * @internal
   */
  constructor(readonly names: readonly [string, string], readonly rows: number, readonly accuracies: readonly [number, number], readonly difference: { value: number; interval: Interval }, readonly logLossDifference: { value: number; interval: Interval }, readonly onlyFirst: number, readonly onlySecond: number, readonly p: number) {}

  /** Whether chance alone would make such a difference in fewer than 5 of 100 cases. */
  get different(): boolean { return this.p < 0.05 }

  toString(): string {
    const [a, b] = this.names, show = ({ value, interval: { low, high } }: Comparison['difference']) => `${signed(value)} (${signed(low)} to ${signed(high)})`
    return `${b} against ${a} on ${this.rows} rows: accuracy ${this.accuracies[1].toFixed(3)} against ${this.accuracies[0].toFixed(3)}, ${show(this.difference)}; log loss ${show(this.logLossDifference)}. Only ${a} is right on ${this.onlyFirst} rows, only ${b} on ${this.onlySecond}: ${this.different ? `no chance (p ${this.p < 0.001 ? '< 0.001' : this.p.toFixed(3)})` : `chance alone does that (p ${this.p.toFixed(2)})`}.`
  }

  [displaySymbol](): Record<string, unknown> { return { 'text/plain': String(this) } }
  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

const signed = (value: number) => `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(3)}`

/** Exact McNemar test: of the rows on which the two differ, how far from half and half is the split (two-sided binomial). */
export function mcnemar(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond, least = Math.min(onlyFirst, onlySecond)
  let sum = 0, term = -n * Math.LN2
  for (let k = 0; k <= least; k++) {
    sum += Math.exp(term)
    term += Math.log((n - k) / (k + 1))
  }
  return Math.min(1, 2 * sum)
}

/**
 * Two evaluations on the same rows, e.g. of two runs. Differences are second minus first, with 95 % bootstrap intervals over pairs of
 * answers; `p` is McNemar's exact test.
 *
 * @throws TrainError when the rows are not the same
 * @example compare(await one.evaluate(), await other.evaluate(), ['frozen', 'fine-tuned']).different
 */
export function compare(first: Evaluation, second: Evaluation, names: readonly [string, string] = ['the first', 'the second']): Comparison {
  const a = first.answers, b = second.answers
  if (!a || !b || first.split !== second.split || a.length !== b.length || a.some(({ row, truth }, i) => row !== b[i]!.row || truth !== b[i]!.truth)) throw new TrainError(`Cannot compare: both must be evaluated on the same labelled rows; the first has ${a?.length ?? 'no'} and the second ${b?.length ?? 'no'} of them ("${first.split}" and "${second.split}"), or other labels. Evaluate both on one split.`)
  const mean = (rows: ArrayLike<number>, value: (i: number) => number) => { let sum = 0; for (let i = 0; i < rows.length; i++) sum += value(rows[i]!); return sum / rows.length }
  const all = Int32Array.from(a, (_, i) => i), hit = (list: typeof a, i: number) => list[i]!.guess === list[i]!.truth ? 1 : 0
  const difference = (value: (i: number) => number) => ({ value: mean(all, value), interval: bootstrapInterval(a.length, (rows) => mean(rows, value)) })
  const onlyFirst = a.filter((_, i) => hit(a, i) > hit(b, i)).length, onlySecond = a.filter((_, i) => hit(a, i) < hit(b, i)).length
  return new Comparison(names, a.length, [mean(all, (i) => hit(a, i)), mean(all, (i) => hit(b, i))], difference((i) => hit(b, i) - hit(a, i)), difference((i) => b[i]!.loss - a[i]!.loss), onlyFirst, onlySecond, mcnemar(onlyFirst, onlySecond))
}
