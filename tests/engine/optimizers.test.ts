// Optimizers, accumulation, running averages and the loss scale against torch.optim's trajectories (make_optimizers.py), recorded and op by op.
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { type Engine, recordTrainStep, type Rung, startEngine, type TrainStepOptions } from '../../lib/engine/index.js'
import { fixture, largestDifference, type Stored, tensor, under } from './support/fixtures.js'

jest.setTimeout(60_000) // the machine may be busy

let engine: Engine
const stored = fixture('optimizers')
beforeAll(() => { engine = startEngine() })
afterEach(() => {
  tf.disposeVariables()
  expect([tf.memory().numTensors, engine.numTensors()]).toEqual([0, 0])
})

const batch = (name: 'x' | 'y', i: number) => {
  const { shape: [, rows, width], values } = stored[name] as Stored & { shape: [number, number, number] }
  return tf.tensor2d((values as Float32Array).slice(i * rows * width, (i + 1) * rows * width), [rows, width])
}

/** The fixture's network under the options; weights by PyTorch's names. */
function network(options: Partial<TrainStepOptions> & { groups?: never }, group?: (weights: tf.Variable[], biases: tf.Variable[]) => TrainStepOptions['groups'], weighted = false) {
  const v = Object.fromEntries(Object.entries(under(stored, 'param/')).map(([name, one]) => [name, tf.tidy(() => tf.variable(tensor(one)))]))
  const all = Object.values(v), notes: string[] = []
  const linear = (x: tf.Tensor, name: string) => tf.add(tf.matMul(x as tf.Tensor2D, v[`${name}.weight`]! as tf.Tensor as tf.Tensor2D, false, true), v[`${name}.bias`]!)
  const step = recordTrainStep({
    loss: ({ x, y }) => ({ loss: tf.mean(tf.square(tf.sub(linear(tf.tanh(linear(x!, '0')), '2'), y!))) as tf.Scalar, ...(weighted ? { weight: tf.scalar(x!.shape[0]!) } : {}) }), onNote: (text) => notes.push(text),
    groups: group?.(all.filter(({ shape }) => shape.length > 1), all.filter(({ shape }) => shape.length === 1)) ?? [{ name: 'all', variables: all }], ...options,
  })
  const run = (i: number, at: { learningRate: number; gather?: boolean }) => {
    const inputs = { x: batch('x', i), y: batch('y', i) }
    try { return step.run(inputs, { step: i + 1, ...at }) } finally { tf.dispose(inputs) }
  }
  return { v, step, run, notes }
}

const far = (name: string, v: Record<string, tf.Tensor>, part = 'weight') => Math.max(...Object.entries(v).map(([key, value]) => largestDifference(value.dataSync(), stored[`${name}/${part}/${key}`]!.values)))

const groups = (weights: tf.Variable[], biases: tf.Variable[]) => [{ name: 'weights', variables: weights, weightDecay: 0.1 }, { name: 'biases', variables: biases, rate: 0.25, weightDecay: 0 }]
const one = (weights: tf.Variable[], biases: tf.Variable[]) => [{ name: 'all', variables: [...weights, ...biases] }]
type Case = [name: string, rate: number, options: Parameters<typeof network>[0], group: (weights: tf.Variable[], biases: tf.Variable[]) => TrainStepOptions['groups']]
const cases: Case[] = [
  ['sgd_momentum', 0.05, { optimizer: { name: 'sgd', momentum: 0.9 } }, one],
  ['adam_decay', 0.01, { optimizer: { name: 'adam', beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1 } }, one],
  ['adamw_groups', 0.02, { optimizer: { name: 'adamw' } }, groups],
  ['adafactor', 0.05, { optimizer: { name: 'adafactor' } }, one],
  ['adafactor_decay', 0.5, { optimizer: { name: 'adafactor', weightDecay: 0.1 } }, one],
  ['accumulated', 0.01, { optimizer: { name: 'adamw' }, accumulate: 3, clipNorm: 0.5 }, one],
  ['averaged', 0.1, { optimizer: { name: 'sgd' }, average: 0.9 }, one],
]

