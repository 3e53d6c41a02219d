// What a task is trained for: its loss, and the figures of an epoch from predictions. One place that knows tasks.
import * as tf from '@tensorflow/tfjs'
import type { Model } from '../models/index.js'
import { shown, TrainError } from './errors.js'
import { binaryCrossEntropy, choiceLoss, crossEntropy, ctcLoss, focalLoss, huberLoss, meanSquaredError, multipleNegativesRanking, normalizeRows, pairLoss } from './losses/index.js'
import { accuracy, argmax, bleu, characterErrorRate, chrf, confusionMatrix, entityCounts, entityScores, f1Score, labelAgreement, labelAUC, labelF1, mae, marksEntities, rmse, rocAUC, rocAUCMacro, softmaxRows, wordErrorRate } from './metrics/index.js'
import type { LossFunction, MetricFunction, TrainOptions } from './options.js'

export interface Objective {
  /** Weighted mean over rows. */
  loss: LossFunction
  /** The same without label smoothing and class weights: what is reported for validation. */
  plainLoss: LossFunction
  /** What counts in a batch's loss: rows, or tokens. */
  counted(labels: tf.Tensor, weights: tf.Tensor): tf.Tensor
  /** What figures need of the outputs: scores of classes as they are, of tokens the likeliest one. */
  kept(logits: tf.Tensor): tf.Tensor
  /** Whether figures look at texts, and the model must write them for that. */
  readonly texts: 'none' | 'read' | 'written'
  /** What `loss` is a mean over: `counted`, by the weights of classes where there are some. */
  weight(labels: tf.Tensor, weights: tf.Tensor): tf.Scalar
  /** Figures of an epoch besides the loss. */
  figures(predicted: Predictions): Record<string, number>
}

/** All rows of an epoch, padding left out. `logits` row after row; for tasks of tokens their numbers, token after token. */
export interface Predictions { logits: Float32Array; labels: Int32Array | Float32Array; width: number; /** Labels of each row, where it is known. */ lengths?: number[]; texts?: Texts }

/** What the model wrote, and what it should have. */
export interface Texts { written: string[]; truth: string[] }

const lowIsGood = new Set(['loss', 'rmse', 'mae', 'wer', 'cer', 'log loss', 'perplexity'])

/** Whether a larger value of this metric is better. */
export const higherIsBetter = (metric: string): boolean => !lowIsGood.has(metric)

export function objectiveFor(model: Model, o: Pick<TrainOptions, 'loss' | 'metric' | 'metrics'>, plan: { labelSmoothing: number; classWeights: number[] | undefined }, onNote: (text: string) => void = () => {}): Objective {
  const losses = lossesFor(model, o.loss, plan)
  const custom = Object.entries(o.metrics ?? {})
  for (const [name, metric] of custom) if (typeof metric !== 'function') throw new TrainError(`Cannot fine-tune: metrics.${name} must be a function (truth, predicted) => number, got ${shown(metric)}.`)
  const built = figuresFor(model, o.metric), broken = new Set<string>()
  /** A metric that throws must not cost the training. */
  const guarded = (name: string, metric: MetricFunction, predicted: Predictions): number => {
    const guesses = model.task === 'classification' ? classesOf(predicted) : Array.from(predicted.logits)
    let value: unknown, why: string | undefined
    try { value = metric(Array.from(predicted.labels), guesses) } catch (error) { why = error instanceof Error ? error.message : String(error) }
    if (typeof value !== 'number') why ??= `it gave ${shown(value)}, which is no number`
    if (why !== undefined && !broken.has(name)) onNote(`The metric ${name} failed: ${why}. It counts as NaN${name === o.metric ? ', and the loss decides which epoch is best' : ''}. Training goes on.`)
    if (why !== undefined) broken.add(name)
    return typeof value === 'number' ? value : NaN
  }
  const known = [...custom.map(([name]) => name), ...built.names, 'loss']
  if (o.metric !== undefined && !known.includes(o.metric)) throw new TrainError(`Cannot fine-tune: metric ${shown(o.metric)} is not known for ${model.task}. Use ${known.join(', ')}, or give your own in metrics: { name: (truth, predicted) => number }.`)
  const tokens = ofTokens.has(model.task), flat = (labels: tf.Tensor) => model.task === 'sequence' || model.task === 'token' ? labels : undefined
  const counted = (labels: tf.Tensor, weights: tf.Tensor) => flat(labels) ? tf.sum(tf.mul(tf.cast(tf.greaterEqual(labels, tf.scalar(0, 'int32')), 'float32'), tf.expandDims(weights, 1))) : tf.sum(weights)
  return {
    ...losses,
    counted,
    kept: (logits) => model.task === 'embedding' ? nearest(logits) : tokens ? tf.cast(tf.argMax(logits, -1), 'float32') : logits,
    texts: model.task === 'speech' ? 'read' : model.task === 'sequence' && (o.metric === 'bleu' || o.metric === 'chrf') ? 'written' : 'none',
    weight: (labels, weights) => (o.loss === 'ranking' ? likedRows(model, labels, weights) : plan.classWeights && typeof o.loss !== 'function' ? countOf(labels, weights, plan.classWeights) : counted(labels, weights)) as tf.Scalar,
    figures: (predicted) => ({ ...built.compute(predicted), ...Object.fromEntries(custom.map(([name, metric]) => [name, guarded(name, metric, predicted)])) }),
  }
}

