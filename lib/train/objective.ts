// What a task is trained for: its loss, and the figures of an epoch from predictions. One place that knows tasks.
import * as tf from '@tensorflow/tfjs'
import type { Model } from '../models/index.js'
import { shown, TrainError } from './errors.js'
import { binaryCrossEntropy, crossEntropy, focalLoss, huberLoss, meanSquaredError } from './losses/index.js'
import { accuracy, argmax, confusionMatrix, f1Score, mae, rmse, rocAUC, rocAUCMacro, softmaxRows } from './metrics/index.js'
import type { LossFunction, MetricFunction, TrainOptions } from './options.js'

export interface Objective {
  /** Weighted mean over rows. */
  loss: LossFunction
  /** The same without label smoothing and class weights: what is reported for validation. */
  plainLoss: LossFunction
  /** Figures of an epoch besides the loss. */
  figures(predicted: Predictions): Record<string, number>
}

/** All rows of an epoch, padding left out. `logits` row after row. */
export interface Predictions { logits: Float32Array; labels: Int32Array | Float32Array; width: number }

const lowIsGood = new Set(['loss', 'rmse', 'mae', 'wer', 'cer', 'log loss'])

/** Whether a larger value of this metric is better. */
export const higherIsBetter = (metric: string): boolean => !lowIsGood.has(metric)

export function objectiveFor(model: Model, o: Pick<TrainOptions, 'loss' | 'metric' | 'metrics'>, plan: { labelSmoothing: number; classWeights: number[] | undefined }): Objective {
  const losses = lossesFor(model, o.loss, plan)
  const custom = Object.entries(o.metrics ?? {})
  for (const [name, metric] of custom) if (typeof metric !== 'function') throw new TrainError(`Cannot fine-tune: metrics.${name} must be a function (truth, predicted) => number, got ${shown(metric)}.`)
  const built = figuresFor(model, o.metric)
  const known = [...custom.map(([name]) => name), ...built.names, 'loss']
  if (o.metric !== undefined && !known.includes(o.metric)) throw new TrainError(`Cannot fine-tune: metric ${shown(o.metric)} is not known for ${model.task}. Use ${known.join(', ')}, or give your own in metrics: { name: (truth, predicted) => number }.`)
  return {
    ...losses,
    figures: (predicted) => ({ ...built.compute(predicted), ...Object.fromEntries(custom.map(([name, metric]) => [name, guarded(metric, predicted, model)])) }),
  }
}

function guarded(metric: MetricFunction, predicted: Predictions, model: Model): number {
  const guesses = model.task === 'classification' ? classesOf(predicted) : Array.from(predicted.logits)
  try { return Number(metric(Array.from(predicted.labels), guesses)) } catch { return NaN } // a metric that throws must not cost the training
}

function lossesFor(model: Model, wanted: TrainOptions['loss'], { labelSmoothing, classWeights }: { labelSmoothing: number; classWeights: number[] | undefined }): { loss: LossFunction; plainLoss: LossFunction } {
  if (typeof wanted === 'function') return { loss: wanted, plainLoss: wanted }
  const name = wanted ?? ({ classification: 'cross-entropy', token: 'cross-entropy', sequence: 'cross-entropy', 'multi-label': 'binary cross-entropy', regression: 'squared error', recommendation: 'squared error' } as Record<string, TrainOptions['loss']>)[model.task]
  const both = (loss: LossFunction) => ({ loss, plainLoss: loss })
  const weighted = classWeights ? { classWeights } : {}
  switch (name) {
    case 'cross-entropy': return {
      loss: rowwise((logits, labels, weights) => crossEntropy(logits, labels, { weights, smoothing: labelSmoothing, ...weighted })),
      plainLoss: rowwise((logits, labels, weights) => crossEntropy(logits, labels, { weights })),
    }
    case 'focal': return both(rowwise((logits, labels, weights) => focalLoss(logits, labels, { weights, ...weighted })))
    case 'binary cross-entropy': return both((logits, labels, weights) => binaryCrossEntropy(logits, labels, { weights }))
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

function classesOf({ logits, width }: Predictions): number[] {
  return Array.from({ length: logits.length / width }, (_, row) => argmax(logits.subarray(row * width, (row + 1) * width)))
}

function figuresFor(model: Model, metric: string | undefined): { names: readonly string[]; compute(predicted: Predictions): Record<string, number> } {
  switch (model.task) {
    case 'classification': case 'token': case 'sequence': return {
      names: ['accuracy', 'f1', 'auc'],
      compute: (predicted) => {
        const matrix = confusionMatrix(predicted.labels, classesOf(predicted), predicted.width)
        return { accuracy: accuracy(matrix), ...(metric === 'f1' ? { f1: f1Score(matrix) } : {}), ...(metric === 'auc' ? { auc: areaOf(predicted) } : {}) }
      },
    }
    case 'multi-label': return {
      names: ['accuracy'],
      compute: ({ logits, labels }) => ({ accuracy: logits.reduce((sum, value, i) => sum + (value > 0 === labels[i]! > 0.5 ? 1 : 0), 0) / logits.length }),
    }
    case 'regression': case 'recommendation': return { names: ['rmse', 'mae'], compute: ({ logits, labels }) => ({ rmse: rmse(labels, logits), mae: mae(labels, logits) }) }
    default: return { names: [], compute: () => ({}) }
  }
}

function areaOf({ logits, labels, width }: Predictions): number {
  const probabilities = softmaxRows(logits, width)
  return width === 2 ? rocAUC(labels, probabilities.map((row) => row[1]!)) : rocAUCMacro(labels, probabilities)
}
