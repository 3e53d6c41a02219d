// Ops that a fine-tuner needs, and recurrent layers made of them: values and gradients equal PyTorch's, recorded on the first rung and op by op.
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep, type Rung, startEngine } from '../../lib/engine/index.js'
import { ctcLoss } from '../../lib/train/losses/index.js'
import { fixture, largestDifference, tensor, under } from './support/fixtures.js'

jest.setTimeout(60_000) // the machine may be busy

beforeAll(() => { startEngine() })

type Inputs = Record<string, tf.Tensor>
const stored = fixture('gradients'), ops = fixture('ops')
const times = (x: tf.Tensor, by: number) => tf.mul(x, by)
const boxes = [[0.1, 0.05, 0.8, 0.9], [0, 0.2, 0.6, 0.95]]

const cases: Record<string, (inputs: Inputs) => tf.Tensor> = {
  einsum: ({ a, b }) => tf.einsum('bhqd,bhkd->bhqk', a!, b!),
  einsum_broadcast: ({ a, b }) => tf.einsum('bqd,kd->bqk', a!, b!),
  strided_slice: ({ x }) => tf.stridedSlice(x!, [1, 0], [7, 7], [2, 3]),
  gather_nd: ({ x }) => tf.gatherND(x!, tf.tensor2d([[0, 1], [2, 3], [0, 1]], [3, 2], 'int32')),
  topk: ({ x }) => tf.topk(x!, 3).values,
  cumprod: ({ x }) => tf.cumprod(x!, 1),
  where: ({ x }) => tf.where(tf.greater(x!, 0), tf.square(x!), times(x!, 3)),
  gelu: ({ x }) => tf.mul(times(x!, 0.5), tf.add(tf.erf(times(x!, Math.SQRT1_2)), 1)),
  gelu_tanh: ({ x }) => tf.mul(times(x!, 0.5), tf.add(tf.tanh(times(tf.add(x!, times(tf.pow(x!, 3), 0.044715)), Math.sqrt(2 / Math.PI))), 1)),
  layer_norm: ({ x, scale, offset }) => { const { mean, variance } = tf.moments(x!, -1, true); return tf.add(tf.mul(tf.mul(tf.sub(x!, mean), tf.rsqrt(tf.add(variance, 1e-5))), scale!), offset!) },
  softmax: ({ x }) => tf.softmax(x!),
  cross_entropy: ({ x, labels }) => tf.neg(tf.sum(tf.mul(tf.oneHot(labels as tf.Tensor1D, 5), tf.logSoftmax(x!)), -1)),
  embedding: ({ table, ids }) => tf.gather(table!, ids as tf.Tensor2D),
  crop_and_resize: ({ image }) => tf.image.cropAndResize(image as tf.Tensor4D, tf.tensor2d(boxes), tf.tensor1d([0, 1], 'int32'), [4, 4]),
  ctc: ({ logits }) => transcripts(logits!, true),
}

/** Each row's loss, as `reduction='none'` has it. */
function transcripts(logits: tf.Tensor, zeroInfinity: boolean): tf.Tensor {
  const [targets, frames, symbols] = ['targets', 'frames', 'symbols'].map((name) => tensor(stored[`ctc/${name}`]!)) as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D]
  const rows = tf.logSoftmax(logits)
  return tf.stack([0, 1, 2, 3, 4].map((row) => {
    const one = (x: tf.Tensor1D) => tf.slice(x, row, 1) as tf.Tensor1D
    const loss = ctcLoss(tf.slice(rows, [0, row, 0], [9, 1, 5]) as tf.Tensor3D, tf.slice(targets, [row, 0], [1, 3]), { inputs: one(frames), targets: one(symbols) }, { blank: 2, zeroInfinity })
    return tf.mul(loss, tf.maximum(tf.cast(one(symbols), 'float32'), 1)).asScalar()
  }))
}

function gradients(rung: Rung, inputs: Inputs, f: (inputs: Inputs) => tf.Tensor): { loss: number; slopes: Record<string, Float32Array> } {
  const names = Object.keys(inputs).filter((name) => inputs[name]!.dtype === 'float32'), notes: string[] = []
  const variables = Object.fromEntries(names.map((name) => [name, tf.variable(inputs[name]!)]))
  const step = recordTrainStep({ rung, optimizer: { name: 'sgd' }, groups: [{ name: 'all', variables: Object.values(variables) }], onNote: (text) => notes.push(text), loss: () => ({ loss: f({ ...inputs, ...variables }).asScalar() as tf.Scalar }) })
  const { loss } = step.run({}, { step: 1, learningRate: 1 })
  expect([step.rung, notes]).toEqual([rung, []])
  const slopes = Object.fromEntries(names.map((name) => [name, tf.tidy(() => tf.sub(inputs[name]!, variables[name]!).dataSync() as Float32Array)]))
  step.dispose()
  tf.dispose(variables)
  return { loss, slopes }
}

