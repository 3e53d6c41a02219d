// Connectionist temporal classification (Graves et al. 2006): the loss of a transcript without alignment. The recursion is TensorFlow's (engine);
// here are the mean, and the rows that it does not take.
import * as tf from '@tensorflow/tfjs'
import { ctcLosses } from '../../engine/index.js'
import { weightedMean } from './cross-entropy.js'

/**
 * As `torch.nn.functional.ctc_loss(..., reduction='mean')`: each row's loss is divided by its target's length, then the mean is taken.
 *
 * @param logP float32 `[time, batch, symbols]`, log-probabilities
 * @param targets int32 `[batch, longest]`, padded with anything
 * @param lengths of inputs and targets, int32 `[batch]`
 * @param o `blank`: the symbol for nothing, default 0; `weights`: what each row counts, `[batch]`; `zeroInfinity`: rows whose target does not fit into their time count 0 instead of infinity
 */
export function ctcLoss(logP: tf.Tensor3D, targets: tf.Tensor2D, lengths: { inputs: tf.Tensor1D; targets: tf.Tensor1D }, o: { blank?: number; weights?: tf.Tensor; zeroInfinity?: boolean } = {}): tf.Scalar {
  const [time, batch] = logP.shape, longest = targets.shape[1], blank = o.blank ?? 0
  const int = (value: number) => tf.scalar(value, 'int32')
  const below = (length: number, ends: tf.Tensor1D) => tf.less(tf.range(0, length, 1, 'int32'), tf.expandDims(ends, 1))
  // Between two equal symbols there must be a blank.
  const twice = longest < 2 ? tf.zeros([batch], 'int32') : tf.sum(tf.cast(tf.logicalAnd(
    tf.equal(tf.slice(targets, [0, 1], [batch, longest - 1]), tf.slice(targets, [0, 0], [batch, longest - 1])), below(longest - 1, tf.sub(lengths.targets, int(1)) as tf.Tensor1D)), 'int32'), 1)
  const fits = tf.lessEqual(tf.add(lengths.targets, twice), lengths.inputs), empty = tf.equal(lengths.targets, int(0))
  // TensorFlow wants a symbol of each row, and a way through its frames: rows that have none get one, and what comes of it is left out.
  const usual = tf.logicalAnd(fits, tf.logicalNot(empty)), other = int(blank === 0 ? 1 : 0)
  const symbols = tf.where(tf.logicalAnd(below(longest, lengths.targets), tf.expandDims(usual, 1)), targets, tf.mul(tf.onesLike(targets), other)) as tf.Tensor2D
  const known = below(longest, tf.where(usual, lengths.targets, tf.onesLike(lengths.targets))) as tf.Tensor2D
  const silence = tf.neg(tf.sum(tf.mul(tf.transpose(tf.squeeze(tf.slice(logP, [0, 0, blank], [time, batch, 1]), [2])), tf.cast(below(time, lengths.inputs), 'float32')), 1))
  const negative = tf.where(empty, silence, ctcLosses(logP, symbols, known, tf.maximum(lengths.inputs, int(1)) as tf.Tensor1D, blank))
  const rows = tf.div(negative, tf.maximum(tf.cast(lengths.targets, 'float32'), 1))
  const each = tf.where(fits, rows, tf.fill([batch], o.zeroInfinity ? 0 : Infinity))
  return o.weights ? weightedMean(each, o.weights) : tf.mean(each) as tf.Scalar
}
