// A linear head fitted on frozen features in one go, instead of steps towards the one best answer that there is: logistic regression for classes (for several, one for each), ridge regression for numbers.
import * as tf from '@tensorflow/tfjs'
import { fitLogistic, type Model } from '../models/index.js'
import { logLoss, softmax } from './metrics/index.js'
import { fitRidge, ridgeLoss } from './ridge.js'
import { concat } from './concat.js'
import type { Source } from './sources.js'

/** Numbers in the features, times classes, up to which the fit takes seconds. */
const mostNumbers = 5e7

/** Kernel `[d, classes]` and bias `[classes]` when the head is one linear layer on the features. */
export function linearHead(model: Model): { kernel: tf.Variable; bias: tf.Variable } | undefined {
  const head = model.groups().find(({ name }) => name === 'head')?.variables ?? []
  const kernel = head.find(({ rank }) => rank === 2), bias = head.find(({ rank }) => rank === 1)
  return model.hasHead && head.length === 2 && kernel && bias && kernel.shape[1] === model.classes.length && bias.shape[0] === model.classes.length ? { kernel, bias } : undefined
}

export function canFitHead(model: Model, rows: number): boolean {
  const head = model.task === 'classification' || model.task === 'multi-label' || model.task === 'regression' ? linearHead(model) : undefined
  return head !== undefined && head.kernel.size * rows <= mostNumbers
}

export interface Rows { data: Float64Array; rows: number; columns: number; /** Classes, or numbers. */ labels: number[]; /** How much each row counts. */ counts: number[] }

/** Rows of several answers share their features. */
type Questions = Rows & { answers: number[][] }

/** @param each labels of a row */
function rowsOf(source: Source, width: number, each: number): Questions {
  const { features, labels, weights } = source.stored!
  const known = Array.from(weights.keys()).filter((row) => (labels instanceof Int32Array ? labels[row]! >= 0 : !Number.isNaN(labels[row * each]!)) && weights[row]! > 0)
  const data = new Float64Array(known.length * width)
  known.forEach((row, at) => data.set(features.subarray(row * width, (row + 1) * width), at * width))
  const answers = Array.from({ length: each }, (_, i) => known.map((row) => labels[row * each + i]!))
  return { data, rows: known.length, columns: width, labels: answers[0]!, answers, counts: known.map((row) => weights[row]!) }
}

/** What is fitted to rows, and how it is judged. Weights are `outputs` rows of a slope for each column and an offset. */
interface Solver { outputs: number; fit(rows: Rows, strength: number, start: Float64Array | undefined): Float64Array; loss(weights: Float64Array, judge: Rows): number; /** What the folds hold in proportion. */ stratum(label: number): number }

const logistic = (classes: number): Solver => ({ outputs: classes, fit: (rows, strength, start) => fitLogistic(rows, rows.labels, classes, { strength, start, counts: rows.counts }).weights, loss: (weights, judge) => lossOf(weights, judge, classes), stratum: (label) => label })
const ridge: Solver = { outputs: 1, fit: fitRidge, loss: ridgeLoss, stratum: () => 0 }

/** From a firm pull towards 0 to hardly any. */
const strengths = [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1]

/** Up to so many training rows are few: each judges what was fitted without it. So many validation rows judge better than that. */
const fewRows = 400, enoughJudges = 100

/**
 * Fits kernel and bias to minimize cross-entropy (numbers: half the squared error, in their own deviations) plus ‖kernel‖² / (2 · strength), on features of mean 0 and deviation 1.
 * The strength is the one of eight with the lowest loss on validation rows. Where there are fewer than 20 of those (100, with up to 400 training rows), training rows judge: every
 * fifth, or up to 400 rows each once (five folds; rows with the same features in more than one place are in every fit and judge none). Each of several classes has a strength of its own.
 *
 * @param train features of the training rows, as `featureSource` makes them
 * @returns undefined when `aborted` says so in between; the model is then as it was. `strength` is the first class's where there are several
 */