const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, tf.reshape(tf.cos(tf.range(0, y.size)), y.shape)))

test.each(Object.keys(cases).flatMap((name) => (['tensorflow', 'op by op'] as const).map((rung) => [name, rung] as const)))('%s, %s', (name, rung) => {
  const inputs = Object.fromEntries(Object.entries(under(stored, `${name}/input/`)).map(([key, one]) => [key, tensor(one)]))
  const y = tf.tidy(() => cases[name]!(inputs).dataSync())
  expect(largestDifference(y, stored[`${name}/output`]!.values)).toBeLessThan(2e-5)
  const { slopes } = gradients(rung, inputs, (given) => weighted(cases[name]!(given)))
  for (const [key, values] of Object.entries(slopes)) expect([key, largestDifference(values, stored[`${name}/grad/${key}`]!.values) < 2e-5]).toEqual([key, true])
  tf.dispose(inputs)
})

test('a transcript that does not fit into its frames is impossible, unless it is to count nothing', () => {
  const logits = tensor(stored['ctc/input/logits']!)
  const losses = tf.tidy(() => transcripts(logits, false).dataSync()), want = stored['ctc/infinite']!.values
  losses.forEach((loss, row) => Number.isFinite(want[row]!) ? expect(loss).toBeCloseTo(want[row]!, 4) : expect(loss).toBe(Infinity))
  expect([...want].filter((one) => one === Infinity)).toHaveLength(1)
  logits.dispose()
})

test('a transcript of 499 frames is a recording of few operations', () => {
  const w = tf.variable(tf.randomNormal([16, 32], 0, 0.3, 'float32', 1)), x = tf.randomNormal([2, 499, 16], 0, 1, 'float32', 2)
  const targets = tf.randomUniform([2, 60], 1, 32, 'int32', 3) as tf.Tensor2D, lengths = { inputs: tf.tensor1d([499, 400], 'int32'), targets: tf.tensor1d([60, 31], 'int32') }
  const step = recordTrainStep({ groups: [{ name: 'all', variables: [w] }], loss: ({ x }) => ({ loss: ctcLoss(tf.transpose(tf.logSoftmax(tf.matMul(x!, w)), [1, 0, 2]) as tf.Tensor3D, targets, lengths) }) })
  const losses = [1, 2, 3, 4, 5].map((i) => step.run({ x }, { step: i, learningRate: 0.1 }).loss)
  expect(losses[4]).toBeLessThan(losses[0]!)
  expect(Object.values(step.operations).reduce((sum, count) => sum + count, 0)).toBeLessThan(400)
  step.dispose()
  tf.dispose([w, x, targets, lengths])
})

/** One direction of torch's GRU or LSTM over x [batch, time, width]. */
function recurrent(kind: 'gru' | 'lstm', v: Inputs, x: tf.Tensor, suffix: string): tf.Tensor {
  const linear = (input: tf.Tensor, side: 'ih' | 'hh') => tf.add(tf.matMul(input, v[`weight_${side}_l0${suffix}`]!, false, true), v[`bias_${side}_l0${suffix}`]!)
  const [batch, time] = x.shape as [number, number]
  let h: tf.Tensor = tf.zeros([batch, 4]), c: tf.Tensor = tf.zeros([batch, 4])
  const outputs = tf.unstack(suffix ? tf.reverse(x, 1) : x, 1).map((now) => {
    const fromInput = linear(now, 'ih'), fromBefore = linear(h, 'hh')
    if (kind === 'gru') {
      const [[r, z, n], [hr, hz, hn]] = [fromInput, fromBefore].map((gates) => tf.split(gates, 3, 1)) as [tf.Tensor[], tf.Tensor[]]
      const reset = tf.sigmoid(tf.add(r!, hr!)), update = tf.sigmoid(tf.add(z!, hz!)), next = tf.tanh(tf.add(n!, tf.mul(reset, hn!)))
      h = tf.add(tf.mul(tf.sub(1, update), next), tf.mul(update, h))
    } else {
      const [input, forget, cell, output] = tf.split(tf.add(fromInput, fromBefore), 4, 1) as tf.Tensor[]
      c = tf.add(tf.mul(tf.sigmoid(forget!), c), tf.mul(tf.sigmoid(input!), tf.tanh(cell!)))
      h = tf.mul(tf.sigmoid(output!), tf.tanh(c))
    }
    return h
  })
  expect(outputs).toHaveLength(time)
  const all = tf.stack(outputs, 1)
  return suffix ? tf.reverse(all, 1) : all
}

