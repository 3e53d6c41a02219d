// The running average of the weights against its definition (TensorFlow's ExponentialMovingAverage with num_updates), over the weights of every step.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { openSafetensors } from '../../lib/models/index.js'
import { listCheckpoints, type TrainOptions } from '../../lib/train/index.js'
import { fineTune } from '../../lib/workflow/index.js'
import { stripes, tinyModel, valuesOf } from './support/stripes.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })

test('left to itself, each epoch is judged by the average or by the last step, whichever does better', async () => {
  const data = stripes({ noise: 0.8 }), options: TrainOptions = { epochs: 4, batchSize: 16, augment: false, patience: false }
  const run = async (ema: { ema?: number | false }) => {
    const model = tinyModel()
    await fineTune(model, data, { live: false, epochs: 1, batchSize: 16, augment: false }) // so that it does not count as from scratch
    const again = Object.assign(model, { source: 'trained' }), { history } = await fineTune(again, data, { live: false, ...options, ...ema })
    model.dispose()
    return history.map(({ validation }) => ({ accuracy: validation!['accuracy']!, loss: validation!['loss']! }))
  }
  const average = await run({ ema: 0.95 }), last = await run({ ema: false }), either = await run({})
  expect(average).not.toEqual(last)
  expect(either).toEqual(average.map((one, epoch) => [one, last[epoch]!].toSorted((a, b) => b.accuracy - a.accuracy || a.loss - b.loss)[0]))
})

test('what is validated and kept is the average of all steps\' weights, and training itself goes the same way', async () => {
  const options: TrainOptions = { epochs: 2, frozenEpochs: 0, batchSize: 16, learningRate: 1e-2, schedule: 'constant', augment: false, batchNorm: 'updating', restoreBest: false, patience: false }
  const data = stripes(), plain = tinyModel(), decay = 0.6
  const average = valuesOf(plain), folder = mkdtempSync(join(tmpdir(), 'afinar-average-'))
  const own = await fineTune(plain, data, { live: false, ...options, checkpoints: { folder, everySteps: 1, keep: 100 } })
  const byStep = new Map((await listCheckpoints(folder)).map((path) => [Number(/step-(\d+)/.exec(path)![1]), path]))
  expect(byStep.size).toBe(8)
  for (let step = 1; step <= 8; step++) {
    const file = await openSafetensors(join(byStep.get(step)!, 'tensors.safetensors')), share = Math.min(decay, (1 + step) / (10 + step))
    for (const name of Object.keys(average)) {
      const now = await file.read(`weight/${name}`) as Float32Array
      average[name] = average[name]!.map((old, i) => share * old + (1 - share) * now[i]!)
    }
    await file.close()
  }
  const model = tinyModel(), result = await fineTune(model, data, { live: false, ...options, ema: decay })
  for (const [name, values] of Object.entries(valuesOf(model))) values.forEach((value, i) => expect(value).toBeCloseTo(average[name]![i]!, 5))
  expect(result.history.map(({ train }) => train['loss'])).toEqual(own.history.map(({ train }) => train['loss']))
  expect((await result.evaluate('validation')).logLoss).toBeCloseTo(result.history.at(-1)!.validation!['loss']!, 5)
})