export async function fitHead(model: Model, train: Source, validation: Source | undefined, aborted: () => boolean): Promise<{ strength: number; validated: boolean } | undefined> {
  const { kernel, bias } = linearHead(model)!, width = kernel.shape[0]!, outputs = model.classes.length, several = model.task === 'multi-label'
  const all = rowsOf(train, width, several ? outputs : 1), judged = validation && rowsOf(validation, width, several ? outputs : 1), { mean, deviation } = standardize(all)
  if (judged) scaled(judged, mean, deviation)
  const validated = judged !== undefined && judged.rows >= (all.rows > fewRows ? 20 : enoughJudges), judges = validated ? judged : undefined
  const slopes: Float32Array[] = [], offsets: Float32Array[] = [], strengthOf: number[] = []
  for (const i of all.answers.keys()) {
    const question = { ...all, labels: all.answers[i]! }, constant = several && question.labels.every((label) => label === question.labels[0])
    const found = constant ? { strength: NaN, weights: always(question) } : await fitted(question, judges && { ...judges, labels: judges.answers[i]! }, model.task === 'regression' ? ridge : logistic(several ? 2 : outputs), aborted)
    if (!found) return undefined
    const { slopes: own, offsets: ends } = onFeatures(found.weights, found.weights.length / (width + 1), mean, deviation)
    // Of two classes, absent and present, the difference is the logit.
    slopes.push(several ? own.subarray(0, width).map((value, j) => own[width + j]! - value) : own)
    offsets.push(several ? Float32Array.of(ends[1]! - ends[0]!) : ends)
    strengthOf.push(found.strength)
  }
  tf.tidy(() => {
    kernel.assign(tf.transpose(tf.tensor2d(concat(slopes), [outputs, width])))
    bias.assign(tf.tensor1d(concat(offsets)))
  })
  return { strength: strengthOf.find((strength) => !Number.isNaN(strength)) ?? NaN, validated }
}

/** A class that all rows have, or none: as sure as one row more of either kind would leave it. */
function always({ labels, columns, rows }: Rows): Float64Array {
  const weights = new Float64Array(2 * (columns + 1)), sure = Math.log(2 * rows + 1)
  weights[2 * columns + 1] = labels[0] === 1 ? sure : -sure
  return weights
}

async function fitted(all: Rows, judged: Rows | undefined, solver: Solver, aborted: () => boolean): Promise<{ strength: number; weights: Float64Array } | undefined> {
  const trials: readonly Trial[] = judged ? [{ fit: all, judge: judged }] : all.rows > fewRows ? [heldOut(all, (row) => row % 5 === 0)] : inFolds(all, solver.stratum)
  let best: { loss: number; strength: number; weights: Float64Array } | undefined, risen = 0, weightsOf: Float64Array[] = []
  for (const strength of strengths) {
    // each begins where the last one ended, a little further from 0
    weightsOf = await Promise.all(trials.map(async ({ fit }, i) => {
      await new Promise((resolve) => { setImmediate(resolve) })
      return aborted() ? new Float64Array(0) : solver.fit(fit, strength, weightsOf[i])
    }))
    if (aborted()) return undefined
    const loss = trials.reduce((sum, { judge }, i) => sum + judge.rows * solver.loss(weightsOf[i]!, judge), 0), weights = weightsOf[0]!
    if (!best || loss < best.loss) { best = { loss, strength, weights }; risen = 0 }
    else if (++risen === 2) break
  }
  const { weights, strength } = best!
  return { strength, weights: judged ? weights : solver.fit(all, strength, weights) }
}

/**
 * Of the usual deviation, by which every column is divided at least. A feature that few training rows have, divided by its own small deviation, would
 * be worth more than all others on a row that has it: on ten sets of validation rows 0.3 lowered the loss by up to 70 % and never raised it.
 */
const leastShare = 0.3

