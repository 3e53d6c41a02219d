// Losses for classes: cross-entropy with label smoothing and class weights, focal, binary (several labels a row). Plain TensorFlow.js.
import * as tf from '@tensorflow/tfjs'

export interface ClassLossOptions {
  /** float32 `[batch]`: what each row counts; 0 for padding. Default 1. */
  weights?: tf.Tensor
  /** One number per class: rows of that class count that much (PyTorch's `weight`). */
  classWeights?: readonly number[]
  /** Share of the target that is spread evenly over all classes (Szegedy et al. 2016). Default 0. */
  smoothing?: number
}

/** Σ value · weight / Σ weight; 0 where all weights are 0. */
export function weightedMean(values: tf.Tensor, weights: tf.Tensor): tf.Scalar {
  return tf.div(tf.sum(tf.mul(values, weights)), tf.maximum(tf.sum(weights), 1e-12)) as tf.Scalar
}

/** Weight of each row: its own × its class's; 0 where the label is negative (unknown). */
function rowWeights(labels: tf.Tensor, oneHot: tf.Tensor, { weights, classWeights }: ClassLossOptions): tf.Tensor {
  const known = tf.cast(tf.greaterEqual(labels, tf.scalar(0, 'int32')), 'float32')
  const own = weights ? tf.mul(known, weights) : known
  return classWeights ? tf.mul(own, tf.sum(tf.mul(oneHot, tf.tensor1d([...classWeights])), -1)) : own
}

const targets = (labels: tf.Tensor, classes: number) => tf.oneHot(tf.cast(labels, 'int32') as tf.Tensor1D, classes, 1, 0, 'float32')

/**
 * Mean cross-entropy in nats, as `torch.nn.functional.cross_entropy`.
 *
 * @param logits float32 `[batch, classes]`
 * @param labels int32 `[batch]`; rows with a negative label do not count
 * @example crossEntropy(logits, labels, { smoothing: 0.1 })
 */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor, o: ClassLossOptions = {}): tf.Scalar {
  const classes = logits.shape.at(-1)!, { smoothing = 0 } = o
  const oneHot = targets(labels, classes)
  const weights = rowWeights(labels, oneHot, o)
  const logP = tf.logSoftmax(logits)
  const nll = tf.neg(tf.sum(tf.mul(oneHot, logP), -1))
  if (smoothing === 0) return weightedMean(nll, weights)
  // With class weights PyTorch spreads the smoothed share by weight too.
  const spread = o.classWeights ? tf.mul(logP, tf.tensor1d([...o.classWeights])) : logP
  const known = rowWeights(labels, oneHot, o.weights ? { weights: o.weights } : {})
  const even = tf.div(tf.sum(tf.mul(tf.neg(tf.sum(spread, -1)), known)), tf.maximum(tf.sum(weights), 1e-12))
  return tf.add(tf.mul(weightedMean(nll, weights), 1 - smoothing), tf.mul(even, smoothing / classes)) as tf.Scalar
}

/**
 * Cross-entropy that counts rows the less the surer they are right: −(1 − p)^γ log p (Lin et al. 2017).
 * @param o `gamma` default 2
 */
export function focalLoss(logits: tf.Tensor, labels: tf.Tensor, o: ClassLossOptions & { gamma?: number } = {}): tf.Scalar {
  const oneHot = targets(labels, logits.shape.at(-1)!)
  const logP = tf.sum(tf.mul(oneHot, tf.logSoftmax(logits)), -1)
  const doubt = tf.pow(tf.maximum(tf.sub(1, tf.exp(logP)), 1e-12), o.gamma ?? 2)
  return weightedMean(tf.neg(tf.mul(doubt, logP)), rowWeights(labels, oneHot, o))
}

/**
 * Mean over rows and labels of the binary cross-entropy, as `binary_cross_entropy_with_logits`.
 * @param labels float32 0 or 1, the shape of the logits
 */
export function binaryCrossEntropy(logits: tf.Tensor, labels: tf.Tensor, o: { weights?: tf.Tensor } = {}): tf.Scalar {
  const y = tf.cast(labels, 'float32')
  // max(x, 0) − x·y + log(1 + e^−|x|): no overflow for any x
  const each = tf.add(tf.sub(tf.relu(logits), tf.mul(logits, y)), tf.log1p(tf.exp(tf.neg(tf.abs(logits)))))
  const rows = each.rank > 1 ? tf.mean(each, each.shape.map((_, axis) => axis).slice(1)) : each
  return o.weights ? weightedMean(rows, o.weights) : tf.mean(rows) as tf.Scalar
}
