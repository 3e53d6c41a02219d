// Values and gradients of every loss against PyTorch.
import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { startEngine } from '../../lib/engine/index.js'
import * as losses from '../../lib/train/losses/index.js'
import { readFixture } from './support/fixture.js'

let f: Record<string, tf.Tensor>
beforeAll(() => { startEngine(); f = readFixture('losses') })

function compare(name: string, x: tf.Tensor, loss: (x: tf.Tensor) => tf.Scalar) {
  const { value, grad } = tf.valueAndGrad(loss)(x)
  const far = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(tf.reshape(a, [-1]), tf.reshape(b, [-1])))).dataSync()[0]!
  expect(far(value, f[`output/${name}`]!)).toBeLessThan(1e-5)
  expect(far(grad, f[`grad/${name}`]!)).toBeLessThan(1e-5)
}

test('cross-entropy: rows without a label, smoothing, class weights', () => {
  const labels = f['input/labels']!, logits = f['input/logits']!, classWeights = [...f['input/class_weight']!.dataSync()]
  compare('cross_entropy_ignore', logits, (x) => losses.crossEntropy(x, labels))
  compare('cross_entropy_smooth', logits, (x) => losses.crossEntropy(x, labels, { smoothing: 0.1 }))
  compare('cross_entropy_weighted', logits, (x) => losses.crossEntropy(x, labels, { classWeights }))
  compare('focal_gamma2', logits, (x) => losses.focalLoss(x, labels))
})

test('binary cross-entropy, squared error, Huber', () => {
  const logits = f['input/logits']!, target = f['input/regression']!
  compare('bce_logits', logits, (x) => losses.binaryCrossEntropy(x, f['input/binary']!))
  compare('mse', logits, (x) => losses.meanSquaredError(x, target))
  compare('huber_delta1', logits, (x) => losses.huberLoss(x, target))
})

test('distillation and ranking within the batch', () => {
  compare('distill_kl_T2', f['input/logits']!, (x) => losses.distillation(x, f['input/teacher']!))
  compare('multiple_negatives_ranking_scale20', f['input/emb_a']!, (x) => losses.multipleNegativesRanking(x, f['input/emb_b']!))
})

test('pairs: cosines to 1 within a class and to 0 between classes', () => {
  const pairs = JSON.parse(readFileSync('tests/fixtures/pairs.json', 'utf8')) as { features: number[][]; labels: number[]; loss: number; gradient: number[][] }
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => losses.pairLoss(x, tf.tensor1d(pairs.labels, 'int32')))(tf.tensor2d(pairs.features))
  expect(value.dataSync()[0]).toBeCloseTo(pairs.loss, 6)
  const slopes = pairs.gradient.flat()
  grad.dataSync().forEach((slope, i) => expect(slope).toBeCloseTo(slopes[i]!, 6))
  // Rows without a label and padding are in no pair; one row alone is in none.
  const more = tf.tensor2d([...pairs.features, [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]]), labels = tf.tensor1d([...pairs.labels, -1, 0], 'int32')
  expect(losses.pairLoss(more, labels, { weights: tf.tensor1d([1, 1, 1, 1, 1, 1, 1, 1, 0]) }).dataSync()[0]).toBeCloseTo(pairs.loss, 6)
  expect(losses.pairLoss(tf.ones([1, 4]), tf.zeros([1], 'int32')).dataSync()[0]).toBe(0)
})

test('transcripts without alignment', () => {
  // PyTorch's gradient of CTC is with respect to the logits behind the log-probabilities, so ours passes through log-softmax.
  const lengths = { inputs: f['input/ctc_input_lengths'] as tf.Tensor1D, targets: f['input/ctc_target_lengths'] as tf.Tensor1D }
  compare('ctc', f['input/ctc_log_probs_TNC']!, (x) => losses.ctcLoss(tf.logSoftmax(x) as tf.Tensor3D, f['input/ctc_targets'] as tf.Tensor2D, lengths))
})

test('padding counts for nothing, and a batch of nothing is 0', () => {
  const logits = tf.tensor2d([[2, 1], [5, -3], [0, 0]]), labels = tf.tensor1d([0, 1, 0], 'int32')
  const all = losses.crossEntropy(tf.slice(logits, [0, 0], [2, 2]), tf.slice(labels, 0, 2)).dataSync()[0]!
  expect(losses.crossEntropy(logits, labels, { weights: tf.tensor1d([1, 1, 0]) }).dataSync()[0]).toBeCloseTo(all, 6)
  expect(losses.crossEntropy(logits, labels, { weights: tf.zeros([3]) }).dataSync()[0]).toBe(0)
})
