// Gradients op by op: what TensorFlow makes of a recording, what TensorFlow.js makes, and finite differences agree, element by element.
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep, type Rung, startEngine } from '../../lib/engine/index.js'

jest.setTimeout(60_000) // the machine may be busy

beforeAll(() => { startEngine() })

type Case = [name: string, shape: number[], f: (x: tf.Tensor) => tf.Tensor, inputs?: { from: number; to: number }]
const positive = { from: 0.3, to: 2 }, apart = { from: -2, to: 2 }
const kernel = (...shape: number[]) => tf.cos(tf.reshape(tf.range(0, shape.reduce((size, length) => size * length, 1)), shape))
const as4 = (x: tf.Tensor) => x as tf.Tensor4D
const cases: Case[] = [
  ['add, sub, broadcast', [3, 4], (x) => tf.sub(tf.add(x, tf.mean(x, 0)), tf.mul(tf.slice(x, [0, 0], [3, 1]), 2))],
  ['addN', [3], (x) => tf.addN([x, tf.square(x), tf.neg(x)])],
  ['mul, div', [3, 4], (x) => tf.div(tf.mul(x, kernel(4)), tf.add(x, 3)), positive],
  ['square, squaredDifference, sqrt, rsqrt, reciprocal', [5], (x) => tf.addN([tf.square(x), tf.squaredDifference(x, 1), tf.sqrt(x), tf.rsqrt(x), tf.reciprocal(x)]), positive],
  ['exp, log, log1p, pow', [5], (x) => tf.addN([tf.exp(x), tf.log(x), tf.log1p(x), tf.pow(x, 3), tf.pow(1.5, x)]), positive],
  ['abs, erf, sin, cos', [6], (x) => tf.addN([tf.abs(x), tf.erf(x), tf.sin(x), tf.cos(x)])],
  ['sigmoid, tanh, relu, relu6, leakyRelu, elu, softplus', [7], (x) => tf.addN([tf.sigmoid(x), tf.tanh(x), tf.relu(x), tf.relu6(tf.mul(x, 4)), tf.leakyRelu(x, 0.1), tf.elu(x), tf.softplus(x)])],
  ['maximum, minimum, clip', [6], (x) => tf.addN([tf.maximum(x, 0.1), tf.minimum(x, tf.neg(x)), tf.clipByValue(x, -1, 1)])],
  ['sum, mean, max, min, prod', [3, 4], (x) => tf.addN([tf.sum(x, 1), tf.mean(x, 1), tf.max(x, 1), tf.min(x, 1), tf.prod(x, 1)]), positive],
  ['moments, standard deviation', [4, 5], (x) => tf.mul(tf.sqrt(tf.moments(x, 0).variance), tf.moments(x, 0).mean)],
  ['matMul, transposed', [3, 4], (x) => tf.add(tf.matMul(x as tf.Tensor2D, kernel(4, 2) as tf.Tensor2D), tf.matMul(x as tf.Tensor2D, kernel(2, 4) as tf.Tensor2D, false, true))],
  ['matMul in batches', [2, 3, 4], (x) => tf.matMul(tf.matMul(x, x, false, true), kernel(2, 3, 5))],
  ['matMul, broadcast over the batch', [3, 4], (x) => tf.matMul(kernel(2, 5, 3), x)],
  ['softmax, logSoftmax', [3, 4], (x) => tf.add(tf.softmax(x), tf.logSoftmax(x))],
  ['cumsum', [3, 4], (x) => tf.cumsum(x, 1, true, true)],
  ['cumprod', [3, 4], (x) => tf.cumprod(x, 1), positive],
  ['cumprod, exclusive, from the other side', [3, 5], (x) => tf.add(tf.cumprod(x, -1, true, true), tf.cumprod(x, 0, true)), positive],
  ['cumprod over zeros', [6, 4], (x) => { const y = tf.mul(x, [[1, 1, 0, 1], [0, 1, 0, 1], [1, 1, 1, 1], [1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 0]]); return tf.concat([tf.cumprod(y, 1), tf.cumprod(y, 1, true), tf.cumprod(y, 1, false, true)]) }],
  ['reshape, transpose, expandDims, squeeze', [2, 3, 4], (x) => tf.squeeze(tf.expandDims(tf.transpose(tf.reshape(x, [4, 3, 2]), [2, 0, 1]), 1), [1])],
  ['concat, stack, unstack, split', [4, 2], (x) => tf.add(tf.concat(tf.split(x, 2, 0), 1), tf.add(tf.concat(tf.unstack(x).slice(0, 2).map((row) => tf.stack([row, row]).reshape([1, 4])), 0), 1))],
  ['slice, stridedSlice', [5, 4], (x) => tf.concat([tf.slice(x, [1, 0], [2, 4]), tf.stridedSlice(x, [0, 0], [5, 4], [2, 1])])],
  ['tile, pad, mirrorPad, reverse', [2, 3], (x) => tf.add(tf.tile(x, [2, 2]), tf.add(tf.pad(x, [[1, 1], [1, 2]], 0.5), tf.reverse(tf.mirrorPad(x, [[1, 1], [1, 2]], 'reflect'), 1)))],
  ['gather (an embedding), more than once', [5, 3], (x) => tf.gather(x, tf.tensor2d([[0, 4], [4, 2]], [2, 2], 'int32'))],
  ['gather along another axis', [3, 5], (x) => tf.gather(x, tf.tensor1d([4, 0, 4], 'int32'), 1)],
  ['gatherND', [3, 4], (x) => tf.gatherND(x, tf.tensor2d([[0, 1], [2, 3], [0, 1]], [3, 2], 'int32'))],
  ['where with a comparison', [6], (x) => tf.where(tf.greater(x, 0), tf.square(x), tf.mul(x, 3))],
  ['where, broadcast', [3, 4], (x) => tf.where(tf.greater(tf.slice(x, [0, 0], [1, 4]), 0), x, tf.mul(x, 3))],
  ['topk', [3, 5], (x) => tf.topk(x, 2).values],
  ['topk of more axes, with its places', [2, 3, 5], (x) => { const { values, indices } = tf.topk(x, 3); return tf.mul(values, tf.add(tf.cast(indices, 'float32'), 1)) }],
  ['einsum', [2, 3, 4], (x) => tf.einsum('bij,bkj->bik', x, kernel(2, 5, 4))],
  ['einsum, the other side', [4, 5], (x) => tf.einsum('bij,jk->bik', kernel(2, 3, 4), x)],
  ['conv2d, strided', [1, 6, 5, 2], (x) => tf.conv2d(as4(x), kernel(3, 3, 2, 3) as tf.Tensor4D, 2, 'same')],
  ['conv2d, by its kernel', [3, 3, 2, 3], (x) => tf.conv2d(kernel(2, 6, 5, 2) as tf.Tensor4D, as4(x), 1, 'valid')],
  ['depthwiseConv2d', [1, 6, 5, 2], (x) => tf.depthwiseConv2d(as4(x), kernel(3, 3, 2, 2) as tf.Tensor4D, 1, 'same')],
  ['depthwiseConv2d, by its kernel', [3, 3, 2, 1], (x) => tf.depthwiseConv2d(kernel(1, 7, 6, 2) as tf.Tensor4D, as4(x), 2, 'same')],
  ['maxPool, avgPool', [1, 6, 5, 2], (x) => tf.add(tf.maxPool(as4(x), 3, 2, 'same'), tf.avgPool(as4(x), 3, 2, 'same'))],
  ['batchNorm with given averages', [2, 3, 3, 2], (x) => tf.batchNorm(as4(x), tf.tensor1d([0.1, 0.2]), tf.tensor1d([1, 2]), tf.tensor1d([0, 1]), tf.tensor1d([1, 3]), 1e-3)],
  ['batchNorm by the batch', [4, 3, 3, 2], (x) => { const { mean, variance } = tf.moments(x, [0, 1, 2]); return tf.batchNorm(as4(x), mean as tf.Tensor1D, variance as tf.Tensor1D, tf.tensor1d([0, 1]), tf.tensor1d([1, 3]), 1e-3) }],
  ['batchNorm by other numbers', [4, 2], (x) => tf.batchNorm(as4(tf.reshape(x, [4, 1, 1, 2])), tf.mean(tf.square(x), 0) as tf.Tensor1D, tf.add(tf.mean(tf.square(x), 0), 1) as tf.Tensor1D, tf.tensor1d([0, 1]), tf.tensor1d([1, 3]), 1e-3)],
  ['resize, bilinear and nearest', [1, 3, 4, 2], (x) => tf.add(tf.image.resizeBilinear(as4(x), [5, 6], false, true), tf.image.resizeNearestNeighbor(as4(x), [5, 6]))],
  ['cropAndResize', [1, 5, 5, 1], (x) => tf.image.cropAndResize(as4(x), tf.tensor2d([[0.1, 0.1, 0.8, 0.9]]), tf.tensor1d([0], 'int32'), [3, 3])],
  ['layer norm, written out', [3, 6], (x) => { const { mean, variance } = tf.moments(x, -1, true); return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))) }],
]