describe.each<Rung>(['tensorflow', 'tensorflow.js', 'op by op'])('%s', (rung) => {
  test.each(cases)('%s', (name, learningRate, options, group) => {
    const { v, step, run, notes } = network({ rung, ...options }, group), accumulate = options.accumulate ?? 1
    const losses = Array.from({ length: 6 * accumulate }, (_, i) => {
      const { loss, updated } = run(i, { learningRate })
      expect(updated).toBe((i + 1) % accumulate === 0)
      return loss
    })
    expect([step.rung, notes]).toEqual([rung, []])
    expect(largestDifference(losses, stored[`${name}/loss`]!.values)).toBeLessThan(2e-6)
    expect(far(name, v)).toBeLessThan(2e-6)
    if (options.average !== undefined) {
      const averages = step.averages()
      expect(far(name, Object.fromEntries(Object.keys(v).map((key) => [key, averages[v[key]!.name]!])), 'average')).toBeLessThan(2e-6)
      tf.dispose(averages)
    }
    step.dispose()
  })

  test('the average of what the loss assigns follows it, and goes on where it was', () => {
    const run = (interrupt: boolean) => {
      const [w, s] = [tf.tidy(() => tf.variable(tf.tensor1d([1, 2]))), tf.tidy(() => tf.variable(tf.scalar(0)))]
      const make = () => recordTrainStep({ rung, average: 0.5, optimizer: { name: 'adafactor' }, groups: [{ name: 'w', variables: [w] }], state: [s], loss: () => { s.assign(tf.add(s, 1)); return { loss: tf.sum(tf.square(w)) as tf.Scalar } } })
      let step = make()
      for (let i = 1; i <= 4; i++) {
        if (interrupt && i === 3) {
          const slots = step.slots()
          step.dispose()
          step = make()
          step.restoreSlots(slots)
          tf.dispose(slots)
        }
        step.run({}, { step: i, learningRate: 0.1 })
      }
      const averages = step.averages(), values = [w, s].map(({ name }) => [...averages[name]!.dataSync()])
      tf.dispose([averages, w, s])
      step.dispose()
      return values
    }
    const [w, s] = run(false)
    const [d1, d2, d3, d4] = [1, 2, 3, 4].map((n) => Math.min(0.5, (1 + n) / (10 + n)))
    const want = ((((0 * d1! + 1 * (1 - d1!)) * d2! + 2 * (1 - d2!)) * d3! + 3 * (1 - d3!)) * d4!) + 4 * (1 - d4!)
    expect(s![0]).toBeCloseTo(want, 5)
    expect(run(true)).toEqual([w, s])
  })
})

test.each(['tensorflow', 'op by op'] as const)('parts of a batch, gathered, are the whole batch (%s)', (rung) => {
  const whole = network({ rung }), halves = network({ rung }, undefined, true)
  for (let i = 0; i < 3; i++) {
    const inputs = { x: batch('x', i), y: batch('y', i) }
    const { gradNorm } = whole.step.run(inputs, { step: i + 1, learningRate: 0.01 })
    const [first, second] = [[0, 5], [5, 3]].map(([from, rows]) => ({ x: tf.slice(inputs.x, [from!, 0], [rows!, 5]), y: tf.slice(inputs.y, [from!, 0], [rows!, 3]) }))
    expect(halves.step.run(first!, { step: i + 1, learningRate: 0.01, gather: true }).updated).toBe(false)
    const last = halves.step.run(second!, { step: i + 1, learningRate: 0.01, gather: false })
    expect([last.updated, last.gradNorm]).toEqual([true, expect.closeTo(gradNorm, 4)])
    tf.dispose([inputs, first!, second!])
  }
  for (const [name, value] of Object.entries(whole.v)) expect(largestDifference(value.dataSync(), halves.v[name]!.dataSync())).toBeLessThan(1e-5)
  whole.step.dispose()
  halves.step.dispose()
})

test.each<[string, TrainStepOptions['optimizer']]>([['adamw', { name: 'adamw' }], ['sgd', { name: 'sgd', momentum: 0.9, weightDecay: 0.1 }], ['adafactor', { name: 'adafactor', weightDecay: 0.1 }]])('a loss scale that overflows is halved, and nothing else changes (%s)', (_, optimizer) => {
  const scaled = network({ optimizer: optimizer!, lossScale: 2 ** 127, average: 0.9 }), plain = network({ optimizer: optimizer!, average: 0.9 })
  const before = Object.values(scaled.v).map((value) => [...value.dataSync()])
  let lost = 0
  while (!scaled.run(0, { learningRate: 0.01 }).updated) {
    lost++
    expect(Object.values(scaled.v).map((value) => [...value.dataSync()])).toEqual(before)
  }
  expect(lost).toBeGreaterThan(0)
  plain.run(0, { learningRate: 0.01 })
  const scale = () => { const slots = scaled.step.slots(), [value] = slots['lossScale']!.dataSync(); tf.dispose(slots); return value }
  expect(scale()).toBe(2 ** (127 - lost))
  for (const i of [1, 2]) {
    while (!scaled.run(i, { learningRate: 0.01 }).updated) lost++
    plain.run(i, { learningRate: 0.01 })
  }
  expect(scale()).toBe(2 ** (127 - lost))
  for (const [name, value] of Object.entries(plain.v)) expect(largestDifference(value.dataSync(), scaled.v[name]!.dataSync())).toBeLessThan(1e-6)
  scaled.step.dispose()
  plain.step.dispose()
})