/** Rows of one class alike, of different classes unlike: for what is below the head. Its loss is the only figure. */
export const pairObjective: Objective = {
  loss: (features, labels, weights) => pairLoss(features, labels, { weights }),
  plainLoss: (features, labels, weights) => pairLoss(features, labels, { weights }),
  counted: (_labels, weights) => tf.sum(weights),
  kept: (features) => tf.slice(features, [0, 0], [-1, 1]),
  texts: 'none',
  weight: (_labels, weights) => tf.sum(weights) as tf.Scalar,
  figures: () => ({}),
}

const ofTokens: ReadonlySet<Model['task']> = new Set(['token', 'sequence', 'speech'])

function lossesFor(model: Model, wanted: TrainOptions['loss'], { labelSmoothing, classWeights }: { labelSmoothing: number; classWeights: number[] | undefined }): { loss: LossFunction; plainLoss: LossFunction } {
  if (typeof wanted === 'function') return { loss: wanted, plainLoss: wanted }
  const name = wanted ?? model.loss ?? ({ classification: 'cross-entropy', token: 'cross-entropy', sequence: 'cross-entropy', speech: 'ctc', embedding: 'contrastive', 'multi-label': 'binary cross-entropy', regression: 'squared error', recommendation: 'squared error' } as Record<string, TrainOptions['loss']>)[model.task]
  const both = (loss: LossFunction) => ({ loss, plainLoss: loss })
  const weighted = classWeights ? { classWeights } : {}
  switch (name) {
    case 'cross-entropy': return {
      loss: rowwise((logits, labels, weights) => crossEntropy(logits, labels, { weights, smoothing: labelSmoothing, ...weighted })),
      plainLoss: rowwise((logits, labels, weights) => crossEntropy(logits, labels, { weights })),
    }
    case 'focal': return both(rowwise((logits, labels, weights) => focalLoss(logits, labels, { weights, ...weighted })))
    case 'binary cross-entropy': return both((logits, labels, weights) => binaryCrossEntropy(logits, labels, { weights }))
    case 'ctc': return both(transcriptLoss)
    case 'contrastive': return both(belonging)
    case 'ranking': return both((logP, ratings, weights) => choiceLoss(logP, ratings, { weights, relevant: relevantFrom(model) }))
    case 'squared error': return both((predicted, truth, weights) => meanSquaredError(predicted, truth, { weights }))
    case 'huber': return both((predicted, truth, weights) => huberLoss(predicted, truth, { weights }))
    default: throw new TrainError(`Cannot fine-tune ${model.family}: no loss is known for the task "${model.task}". Give your own: loss: (logits, labels, weights) => ….`)
  }
}

