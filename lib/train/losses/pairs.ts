// Learning from which rows belong together: all pairs of a batch, those of one class to cosine 1, those of different classes to 0.
import * as tf from '@tensorflow/tfjs'
import { normalizeRows } from './teaching.js'

/**
 * Squared distance of the cosine of each two rows from 1 (same class) or 0 (different classes); pairs of either kind weigh half, as if one had
 * drawn as many of each (the first stage of SetFit, Tunstall et al. 2022, on all pairs of a batch instead of a sample of them).
 *
 * @param features float32 `[batch, d]` @param labels int32 `[batch]`; rows below 0 are in no pair
 * @param o `weights`: float32 `[batch]`, a pair counts their product
 * @example pairLoss(model.features(inputs), labels)
 */
export function pairLoss(features: tf.Tensor, labels: tf.Tensor, o: { weights?: tf.Tensor } = {}): tf.Scalar {
  const rows = features.shape[0]!, unit = normalizeRows(features) as tf.Tensor2D
  const cosines = tf.matMul(unit, unit, false, true)
  const same = tf.cast(tf.equal(tf.expandDims(labels, 1), tf.expandDims(labels, 0)), 'float32')
  const known = tf.cast(tf.greaterEqual(labels, tf.scalar(0, 'int32')), 'float32'), weight = o.weights ? tf.mul(known, o.weights) : known
  const counted = tf.mul(tf.mul(tf.expandDims(weight, 1), tf.expandDims(weight, 0)), tf.sub(1, tf.eye(rows)))
  const errors = tf.square(tf.sub(cosines, same))
  const mean = (which: tf.Tensor) => tf.div(tf.sum(tf.mul(errors, which)), tf.maximum(tf.sum(which), 1e-12))
  return tf.mul(0.5, tf.add(mean(tf.mul(counted, same)), mean(tf.mul(counted, tf.sub(1, same))))) as tf.Scalar
}
