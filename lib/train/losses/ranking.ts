// The loss of choosing: what a person liked should have been the likeliest of all items. Plain TensorFlow.js.
import * as tf from '@tensorflow/tfjs'
import { weightedMean } from './cross-entropy.js'

/**
 * Mean negative log-probability of the items that were liked (Covington et al. 2016, over all items); other rows count nothing.
 *
 * @param logP float32 `[batch, 1]`: log-probability of the row's item among all items, for its user
 * @param ratings float32 `[batch]`
 * @param o `relevant`: lowest rating of an item that was liked; default 0
 */
export function choiceLoss(logP: tf.Tensor, ratings: tf.Tensor, o: { weights?: tf.Tensor; relevant?: number } = {}): tf.Scalar {
  const liked = tf.cast(tf.greaterEqual(ratings, tf.scalar(o.relevant ?? 0)), 'float32')
  return weightedMean(tf.neg(tf.reshape(logP, [-1])), o.weights ? tf.mul(liked, o.weights) : liked)
}