/** Sequences `[batch, tokens, classes]` are rows of tokens. */
function rowwise(loss: LossFunction): LossFunction {
  return (logits, labels, weights) => {
    if (logits.rank === 2) return loss(logits, labels, weights)
    const tokens = labels.size / labels.shape[0]!
    return loss(tf.reshape(logits, [-1, logits.shape.at(-1)!]), tf.reshape(labels, [-1]), tf.reshape(tf.tile(tf.expandDims(weights, 1), [1, tokens]), [-1]))
  }
}

/** Scores `[batch, frames, symbols]` against symbols `[batch, longest]`, padded with numbers below 0. A transcript with more symbols than frames cannot be learned and counts nothing. */
function transcriptLoss(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor): tf.Scalar {
  const [batch, frames] = logits.shape as [number, number]
  const known = tf.greaterEqual(labels, tf.scalar(0, 'int32'))
  const targets = tf.mul(tf.cast(labels, 'int32'), tf.cast(known, 'int32')) as tf.Tensor2D
  const lengths = { inputs: tf.fill([batch], frames, 'int32') as tf.Tensor1D, targets: tf.sum(tf.cast(known, 'int32'), 1) as tf.Tensor1D }
  return ctcLoss(tf.transpose(tf.logSoftmax(logits), [1, 0, 2]) as tf.Tensor3D, targets, lengths, { weights, zeroInfinity: true })
}

const relevantFrom = (model: Model) => model.preprocessing.kind === 'interaction' ? model.preprocessing.relevant ?? 0 : 0

const likedRows = (model: Model, ratings: tf.Tensor, weights: tf.Tensor) => tf.sum(tf.mul(tf.cast(tf.greaterEqual(ratings, tf.scalar(relevantFrom(model))), 'float32'), weights))

/** Rows (tokens) with a label, each by its weight and its class's. */
function countOf(labels: tf.Tensor, weights: tf.Tensor, classWeights: readonly number[]): tf.Tensor {
  const each = labels.size / weights.size, flat = tf.reshape(labels, [-1])
  const own = each === 1 ? weights : tf.reshape(tf.tile(tf.expandDims(weights, 1), [1, each]), [-1])
  const known = tf.mul(tf.cast(tf.greaterEqual(flat, tf.scalar(0, 'int32')), 'float32'), own)
  return tf.sum(tf.mul(known, tf.gather(tf.tensor1d([...classWeights]), tf.maximum(flat, tf.scalar(0, 'int32')) as tf.Tensor1D)))
}

/** Vectors `[2 · batch, d]`: the sources' first, then those of the targets that belong to them. */
function belonging(vectors: tf.Tensor, _labels: tf.Tensor, weights: tf.Tensor): tf.Scalar {
  const [a, b] = tf.split(vectors, 2, 0) as [tf.Tensor, tf.Tensor]
  return multipleNegativesRanking(a, b, { weights })
}

/** 1 for each source whose nearest target in the batch is its own, else 0. */
function nearest(vectors: tf.Tensor): tf.Tensor {
  const [a, b] = tf.split(vectors, 2, 0) as [tf.Tensor2D, tf.Tensor2D]
  const cosines = tf.matMul(normalizeRows(a) as tf.Tensor2D, normalizeRows(b) as tf.Tensor2D, false, true)
  return tf.cast(tf.equal(tf.argMax(cosines, 1), tf.range(0, a.shape[0], 1, 'int32')), 'float32')
}

function classesOf({ logits, width }: Predictions): number[] {
  return Array.from({ length: logits.length / width }, (_, row) => argmax(logits.subarray(row * width, (row + 1) * width)))
}

