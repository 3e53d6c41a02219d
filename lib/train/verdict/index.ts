// The verdict: what the curves of training and validation say, given their noise. Pure; validated on generated curves of known kind.
import type { OverfittingVerdict, VerdictKind } from '../events.js'
import type { EpochRecord } from '../history.js'
import { endSlope, indexOfLowest, mean, noiseOf, smooth } from './curve.js'
import { remediesFor } from './remedies.js'

export interface VerdictContext {
  /** Training and validation rows. */
  rows: number
  validationRows: number
  classes: number
  metric: string
  /** Epochs that are planned. */
  planned: number
}

interface Finding { verdict: VerdictKind; evidence: string; onsetEpoch?: number; interval?: readonly [number, number] }

/**
 * In this order: too little data · unstable · leaking · overfitting · underfitting · still learning · good fit.
 * A difference counts when it is more than the noise of its curve (from second differences) explains.
 *
 * @param epochs one record an epoch; `loss` in both parts, `accuracy` where there are classes
 * @example judge(history.epochs, { rows: 258, validationRows: 43, classes: 3, metric: 'accuracy', planned: 6 }).verdict
 */
export function judge(epochs: readonly EpochRecord[], context: VerdictContext): OverfittingVerdict {
  const found = find(epochs, context)
  const losses = epochs.map(({ validation, train }) => validation?.['loss'] ?? train['loss']!)
  const best = epochs[indexOfLowest(losses)]?.epoch ?? 0
  return { ...found, remedies: remediesFor(found.verdict, { rows: context.rows, validationRows: context.validationRows, best, epochs: epochs.length }) }
}

const fewestRows = 20

function find(epochs: readonly EpochRecord[], { validationRows, classes }: VerdictContext): Finding {
  const n = epochs.length
  const train = epochs.map(({ train }) => train['loss']!), validation = epochs.map(({ validation }) => validation?.['loss'] ?? NaN)
  if (train.some((value) => !Number.isFinite(value))) return { verdict: 'unstable', evidence: `The training loss is not a number in epoch ${epochs[train.findIndex((value) => !Number.isFinite(value))]!.epoch}.` }
  if (n < 3) return { verdict: 'too little data', evidence: `${n} ${n === 1 ? 'epoch is' : 'epochs are'} too few for a trend; three are the least.` }
  if (validation.some((value) => !Number.isFinite(value))) return { verdict: 'too little data', evidence: 'Without validation rows nobody can tell learning from memorizing.' }
  if (validationRows < fewestRows) return { verdict: 'too little data', evidence: `${validationRows} validation rows are too few to tell learning from memorizing; ${fewestRows} are the least.` }
  const curves: Curves = { epochs, n, train, validation, chance: classes > 1 ? Math.log(classes) : Infinity }
  return unstable(curves) ?? leaking(curves) ?? overfitting(curves) ?? underfitting(curves) ?? stillLearning(curves) ?? { verdict: 'good fit', evidence: goodFit(curves) }
}

interface Curves { epochs: readonly EpochRecord[]; n: number; train: readonly number[]; validation: readonly number[]; /** Loss of guessing. */ chance: number }

const show = (value: number) => value.toPrecision(3)
const accuracies = (epochs: readonly EpochRecord[], part: 'train' | 'validation') => epochs.map((epoch) => epoch[part]?.['accuracy'])

/** Training itself goes up and down: the way back up is a large part of the whole way. */
function unstable({ train, epochs }: Curves): Finding | undefined {
  const ups = train.slice(1).map((value, i) => Math.max(0, value - train[i]!))
  const climbed = ups.reduce((sum, up) => sum + up, 0), range = Math.max(...train) - Math.min(...train)
  const largest = ups.indexOf(Math.max(...ups))
  const large = ups.filter((up) => up > 0.15 * Math.max(range, train[0]!)).length
  if (climbed < 0.6 * range || range < 0.15 * mean(train) || (large < 2 && ups[largest]! < 0.8 * Math.max(train[0]!, mean(train)))) return undefined
  return { verdict: 'unstable', evidence: `The training loss jumps: from ${show(train[largest]!)} to ${show(train[largest + 1]!)} in epoch ${epochs[largest + 1]!.epoch}, and it climbed ${show(climbed)} in all over a range of ${show(range)}.` }
}

