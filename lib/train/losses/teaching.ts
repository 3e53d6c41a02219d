// Losses that learn from another model or from pairs: distillation, and ranking each pair among the others of its batch.
import * as tf from '@tensorflow/tfjs'
import { crossEntropy } from './cross-entropy.js'

/** Kullback–Leibler divergence from the teacher at temperature T, × T² (Hinton et al. 2015). Mean over rows. Default T 2. */
export function distillation(logits: tf.Tensor, teacher: tf.Tensor, o: { temperature?: number } = {}): tf.Scalar {
  const t = o.temperature ?? 2
  const logP = tf.logSoftmax(tf.div(logits, t)), logQ = tf.logSoftmax(tf.div(teacher, t))
  const rows = tf.sum(tf.mul(tf.exp(logQ), tf.sub(logQ, logP)), -1)
  return tf.mul(tf.mean(rows), t * t) as tf.Scalar
}

/** Scales each row to length 1. */
export function normalizeRows(x: tf.Tensor): tf.Tensor {
  return tf.div(x, tf.maximum(tf.sqrt(tf.sum(tf.square(x), -1, true)), 1e-12))
}

/**
 * Row i of `a` belongs to row i of `b`; all other rows of the batch are wrong answers (Henderson et al. 2017).
 * @param a float32 `[batch, d]` @param b float32 `[batch, d]`
 * @param o `scale`: what the cosine is multiplied by; default 20. `weights`: float32 `[batch]`; rows of weight 0 are neither right nor wrong answers
 */
export function multipleNegativesRanking(a: tf.Tensor, b: tf.Tensor, o: { scale?: number; weights?: tf.Tensor } = {}): tf.Scalar {
  const cosines = tf.mul(tf.matMul(normalizeRows(a) as tf.Tensor2D, normalizeRows(b) as tf.Tensor2D, false, true), o.scale ?? 20)
  const places = tf.range(0, a.shape[0]!, 1, 'int32')
  if (!o.weights) return crossEntropy(cosines, places)
  const left = tf.mul(tf.cast(tf.equal(o.weights, 0), 'float32'), -1e9)
  return crossEntropy(tf.add(cosines, tf.expandDims(left, 0)), places, { weights: o.weights })
}
