// The verdict: what the curves of training and validation say, given their noise. Pure; validated on generated courses of known kind and on real trainings.
import type { OverfittingVerdict, VerdictKind } from '../events.js'
import type { Trouble } from '../health.js'
import type { EpochRecord } from '../history.js'
import { carefulNoise, despiked, endSlope, indexOfLowest, mean, median, noiseOf } from './curve.js'
import { remediesFor } from './remedies.js'
import { turnOf } from './turn.js'

export interface VerdictContext {
  /** Training and validation rows. */
  rows: number
  validationRows: number
  classes: number
  /** Loss of knowing only how often each answer occurs. Default: that of equally frequent classes. */
  guessing?: number | undefined
  metric: string
  /** Epochs that are planned. */
  planned: number
  /** What ended the run, where it fell apart. */
  trouble?: Trouble
  /** What the run did, for remedies that it has not tried. */
  learningRate?: number
  batchSize?: number
  augmented?: boolean
  headOnly?: boolean
  /** The head was computed, not trained: its one epoch is the optimum. */
  fitted?: boolean
  scratch?: boolean
  images?: boolean
  /** The run ended with its last weights, not with the best epoch's. */
  keptLast?: boolean
}

interface Finding { verdict: VerdictKind; evidence: string; onsetEpoch?: number; interval?: readonly [number, number] }

/**
 * In this order: unstable when it fell apart · too little data · unstable · leaking · overfitting · still learning · underfitting · good fit.
 * Losses are compared as ratios (their logarithms); a difference counts when it is more than the noise of its curve (from second
 * differences) explains. Overfitting is a turn: the best fit that falls and then rises explains the validation loss better than one
 * that only falls, while training goes on falling; the interval holds every epoch that explains it about as well.
 *
 * @param epochs one record an epoch; `loss` in both parts, `accuracy` where there are classes
 * @example judge(result.history, { rows: 258, validationRows: 43, classes: 3, metric: 'accuracy', planned: 6 }).verdict
 */
export function judge(epochs: readonly EpochRecord[], context: VerdictContext): OverfittingVerdict {
  const found = find(epochs, context)
  const losses = epochs.map(({ validation, train }) => validation?.['loss'] ?? train['loss']!)
  const best = indexOfLowest(losses)
  return { ...found, remedies: remediesFor(found.verdict, { ...context, best: epochs[best]?.epoch ?? 0, bestLoss: losses[best] ?? NaN, epochs: epochs.length }) }
}

/** A head that is the optimum for its features has no course: only whether the features tell the rows apart. */
function ofOptimum(train: number, validation: number, chance: number, what: 'classes' | 'rows'): Finding {
  const losses = `training loss ${show(train)}, validation loss ${show(validation)}`
  if (validation > 0.93 * chance && train < 0.5 * chance) return { verdict: 'too little data', evidence: `The head knows its training rows and is so sure of some mistakes that guessing would cost less on validation rows: ${losses} (guessing gives ${show(chance)}). So many features want more rows.` }
  if (validation > 0.93 * chance) return { verdict: 'underfitting', evidence: `The head is the best for its features, and they hardly tell the ${what} apart: ${losses} (guessing gives ${show(chance)}).` }
  return { verdict: 'good fit', evidence: `The head is the best for its features, no stronger than the validation rows bear, so there is no course to judge: ${losses}.` }
}

const fewestRows = 20
/** Noise of a validation loss from epoch to epoch, as a share of it, before anything is known. */
const usualNoise = 0.04
/** Share of the loss of guessing below which ratios stop to count. */
const heldIn = 0.02