/** The gradient of Σ f(x)·cos(i) by the way of a step: SGD with rate 1 subtracts it. */
function gradient(rung: Rung, f: (x: tf.Tensor) => tf.Tensor, at: tf.Tensor): { values: Float32Array; rung: Rung; reason: string } {
  const x = tf.variable(at)
  let reason = ''
  const step = recordTrainStep({ rung, optimizer: { name: 'sgd' }, groups: [{ name: 'x', variables: [x] }], loss: () => ({ loss: weighted(f, x) }), onNote: (text) => { reason += text } })
  step.run({}, { step: 1, learningRate: 1 })
  const values = tf.tidy(() => tf.sub(at, x).dataSync() as Float32Array)
  const used = step.rung
  step.dispose()
  x.dispose()
  return { values, rung: used, reason }
}

const weighted = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor) => tf.tidy(() => { const y = f(x); return tf.sum(tf.mul(y, kernel(...y.shape))) as tf.Scalar })

test.each(cases)('%s', (name, shape, f, { from, to } = apart) => {
  const size = shape.reduce((product, length) => product * length, 1)
  const values = Array.from({ length: size }, (_, i) => from + (to - from) * (((i * 0.618034 + 0.137) % 1)))
  const x = tf.tensor(values, shape)
  const recorded = gradient('tensorflow', f, x), javascript = gradient('tensorflow.js', f, x)
  const close = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number) => Array.from(a).forEach((value, i) => expect(Math.abs(value - b[i]!)).toBeLessThan(tolerance * (1 + Math.abs(b[i]!))))
  close(recorded.values, javascript.values, 1e-4)
  expect(javascript.rung).toBe('tensorflow.js')
  const slope = (i: number) => {
    const moved = (by: number) => tf.tidy(() => weighted(f, tf.tensor(values.map((value, j) => j === i ? value + by : value), shape)).dataSync()[0]!)
    return (moved(1e-2) - moved(-1e-2)) / 2e-2
  }
  const some = Array.from({ length: Math.min(size, 6) }, (_, i) => Math.floor(i * size / Math.min(size, 6)))
  close(some.map((i) => recorded.values[i]!), some.map(slope), 2e-2)

  expect([recorded.rung, recorded.reason]).toEqual(['tensorflow', ''])
  x.dispose()
})
