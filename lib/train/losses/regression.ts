// Losses for numbers: squared error and Huber. Plain TensorFlow.js.
import * as tf from '@tensorflow/tfjs'
import { weightedMean } from './cross-entropy.js'

const overRows = (each: tf.Tensor, weights: tf.Tensor | undefined): tf.Scalar => {
  const rows = each.rank > 1 ? tf.mean(each, each.shape.map((_, axis) => axis).slice(1)) : each
  return weights ? weightedMean(rows, weights) : tf.mean(rows) as tf.Scalar
}

/** Predictions `[batch, 1]` for targets `[batch]` are the same numbers in another shape. */
const aligned = (predicted: tf.Tensor, truth: tf.Tensor): tf.Tensor => tf.reshape(tf.cast(truth, 'float32'), predicted.shape)

export function meanSquaredError(predicted: tf.Tensor, truth: tf.Tensor, o: { weights?: tf.Tensor } = {}): tf.Scalar {
  return overRows(tf.square(tf.sub(predicted, aligned(predicted, truth))), o.weights)
}

/** Squared up to `delta` (default 1), straight beyond: one wild target does not rule (Huber 1964). */
export function huberLoss(predicted: tf.Tensor, truth: tf.Tensor, o: { weights?: tf.Tensor; delta?: number } = {}): tf.Scalar {
  const delta = o.delta ?? 1
  const distance = tf.abs(tf.sub(predicted, aligned(predicted, truth)))
  const near = tf.minimum(distance, delta)
  return overRows(tf.add(tf.mul(0.5, tf.square(near)), tf.mul(delta, tf.sub(distance, near))), o.weights)
}
