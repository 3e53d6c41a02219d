// The learning-rate finder against PyTorch's run and fastai's suggestions; the model afterwards is as it was, to the bit.
import { readFileSync } from 'node:fs'
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep, startEngine } from '../../lib/engine/index.js'
import { crossEntropy, smoothed, suggestRates, traceRates } from '../../lib/train/index.js'
import { stripes, tinyModel, valuesOf } from '../workflow/support/stripes.js'
import { readFixture } from './support/fixture.js'

jest.setTimeout(120_000)
const fixture = JSON.parse(readFileSync('tests/fixtures/schedules.json', 'utf8')).lr_finder
beforeAll(() => { startEngine() })

test('smoothing and the four suggestions are fastai\'s', () => {
  const curve = smoothed(fixture.losses)
  curve.forEach((value, i) => expect(value).toBeCloseTo(fixture['smoothed_beta_0.98'][i], 9))
  const { valley, slide, minimum, steep } = suggestRates(fixture.lrs, curve, 100)
  const expected = fixture.suggestions_on_smoothed
  expect(valley).toBeCloseTo(expected.valley, 9)
  expect(slide).toBeCloseTo(expected.slide, 9)
  expect(minimum).toBeCloseTo(expected.minimum_over_10, 9)
  expect(steep).toBeCloseTo(expected.steep, 9)
})

test('a curve that exploded before its last step says all up to there', () => {
  // 18 of 24 steps: the least that is taken. The loss falls to the twelfth and then leaps.
  const rates = Array.from({ length: 18 }, (_, i) => 1e-5 * 2 ** i), losses = rates.map((_, i) => i < 12 ? 2 - 0.1 * i : 0.9 + 2 ** (i - 12))
  for (const rate of Object.values(suggestRates(rates, losses))) {
    expect(rate).toBeGreaterThanOrEqual(rates[0]! / 10)
    expect(rate).toBeLessThan(rates[12]!)
  }
})

test('a recorded step with a growing rate follows PyTorch\'s losses', async () => {
  const f = readFixture('lr_finder_net')
  const variable = (name: string, transpose: boolean) => tf.variable(transpose ? tf.transpose(f[`param/${name}`]!) : f[`param/${name}`]!)
  const w0 = variable('0.weight', true), b0 = variable('0.bias', false), w1 = variable('2.weight', true), b1 = variable('2.bias', false)
  const step = recordTrainStep({
    loss: ({ x, y }) => ({ loss: crossEntropy(tf.add(tf.matMul(tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, w0 as tf.Tensor2D), b0)), w1 as tf.Tensor2D), b1), y!) }),
    groups: [{ name: 'all', variables: [w0, b0, w1, b1] }], optimizer: { name: 'sgd' },
  })
  for (let i = 0; i < 100; i++) {
    const rows = Array.from({ length: 32 }, (_, k) => (i * 32 + k) % 512)
    const x = tf.gather(f['input/x']!, rows), y = tf.gather(f['input/y']!, rows)
    const { loss } = await step.runAsync({ x, y }, { learningRate: fixture.lrs[i], step: i + 1 })
    expect(Math.abs(loss - fixture.losses[i])).toBeLessThan(1e-4 * Math.max(1, fixture.losses[i]))
    tf.dispose([x, y])
  }
  step.dispose()
})

test('finding a rate leaves the model as it was, to the bit, and suggests one that learns', async () => {
  const model = tinyModel(), before = valuesOf(model), tensors = tf.memory().numTensors
  const curve = await traceRates(model, stripes(), { batchSize: 8, augment: false, steps: 60 })
  expect(valuesOf(model)).toEqual(before)
  expect(tf.memory().numTensors).toBe(tensors)
  expect(curve.rates[0]).toBeCloseTo(1e-6, 12)
  expect(curve.rates).toHaveLength(curve.losses.length)
  expect(curve.suggestion).toBeGreaterThan(1e-5)
  expect(curve.suggestion).toBeLessThan(0.3)
  await expect(traceRates(model, stripes(), { lowest: 1, highest: 0.1 })).rejects.toThrow('lowest must be above 0 and highest above it')
  model.dispose()
})
