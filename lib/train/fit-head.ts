// A linear head fitted on frozen features in one go: logistic regression, which has one best answer, instead of steps towards it.
import * as tf from '@tensorflow/tfjs'
import { fitLogistic, type Model } from '../models/index.js'
import { logLoss, softmax } from './metrics/index.js'
import type { Source } from './sources.js'

/** Numbers in the features, times classes, up to which the fit takes seconds. */
const mostNumbers = 8e6

/** Kernel `[d, classes]` and bias `[classes]` when the head is one linear layer on the features. */
function linearHead(model: Model): { kernel: tf.Variable; bias: tf.Variable } | undefined {
  const head = model.groups().find(({ name }) => name === 'head')?.variables ?? []
  const kernel = head.find(({ rank }) => rank === 2), bias = head.find(({ rank }) => rank === 1)
  return model.hasHead && head.length === 2 && kernel && bias && kernel.shape[1] === model.classes.length && bias.shape[0] === model.classes.length ? { kernel, bias } : undefined
}

export function canFitHead(model: Model, rows: number): boolean {
  const head = model.task === 'classification' ? linearHead(model) : undefined
  return head !== undefined && head.kernel.size * rows <= mostNumbers
}

interface Rows { data: Float64Array; rows: number; columns: number; labels: number[] }

function rowsOf(source: Source, width: number): Rows {
  const { features, labels, weights } = source.stored!
  const known = Array.from(labels.keys()).filter((row) => labels[row]! >= 0 && weights[row]! > 0)
  const data = new Float64Array(known.length * width)
  known.forEach((row, at) => data.set(features.subarray(row * width, (row + 1) * width), at * width))
  return { data, rows: known.length, columns: width, labels: known.map((row) => labels[row]!) }
}

/** Shares of the features' mean variance that the inverse strength takes, from a firm pull towards 0 to hardly any. */
const strengths = [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1]

/**
 * Fits kernel and bias to minimize cross-entropy plus ‖kernel‖² / (2 · strength). The strength is the one of eight with the lowest loss
 * on validation rows (every fifth training row, where there are fewer than 20 of those).
 *
 * @param train features of the training rows, as `featureSource` makes them
 * @returns undefined when `aborted` says so in between; the model is then as it was
 */
export async function fitHead(model: Model, train: Source, validation: Source | undefined, aborted: () => boolean): Promise<{ strength: number; validated: boolean } | undefined> {
  const { kernel, bias } = linearHead(model)!, width = kernel.shape[0]!, classes = model.classes.length
  const all = rowsOf(train, width), judged = validation && rowsOf(validation, width)
  const validated = judged !== undefined && judged.rows >= 20
  const fit = validated ? all : pick(all, (row) => row % 5 !== 0), judge = validated ? judged : pick(all, (row) => row % 5 === 0)
  const scale = 1 / Math.max(1e-12, meanVariance(all))
  let best: { loss: number; strength: number; weights: Float64Array } | undefined, risen = 0
  for (const share of strengths) {
    await new Promise((resolve) => { setImmediate(resolve) })
    if (aborted()) return undefined
    const strength = share * scale
    const { weights } = fitLogistic(fit, fit.labels, classes, { strength })
    const loss = lossOf(weights, judge, classes)
    if (!best || loss < best.loss) { best = { loss, strength, weights }; risen = 0 }
    else if (++risen === 2) break
  }
  const { weights, strength } = best!
  const chosen = validated ? weights : fitLogistic(all, all.labels, classes, { strength }).weights
  tf.tidy(() => {
    const table = tf.tensor2d(Float32Array.from(chosen), [classes, width + 1])
    kernel.assign(tf.transpose(tf.slice(table, [0, 0], [classes, width])))
    bias.assign(tf.reshape(tf.slice(table, [0, width], [classes, 1]), [classes]))
  })
  return { strength, validated }
}

function pick({ data, columns, labels }: Rows, keep: (row: number) => boolean): Rows {
  const rows = labels.map((_, row) => row).filter(keep), out = new Float64Array(rows.length * columns)
  rows.forEach((row, at) => out.set(data.subarray(row * columns, (row + 1) * columns), at * columns))
  return { data: out, rows: rows.length, columns, labels: rows.map((row) => labels[row]!) }
}

function meanVariance({ data, rows, columns }: Rows): number {
  const sum = new Float64Array(columns), squares = new Float64Array(columns)
  for (let i = 0; i < data.length; i++) { sum[i % columns]! += data[i]!; squares[i % columns]! += data[i]! ** 2 }
  return squares.reduce((total, value, j) => total + value / rows - (sum[j]! / rows) ** 2, 0) / columns
}

function lossOf(weights: Float64Array, { data, rows, columns, labels }: Rows, classes: number): number {
  return logLoss(labels, Array.from({ length: rows }, (_, row) => softmax(Float64Array.from({ length: classes }, (_unused, c) => {
    let score = weights[c * (columns + 1) + columns]!
    for (let j = 0; j < columns; j++) score += weights[c * (columns + 1) + j]! * data[row * columns + j]!
    return score
  }))))
}