test.each(['gru', 'lstm'] as const)('%s in both directions', (kind) => {
  const parameters = Object.fromEntries(Object.entries(under(ops, `param/${kind}/`)).map(([key, one]) => [key, tensor(one)])), x = tensor(ops[`input/${kind}_x`]!)
  const run = (v: Inputs) => tf.concat([recurrent(kind, v, x, ''), recurrent(kind, v, x, '_reverse')], 2)
  expect(largestDifference(tf.tidy(() => run(parameters).dataSync()), ops[`output/${kind}`]!.values)).toBeLessThan(1e-5)
  const { loss, slopes } = gradients('tensorflow', parameters, (v) => tf.mean(tf.square(run(v))))
  expect(loss).toBeCloseTo(ops[`output/${kind}_loss`]!.values[0]!, 6)
  for (const [key, values] of Object.entries(slopes)) expect([key, largestDifference(values, ops[`grad/${kind}/${key}`]!.values) < 1e-5]).toEqual([key, true])
  tf.dispose([parameters, x])
})

const pictures = (x: tf.Tensor) => tf.transpose(x, [0, 2, 3, 1]) as tf.Tensor4D
const around = (x: tf.Tensor, value: number) => tf.pad(pictures(x), [[0, 0], [1, 1], [1, 1], [0, 0]], value) as tf.Tensor4D
const v = (f: (x: tf.Tensor) => tf.Tensor) => ({ input: 'v', f })
const nhwc = (f: (x: tf.Tensor) => tf.Tensor) => ({ input: 'x_nchw', f: (x: tf.Tensor) => tf.transpose(f(x), [0, 3, 1, 2]) })
const values: Record<string, { input: string; f: (x: tf.Tensor) => tf.Tensor }> = {
  gelu_erf: v((x) => cases['gelu']!({ x })), gelu_tanh: v((x) => cases['gelu_tanh']!({ x })), silu: v((x) => tf.mul(x, tf.sigmoid(x))), softplus: v((x) => tf.softplus(x)),
  mish: v((x) => tf.mul(x, tf.tanh(tf.softplus(x)))), hardswish: v((x) => tf.div(tf.mul(x, tf.relu6(tf.add(x, 3))), 6)),
  layer_norm_last: { input: 'x_nchw', f: (x) => { const { mean, variance } = tf.moments(x, -1, true); return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-12))) } },
  group_norm_3: { input: 'x_nchw', f: (x) => { const groups = tf.reshape(x, [2, 3, 2 * 9 * 7]), { mean, variance } = tf.moments(groups, -1, true); return tf.reshape(tf.mul(tf.sub(groups, mean), tf.rsqrt(tf.add(variance, 1e-5))), x.shape) } },
  max_pool_3_2_p1: nhwc((x) => tf.maxPool(around(x, -1e9), 3, 2, 'valid')), avg_pool_3_2_p1: nhwc((x) => tf.avgPool(around(x, 0), 3, 2, 'valid')),
  resize_bilinear_13x11: nhwc((x) => tf.image.resizeBilinear(pictures(x), [13, 11], false, true)), resize_bilinear_aligned_13x11: nhwc((x) => tf.image.resizeBilinear(pictures(x), [13, 11], true)),
  resize_nearest_13x11: nhwc((x) => tf.image.resizeNearestNeighbor(pictures(x), [13, 11])),
}
test.each(Object.keys(values))('%s, recorded', (name) => {
  const { input, f } = values[name]!, x = tf.variable(tensor(ops[`input/${input}`]!)), notes: string[] = []
  const step = recordTrainStep({ optimizer: { name: 'sgd' }, groups: [{ name: 'x', variables: [x] }], onNote: (text) => notes.push(text), loss: () => { const y = f(x); return { loss: tf.mean(y) as tf.Scalar, outputs: { y } } } })
  const { outputs } = step.run({}, { step: 1, learningRate: 0 })
  expect(largestDifference(outputs['y']!.dataSync(), ops[`output/${name}`]!.values)).toBeLessThan(1e-5)
  expect([step.rung, notes]).toEqual(['tensorflow', []])
  step.dispose()
  tf.dispose([outputs, x])
})