/** In place. @returns what was taken off and divided by */
function standardize(rows: Rows): { mean: Float64Array; deviation: Float64Array } {
  const { data, columns, counts } = rows, total = counts.reduce((sum, count) => sum + count, 0), mean = new Float64Array(columns), deviation = new Float64Array(columns)
  for (let i = 0; i < data.length; i++) mean[i % columns]! += data[i]! * counts[(i / columns) | 0]! / total
  for (let i = 0; i < data.length; i++) deviation[i % columns]! += (data[i]! - mean[i % columns]!) ** 2 * counts[(i / columns) | 0]! / total
  const usual = deviation.reduce((sum, variance) => sum + Math.sqrt(variance) / columns, 0)
  for (let j = 0; j < columns; j++) deviation[j] = Math.max(Math.sqrt(deviation[j]!), leastShare * usual) || 1
  scaled(rows, mean, deviation)
  return { mean, deviation }
}

function scaled({ data, columns }: Rows, mean: Float64Array, deviation: Float64Array): void {
  for (let i = 0; i < data.length; i++) data[i] = (data[i]! - mean[i % columns]!) / deviation[i % columns]!
}

/** The same classifier on features as they are. */
function onFeatures(weights: Float64Array, classes: number, mean: Float64Array, deviation: Float64Array): { slopes: Float32Array; offsets: Float32Array } {
  const width = mean.length, slopes = new Float32Array(classes * width), offsets = new Float32Array(classes)
  for (let c = 0; c < classes; c++) {
    let offset = weights[c * (width + 1) + width]!
    for (let j = 0; j < width; j++) {
      const slope = weights[c * (width + 1) + j]! / deviation[j]!
      slopes[c * width + j] = slope
      offset -= slope * mean[j]!
    }
    offsets[c] = offset
  }
  return { slopes, offsets }
}

interface Trial { fit: Rows; judge: Rows }

const heldOut = (all: Rows, held: (row: number) => boolean): Trial => ({ fit: pick(all, (row) => !held(row)), judge: pick(all, held) })

/** Each class spread evenly over the folds. */
function inFolds(all: Rows, stratum: Solver['stratum'], folds = 5): Trial[] {
  const key = (row: number) => Buffer.from(all.data.buffer, all.data.byteOffset + 8 * row * all.columns, 8 * all.columns).toString('latin1')
  const keys = all.labels.map((_, row) => key(row)), times = new Map<string, number>(), seen: number[] = []
  for (const one of keys) times.set(one, (times.get(one) ?? 0) + 1)
  const fold = all.labels.map((label, row) => times.get(keys[row]!)! > 1 ? -1 : (seen[stratum(label)] = (seen[stratum(label)] ?? -1) + 1) % folds)
  const used = Array.from({ length: folds }, (_, i) => i).filter((i) => fold.includes(i) && fold.some((other) => other !== i))
  return used.length > 0 ? used.map((i) => heldOut(all, (row) => fold[row] === i)) : [{ fit: all, judge: all }]
}

function pick({ data, columns, labels, counts }: Rows, keep: (row: number) => boolean): Rows {
  const rows = labels.map((_, row) => row).filter(keep), out = new Float64Array(rows.length * columns)
  rows.forEach((row, at) => out.set(data.subarray(row * columns, (row + 1) * columns), at * columns))
  return { data: out, rows: rows.length, columns, labels: rows.map((row) => labels[row]!), counts: rows.map((row) => counts[row]!) }
}

function lossOf(weights: Float64Array, { data, rows, columns, labels }: Rows, classes: number): number {
  return logLoss(labels, Array.from({ length: rows }, (_, row) => softmax(Float64Array.from({ length: classes }, (_unused, c) => {
    let score = weights[c * (columns + 1) + columns]!
    for (let j = 0; j < columns; j++) score += weights[c * (columns + 1) + j]! * data[row * columns + j]!
    return score
  }))))
}
