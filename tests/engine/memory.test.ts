// What a recording holds: nothing while it is made, and with recomputation a few tensors of the forward pass, for the same loss and gradients.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { type Engine, recordFunction, recordTrainStep, startEngine, type TensorMap, type TrainStepOptions } from '../../lib/engine/index.js'
import { fixture, largestDifference, tensor, under } from './support/fixtures.js'
import { bert } from './support/networks.js'

jest.setTimeout(60_000) // the machine may be busy

let engine: Engine
beforeAll(() => { engine = startEngine() })
afterAll(() => {
  tf.disposeVariables()
  expect([tf.memory().numTensors, engine.numTensors()]).toEqual([0, 0])
})

/** MiB by which the process's peak grows. */
function growth(run: () => void): number {
  const before = process.resourceUsage().maxRSS
  run()
  return (process.resourceUsage().maxRSS - before) / 1024
}

const [rows, width, blocks] = [8192, 64, 24]
const deep = (weights: tf.Tensor[], x: tf.Tensor) => weights.reduce((y, w) => tf.add(y, tf.tanh(tf.mul(tf.sigmoid(tf.matMul(y as tf.Tensor2D, w as tf.Tensor2D)), y))), x)

// The peak only grows: from the least to the most. One tensor is 2 MiB.
test('neither recording nor its check holds the intermediate tensors', () => {
  const weights = Array.from({ length: blocks }, (_, i) => tf.randomNormal([width, width], 0, 0.1, 'float32', i + 1)), x = tf.randomNormal([rows, width], 0, 1, 'float32', 99)
  const f = recordFunction(({ x }) => ({ y: tf.mean(deep(weights, x!)) }))
  tf.tidy(() => { f.run({ x }) })                                                        // TensorFlow's own threads and buffers
  const other = recordFunction(({ x }) => ({ y: tf.sum(deep(weights, x!)) }))
  expect(growth(() => { tf.tidy(() => { other.run({ x }) }) })).toBeLessThan(40)          // all of them: 24 · 5 · 2
  expect([f.rung, other.rung]).toEqual(['tensorflow', 'tensorflow'])
  f.dispose()
  other.dispose()
  tf.dispose([weights, x])
})

/** The same training of a deep network in a process of its own, whose peak nothing else has raised. */
function trainDeep(recompute: boolean) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'support/train-deep.mjs'), JSON.stringify({ recompute, rows, width, blocks })], { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as { peak: number; notes: string[]; steps: number[][]; values: number[][]; multiplications: number }
}

test('recomputing halves the peak of a deep network, and gives the same loss, gradients and weights', () => {
  const [light, plain] = [trainDeep(true), trainDeep(false)]
  expect([light.notes, plain.notes]).toEqual([[], []])
  expect(light.peak).toBeLessThan(plain.peak / 2)
  light.steps.flat().forEach((value, i) => expect(value / plain.steps.flat()[i]!).toBeCloseTo(1, 6))
  light.values.forEach((values, i) => expect(largestDifference(values, plain.values[i]!)).toBeLessThan(1e-6))
  expect(light.multiplications).toBeGreaterThan(plain.multiplications + blocks / 2)
})

/** Weights after three steps of the fixture's BERT, with dropout behind each layer's output. */
function encoder(options: Partial<TrainStepOptions>) {
  const stored = fixture('bert_cls')
  const v = Object.fromEntries(Object.entries(under(stored, 'param/')).map(([key, one]) => [key, tf.tidy(() => tf.variable(tensor(one)))]))
  const inputs: TensorMap = Object.fromEntries(Object.entries(under(stored, 'input/')).map(([key, one]) => [key, tensor(one)])), notes: string[] = []
  const step = recordTrainStep({ groups: [{ name: 'all', variables: Object.values(v) }], optimizer: { name: 'sgd' }, onNote: (text) => notes.push(text), loss: (given) => ({ loss: bert(v, given).loss }), ...options })
  const losses = [1, 2, 3].map((i) => step.run(inputs, { step: i, learningRate: 0.1 }).loss), { rung, operations } = step
  const weights = Object.fromEntries(Object.entries(v).map(([key, value]) => [key, value.dataSync().slice()]))
  step.dispose()
  tf.dispose([v, inputs])
  return { losses, weights, rung, notes, operations }
}

test("an encoder's blocks are recomputed under clipping and mixed precision too", () => {
  for (const options of [{}, { clipNorm: 0.5 }, { precision: 'mixed' }] satisfies Partial<TrainStepOptions>[]) {
    const [plain, light] = [encoder(options), encoder({ ...options, recompute: true })]
    expect([light.rung, light.notes]).toEqual(['tensorflow', []])
    expect(light.operations['Erf']).toBeGreaterThan(plain.operations['Erf']!)
    expect(largestDifference(light.losses, plain.losses)).toBeLessThan(1e-6)
    for (const [key, values] of Object.entries(light.weights)) expect([key, largestDifference(values, plain.weights[key]!) < 1e-6]).toEqual([key, true])
  }
})

test('a variable that several parts use gets its gradient from all of them', () => {
  const train = (recompute: boolean) => {
    const [w, b] = [tf.tidy(() => tf.variable(tf.randomNormal([32, 32], 0, 0.2, 'float32', 1))), tf.tidy(() => tf.variable(tf.zeros([32])))], x = tf.randomNormal([4, 32], 0, 1, 'float32', 2)
    const step = recordTrainStep({ recompute, optimizer: { name: 'sgd' }, groups: [{ name: 'all', variables: [w, b] }], loss: ({ x }) => {
      let y = tf.matMul(x as tf.Tensor2D, w as tf.Tensor as tf.Tensor2D) as tf.Tensor
      for (let i = 0; i < 12; i++) y = tf.tanh(tf.add(tf.matMul(y as tf.Tensor2D, w as tf.Tensor as tf.Tensor2D), b))
      return { loss: tf.mean(tf.square(y)) as tf.Scalar }
    } })
    const { gradNorm } = step.run({ x }, { step: 1, learningRate: 1 }), found = [gradNorm, ...w.dataSync(), ...b.dataSync()], products = step.operations['MatMul']!
    step.dispose()
    tf.dispose([w, b, x])
    return { found, products }
  }
  const [plain, light] = [train(false), train(true)]
  expect(light.products).toBeGreaterThan(plain.products)
  expect(largestDifference(light.found, plain.found)).toBeLessThan(1e-6)
})

test('where nothing can be cut it says so, and it refuses XLA', () => {
  const w = tf.tidy(() => tf.variable(tf.ones([3]))), notes: string[] = []
  const step = recordTrainStep({ recompute: true, groups: [{ name: 'all', variables: [w] }], onNote: (text) => notes.push(text), loss: () => ({ loss: tf.sum(w) as tf.Scalar }) })
  step.run({}, { step: 1, learningRate: 0 })
  expect(notes).toEqual([expect.stringMatching(/recomputes nothing/)])
  step.dispose()
  expect(() => recordTrainStep({ recompute: true, xla: true, groups: [{ name: 'all', variables: [w] }], loss: () => ({ loss: tf.sum(w) as tf.Scalar }) })).toThrow(/Cannot recompute under XLA/)
  w.dispose()
})