function figuresFor(model: Model, metric: string | undefined): { names: readonly string[]; compute(predicted: Predictions): Record<string, number> } {
  switch (model.task) {
    case 'token': return {
      names: ['accuracy', 'f1', ...(marksEntities(model.classes) ? ['entity f1'] : [])],
      compute: (predicted) => {
        const matrix = confusionMatrix(predicted.labels, Array.from(predicted.logits), model.classes.length)
        return { accuracy: accuracy(matrix), ...(metric === 'f1' ? { f1: f1Score(matrix) } : {}), ...(metric === 'entity f1' && predicted.lengths ? { 'entity f1': entityScores(taggedRows(model, predicted).map(({ truth, said }) => entityCounts(truth, said))).f1 } : {}) }
      },
    }
    case 'embedding': return { names: ['accuracy'], compute: ({ logits }) => ({ accuracy: logits.reduce((sum, value) => sum + value, 0) / logits.length }) }
    case 'sequence': return {
      names: ['accuracy', 'bleu', 'chrf'],
      compute: ({ logits, labels, texts }) => ({ accuracy: shareRight(logits, labels), ...(texts ? { bleu: bleu(texts.written, texts.truth).score, chrf: chrf(texts.written, texts.truth) } : {}) }),
    }
    case 'speech': return {
      names: ['wer', 'cer'],
      compute: ({ texts }): Record<string, number> => texts ? { wer: wordErrorRate(texts.truth, texts.written).rate, cer: characterErrorRate(texts.truth, texts.written).rate } : {},
    }
    case 'classification': return {
      names: ['accuracy', 'f1', 'auc'],
      compute: (predicted) => {
        const matrix = confusionMatrix(predicted.labels, classesOf(predicted), predicted.width)
        return { accuracy: accuracy(matrix), ...(metric === 'f1' ? { f1: f1Score(matrix) } : {}), ...(metric === 'auc' ? { auc: areaOf(predicted) } : {}) }
      },
    }
    case 'multi-label': return {
      names: ['accuracy', 'f1', 'auc'],
      compute: (predicted) => {
        const { truth, guesses } = knownNumbers(predicted), marks = { truth, logits: guesses, width: predicted.width }
        return { accuracy: labelAgreement(marks).accuracy, ...(metric === 'f1' ? { f1: labelF1(marks) } : {}), ...(metric === 'auc' ? { auc: labelAUC(marks) } : {}) }
      },
    }
    case 'regression': case 'recommendation': return model.loss === 'ranking' ? { names: [], compute: () => ({}) } : {
      names: ['rmse', 'mae'],
      compute: (predicted) => { const { truth, guesses } = knownNumbers(predicted); return { rmse: rmse(truth, guesses), mae: mae(truth, guesses) } },
    }
    default: return { names: [], compute: () => ({}) }
  }
}

/** Tags of the words of each row, and which of them have a truth (''). The end of a text that is too long for the model has none. */
export function taggedRows(model: Model, { logits, labels, lengths = [] }: Predictions): { truth: string[]; said: string[] }[] {
  let at = 0
  return lengths.map((length) => {
    const tokens = Array.from({ length }, (_, i) => at + i).filter((i) => labels[i]! >= -1)
    at += length
    return { truth: tokens.map((i) => model.classes[labels[i]!] ?? ''), said: tokens.map((i) => model.classes[logits[i]!]!) }
  })
}

/** Share of the known tokens that were the likeliest. */
function shareRight(guesses: ArrayLike<number>, labels: ArrayLike<number>): number {
  let right = 0, known = 0
  for (let i = 0; i < labels.length; i++) if (labels[i]! >= 0) { known++; if (guesses[i] === labels[i]) right++ }
  return right / known
}

/** Numbers of the rows that have a truth. */
export function knownNumbers({ logits, labels }: Predictions): { truth: number[]; guesses: number[]; rows: number[] } {
  const rows = Array.from(labels.keys()).filter((row) => !Number.isNaN(labels[row]!))
  return { truth: rows.map((row) => labels[row]!), guesses: rows.map((row) => logits[row]!), rows }
}

function areaOf({ logits, labels, width }: Predictions): number {
  const probabilities = softmaxRows(logits, width)
  return width === 2 ? rocAUC(labels, probabilities.map((row) => row[1]!)) : rocAUCMacro(labels, probabilities)
}
