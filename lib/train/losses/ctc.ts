// Connectionist temporal classification (Graves et al. 2006): the loss of a transcript without alignment, by the forward recursion in plain TensorFlow.js.
import * as tf from '@tensorflow/tfjs'

const impossible = -1e30

/**
 * As `torch.nn.functional.ctc_loss(..., reduction='mean')`: each row's loss is divided by its target's length, then the mean is taken.
 * One op chain per time step, so long inputs make long recordings.
 *
 * @param logP float32 `[time, batch, symbols]`, log-probabilities
 * @param targets int32 `[batch, longest]`, padded with anything
 * @param lengths of inputs and targets, int32 `[batch]`
 * @param o `blank`: the symbol for nothing; default 0
 */
export function ctcLoss(logP: tf.Tensor3D, targets: tf.Tensor2D, lengths: { inputs: tf.Tensor1D; targets: tf.Tensor1D }, o: { blank?: number } = {}): tf.Scalar {
  const [time, batch, symbols] = logP.shape, longest = targets.shape[1], blank = o.blank ?? 0
  const states = 2 * longest + 1
  // blank, target 1, blank, target 2, … blank
  const blanks = tf.fill([batch, longest, 1], blank, 'int32')
  const path = tf.concat([tf.reshape(tf.concat([blanks, tf.expandDims(targets, 2)], 2), [batch, 2 * longest]), tf.fill([batch, 1], blank, 'int32')], 1)
  const oneHot = tf.oneHot(path as tf.Tensor2D, symbols, 1, 0, 'float32') as tf.Tensor3D
  const scores = (t: number) => tf.sum(tf.mul(oneHot, tf.reshape(tf.slice(logP, [t, 0, 0], [1, batch, symbols]), [batch, 1, symbols])), -1) as tf.Tensor2D
  // A blank between two targets may be left out unless the two are equal.
  const twoBack = tf.concat([tf.fill([batch, 2], blank, 'int32'), tf.slice(path, [0, 0], [batch, states - 2])], 1)
  const skip = tf.cast(tf.logicalAnd(tf.notEqual(path, tf.scalar(blank, 'int32')), tf.notEqual(path, twoBack)), 'float32')
  const noSkip = tf.mul(tf.sub(1, skip), impossible)
  const shifted = (alpha: tf.Tensor, by: number) => tf.concat([tf.fill([batch, by], impossible), tf.slice(alpha, [0, 0], [batch, states - by])], 1)
  const start = tf.tensor1d(Array.from({ length: states }, (_, s) => s < 2 ? 0 : impossible))
  let alpha: tf.Tensor = tf.add(scores(0), start)
  for (let t = 1; t < time; t++) {
    const reached = tf.add(logSumExp([alpha, shifted(alpha, 1), tf.add(shifted(alpha, 2), noSkip)]), scores(t))
    const running = tf.expandDims(tf.cast(tf.less(tf.scalar(t, 'int32'), lengths.inputs), 'float32'), 1)
    alpha = tf.add(tf.mul(reached, running), tf.mul(alpha, tf.sub(1, running)))
  }
  const last = tf.mul(lengths.targets, tf.scalar(2, 'int32'))
  const at = (place: tf.Tensor) => tf.sum(tf.mul(alpha, tf.oneHot(place as tf.Tensor1D, states, 1, 0, 'float32')), -1)
  const end = logSumExp([at(last), tf.add(at(tf.maximum(tf.sub(last, tf.scalar(1, 'int32')), tf.scalar(0, 'int32'))), tf.mul(tf.cast(tf.equal(last, tf.scalar(0, 'int32')), 'float32'), impossible))])
  return tf.mean(tf.div(tf.neg(end), tf.maximum(tf.cast(lengths.targets, 'float32'), 1))) as tf.Scalar
}

function logSumExp(terms: tf.Tensor[]): tf.Tensor {
  const highest = terms.reduce((a, b) => tf.maximum(a, b))
  return tf.add(highest, tf.log(terms.map((term) => tf.exp(tf.sub(term, highest))).reduce((a, b) => tf.add(a, b))))
}