function find(epochs: readonly EpochRecord[], { validationRows, classes, guessing, trouble, fitted }: VerdictContext): Finding {
  const n = epochs.length
  const train = epochs.map(({ train }) => train['loss']!), validation = epochs.map(({ validation }) => validation?.['loss'] ?? NaN)
  if (trouble) return { verdict: 'unstable', evidence: `Training fell apart: ${trouble.why}.` }
  if (train.some((value) => !Number.isFinite(value))) return { verdict: 'unstable', evidence: `The training loss is not a number in epoch ${epochs[train.findIndex((value) => !Number.isFinite(value))]!.epoch}.` }
  if (fitted && n === 1 && validation[0]! >= 0 && validationRows >= fewestRows) return ofOptimum(train[0]!, validation[0]!, guessing ?? Math.log(Math.max(2, classes)), guessing === undefined ? 'classes' : 'rows')
  if (n < 3) return { verdict: 'too little data', evidence: `${n === 0 ? 'No epoch is' : n === 1 ? '1 epoch is' : `${n} epochs are`} ${n === 0 ? 'finished' : 'too few for a trend'}; three are the least.` }
  if (validation.some((value) => !Number.isFinite(value))) return { verdict: 'too little data', evidence: 'Without validation rows nobody can tell learning from memorizing.' }
  if (validationRows < fewestRows) return { verdict: 'too little data', evidence: `${validationRows} validation rows are too few to tell learning from memorizing; ${fewestRows} are the least.` }
  const chance = guessing ?? (classes > 1 ? Math.log(classes) : Infinity), scale = Number.isFinite(chance) ? chance : Math.max(train[0]!, validation[0]!)
  // Ratios: near 0, where a hundredth more is many times as much and means nothing, they are held in.
  const ratios = (values: readonly number[], share: number) => values.map((value) => Math.log(Math.max(0, value) + share * scale))
  const curves: Curves = { epochs, n, train, validation, chance, scale, coarseTrain: ratios(train, 5 * heldIn), coarseValidation: ratios(validation, 5 * heldIn), logValidation: ratios(validation, heldIn), logTrain: ratios(train, heldIn) }
  return unstable(curves) ?? leaking(curves) ?? overfitting(curves) ?? stillLearning(curves) ?? underfitting(curves) ?? { verdict: 'good fit', evidence: goodFit(curves) }
}

interface Curves {
  epochs: readonly EpochRecord[]
  n: number
  train: readonly number[]
  validation: readonly number[]
  /** Loss of guessing. */
  chance: number
  /** The same, or the first loss where guessing has none. */
  scale: number
  /** Logarithms, held in below a tenth (coarse) or a fiftieth of `scale`. */
  coarseTrain: readonly number[]
  coarseValidation: readonly number[]
  logTrain: readonly number[]
  logValidation: readonly number[]
}

const show = (value: number) => value.toPrecision(3)
const percent = (value: number) => `${(100 * value).toPrecision(2)} %`
const accuracies = (epochs: readonly EpochRecord[], part: 'train' | 'validation') => epochs.map((epoch) => epoch[part]?.['accuracy'])
const lastThird = (n: number) => Math.max(3, Math.ceil(n / 3))

/** Training itself goes up and down, or up and stays there. */
function unstable({ train, epochs, n, scale, coarseTrain, coarseValidation }: Curves): Finding | undefined {
  const jumps = coarseTrain.slice(1).map((value, i) => value - coarseTrain[i]!), steady = despiked(coarseTrain)
  const largest = jumps.indexOf(Math.max(...jumps)), noise = noiseOf(coarseTrain)
  // A leap is one in ratio and also a good part of what guessing costs: near 0 every small change is a large ratio.
  const leaps = jumps.filter((jump, i) => jump > 0.35 && train[i + 1]! - train[i]! > 0.12 * scale)
  const jumping = leaps.length >= 2 || leaps.some((leap) => leap > 0.9)
  const wild = noise > 0.22 && leaps.length > 0
  const shaken = noiseOf(coarseValidation) > 0.4 && noise > 0.1
  const end = median(coarseTrain.slice(-Math.max(2, Math.ceil(n / 6)))), climbs = n >= 5 && end - Math.min(...steady) > Math.max(0.25, 4 * noise)
  if (climbs && !jumping && !wild) return { verdict: 'unstable', evidence: `The training loss rises: it ends at ${show(train.at(-1)!)} after ${show(Math.min(...train))} in epoch ${epochs[indexOfLowest(train)]!.epoch}.` }
  if (!wild && !jumping && !shaken) return undefined
  const more = leaps.length - 1
  return { verdict: 'unstable', evidence: `The training loss jumps: from ${show(train[largest]!)} to ${show(train[largest + 1]!)} in epoch ${epochs[largest + 1]!.epoch}${more > 0 ? `, and ${more} more ${more === 1 ? 'time' : 'times'}` : ''}; beyond its trend it changes by a factor of ${show(Math.exp(noise))} from epoch to epoch, the validation loss by ${show(Math.exp(noiseOf(coarseValidation)))}.` }
}