/** Validation far better than training from early on, near perfect: its rows are probably known. Augmentation and dropout explain some, not this much. */
function leaking({ train, validation, epochs, n, chance }: Curves): Finding | undefined {
  const from = Math.floor(n / 3)
  const ratio = mean(validation.slice(from)) / mean(train.slice(from))
  const own = accuracies(epochs, 'train').slice(from), other = accuracies(epochs, 'validation').slice(from)
  const gain = own.every((v) => v !== undefined) && other.every((v) => v !== undefined) ? mean(other as number[]) - mean(own as number[]) : 0
  const worthwhile = mean(train.slice(from)) > 0.05 * Math.min(chance, 1)
  if (!worthwhile || ratio > 0.55 || gain < 0.05 || (other.at(-1) ?? 0) < 0.9) return undefined
  return { verdict: 'leaking', evidence: `Validation is better than training where it should be worse: loss ${show(mean(validation.slice(from)))} against ${show(mean(train.slice(from)))}${gain > 0 ? `, accuracy ${show(gain)} higher` : ''}. Rows of it may be in the training part.` }
}

/** Validation has turned upwards while training went on falling. */
function overfitting({ train, validation, epochs, n }: Curves): Finding | undefined {
  const course = smooth(validation), noise = noiseOf(validation)
  const turn = indexOfLowest(course)
  if (turn > n - 2) return undefined
  const end = mean(validation.slice(-Math.min(3, n - 1 - turn))), low = Math.min(course[turn]!, mean(validation.slice(Math.max(0, turn - 1), turn + 2)))
  const rise = end - low
  const fallen = smooth(train)[turn]! - mean(train.slice(-Math.min(2, n - 1 - turn)))
  if (rise < Math.max(2 * noise, 0.06 * low) || fallen < 0.03 * smooth(train)[turn]!) return undefined
  // Where the smoothed course is within its noise (a mean of three) of the lowest point, it may have turned.
  const slack = Math.max(1.5 * noise / Math.sqrt(3), 0.01 * low)
  let first = turn, last = turn
  while (first > 0 && course[first - 1]! <= course[turn]! + slack) first--
  while (last < n - 1 && course[last + 1]! <= course[turn]! + slack) last++
  const epoch = (i: number) => epochs[Math.min(n - 1, i + 1)]!.epoch
  return {
    verdict: 'overfitting', onsetEpoch: epoch(turn), interval: [epoch(first), epoch(last)],
    evidence: `Since epoch ${epochs[turn]!.epoch} the validation loss rose from ${show(low)} to ${show(end)} (noise ±${show(noise)}) while the training loss fell from ${show(smooth(train)[turn]!)} to ${show(train.at(-1)!)}.`,
  }
}

/** Training has stopped falling far above what the data allow: near guessing, or with most rows wrong. */
function underfitting({ train, validation, epochs, n, chance }: Curves): Finding | undefined {
  const window = Math.max(3, Math.ceil(n / 3)), { slope } = endSlope(train, window)
  const level = mean(train.slice(-window)), accuracy = accuracies(epochs, 'train').at(-1)
  const flat = -slope * window < 0.05 * level
  const poor = Number.isFinite(chance) ? level > 0.7 * chance : level > 0.8 * train[0]!
  if (!flat || !poor) return undefined
  return { verdict: 'underfitting', evidence: `The training loss stays at ${show(level)}${Number.isFinite(chance) ? ` (guessing gives ${show(chance)})` : ''}${accuracy === undefined ? '' : `, training accuracy ${show(accuracy)}`}, and validation at ${show(validation.at(-1)!)}: the network has not learned what is there.` }
}

/** Validation still falls at the end by more than its noise. */
function stillLearning({ validation, train, epochs, n }: Curves): Finding | undefined {
  if (accuracies(epochs, 'validation').slice(-2).every((value) => value === 1)) return undefined // all right already: only surer
  const window = Math.max(3, Math.ceil(n / 3)), { slope, error } = endSlope(validation, window)
  const level = mean(validation.slice(-window)), gain = -slope * window
  const steady = n < 5 ? true : -slope > 1.5 * error
  // A large share of a loss near 0 is still little of the way down.
  const way = Math.max(...validation) - Math.min(...validation)
  if (gain < 0.06 * level || gain < 0.05 * way || !steady || endSlope(train, window).slope > 0) return undefined
  return { verdict: 'still learning', evidence: `The validation loss still falls, by ${show(gain)} over the last ${window} epochs, to ${show(validation.at(-1)!)}.` }
}

function goodFit({ train, validation, n }: Curves): string {
  const window = Math.max(2, Math.ceil(n / 4))
  return `The validation loss has settled at ${show(mean(validation.slice(-window)))}, the training loss at ${show(mean(train.slice(-window)))}; neither turns upwards.`
}