/** Validation far better than training, near perfect: its rows are probably known. Augmentation and dropout explain some, not this much. */
function leaking({ train, validation, epochs, n, chance }: Curves): Finding | undefined {
  const from = Math.floor(n / 3)
  const level = mean(train.slice(from)), ratio = mean(validation.slice(from)) / level
  const own = accuracies(epochs, 'train').slice(from), other = accuracies(epochs, 'validation').slice(from)
  const gain = own.every((v) => v !== undefined) && other.every((v) => v !== undefined) ? mean(other as number[]) - mean(own as number[]) : 0
  const worthwhile = level > 0.08 * Math.min(chance, 1)
  if (!worthwhile || ratio > 0.55 || gain < 0.05 || (other.at(-1) ?? 0) < 0.85) return undefined
  return { verdict: 'leaking', evidence: `Validation is better than training where it should be worse: loss ${show(mean(validation.slice(from)))} against ${show(level)}, accuracy ${show(gain)} higher. Its rows may be in the training part, or known to the weights from before (or its labels are cleaner).` }
}

/** Validation has turned upwards while training went on falling. */
function overfitting({ train, validation, logTrain, logValidation, scale, epochs, n }: Curves): Finding | undefined {
  const course = n >= 7 ? despiked(logValidation) : logValidation, noise = carefulNoise(logValidation, usualNoise)
  const { at, from, to, low, high, evidence } = turnOf(course, noise)
  if (at > n - 3 && !(at === n - 2 && high - low > 5 * noise)) return undefined
  const trained = mean(logTrain.slice(at + 1)) - mean(logTrain.slice(Math.max(0, at - 1), at + 1)), learned = Math.max(0.02, carefulNoise(logTrain, usualNoise / 2))
  // A curve that is flat but for its noise is explained better by a rise as well, by about 2 ln n (isotonic regression spends ln n parameters).
  if (high - low < 0.07 || evidence < 6 + 2.5 * Math.log(n) || (trained > -learned && train.at(-1)! > 0.5 * validation.at(-1)!)) return undefined
  const epoch = (i: number) => epochs[Math.min(n - 1, i + 1)]!.epoch, loss = (height: number) => Math.max(0, Math.exp(height) - heldIn * scale)
  return {
    verdict: 'overfitting', onsetEpoch: epoch(at), interval: [epoch(from), epoch(to)],
    evidence: `After epoch ${epochs[at]!.epoch} the validation loss rose from ${show(loss(low))} to ${show(loss(high))} (noise ±${percent(noise)}) while the training loss went from ${show(train[at]!)} to ${show(train.at(-1)!)}.`,
  }
}

/** Validation still falls at the end by more than its noise, and half as many epochs again would be worth it. */
function stillLearning({ validation, logTrain, logValidation, epochs, n }: Curves): Finding | undefined {
  if (accuracies(epochs, 'validation').slice(-2).every((value) => value === 1)) return undefined // all right already: only surer
  const window = Math.min(n, lastThird(n) + 1), noise = carefulNoise(logValidation, usualNoise / 2)
  const { slope, error } = endSlope(logValidation, window, noise), own = endSlope(logTrain, window, noise)
  const gain = -slope * Math.ceil(n / 2)
  // A large share of a loss near 0 is still little of the whole way down.
  const last = validation.at(-1)!, way = Math.max(...validation) - last
  if (gain < 0.07 || -slope < 2.5 * error || own.slope > 0 || way < 0.03 * last || (1 - Math.exp(-gain)) * last < 0.05 * way) return undefined
  return { verdict: 'still learning', evidence: `The validation loss still falls, by ${percent(1 - Math.exp(slope))} an epoch over the last ${window}, to ${show(validation.at(-1)!)}.` }
}

/** Neither part has got far below what guessing gives, and validation does not fall any more. */
function underfitting({ train, validation, epochs, n, chance }: Curves): Finding | undefined {
  const window = lastThird(n), level = mean(train.slice(-window)), other = mean(validation.slice(-window)), accuracy = accuracies(epochs, 'train').at(-1)
  const poor = Number.isFinite(chance) ? level > 0.7 * chance || (other > 0.93 * chance && level > 0.5 * chance) : level > 0.8 * train[0]!
  if (!poor) return undefined
  return { verdict: 'underfitting', evidence: `The training loss stays at ${show(level)}${Number.isFinite(chance) ? ` (guessing gives ${show(chance)})` : ''}${accuracy === undefined ? '' : `, training accuracy ${show(accuracy)}`}, and validation at ${show(other)}: the network has not learned what is there.` }
}

function goodFit({ train, validation, n }: Curves): string {
  const window = Math.max(2, Math.ceil(n / 4))
  return `The validation loss has settled at ${show(mean(validation.slice(-window)))}, the training loss at ${show(mean(train.slice(-window)))}; neither turns upwards.`
}
