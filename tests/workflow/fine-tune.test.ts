// fineTune from end to end on a small network: what it learns, what it reports, what it leaves behind.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel, loadModel } from '../../lib/models/index.js'
import type { TrainEvent } from '../../lib/train/index.js'
import { Evaluation, fineTune } from '../../lib/workflow/index.js'
import { stripes, tinyModel, valuesOf } from './support/stripes.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })

const quick = { live: false, epochs: 4, batchSize: 16, learningRate: 1e-2, augment: false } as const

test('learns, tells what it does in order, keeps the best weights, and loads again with the same predictions', async () => {
  const model = tinyModel(), data = stripes(), tensors = tf.memory().numTensors
  const run = fineTune(model, data, quick)
  const live: TrainEvent[] = []
  for await (const event of run) live.push(event)
  const result = await run
  const late: TrainEvent[] = []
  for await (const event of run) late.push(event)
  expect(late).toEqual(live)
  expect(live.map(({ type }) => type).filter((type) => type !== 'step' && type !== 'note')).toEqual(['start', 'phase', ...Array.from({ length: 4 }, () => ['epoch', 'verdict']).flat(), 'end'])
  const steps = live.filter((event) => event.type === 'step')
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1))
  const start = live[0] as Extract<TrainEvent, { type: 'start' }>
  expect(start.run).toMatchObject({ data: 'stripes', epochs: 4, stepsPerEpoch: 4, batchSize: 16, rows: { train: 64, validation: 32 }, metric: 'accuracy' })
  expect(start.run.defaults.every(({ name, value, reason }) => name && value && reason)).toBe(true)
  expect(result.best.value).toBeGreaterThan(0.9)
  // The weights are the best epoch's: evaluating them gives that epoch's figures.
  const again = await result.evaluate('validation')
  expect(again.accuracy).toBe(result.best.value)
  const epoch = result.history.find(({ epoch }) => epoch === result.best.epoch)!
  expect(again.logLoss).toBeCloseTo(epoch.validation!['loss']!, 5)
  expect(tf.memory().numTensors - tensors).toBeLessThanOrEqual(0)

  const test = await result.evaluate()
  expect(test.confusion.flat().reduce((a, b) => a + b, 0)).toBe(32)
  expect(test.figures['accuracy']!.interval.low).toBeLessThanOrEqual(test.accuracy)
  const before = await result.predict()
  const folder = join(mkdtempSync(join(tmpdir(), 'afinar-')), 'saved')
  await result.save(folder)
  const loaded = await loadModel(folder)
  expect(await (await import('../../lib/workflow/evaluation.js')).predictSplit(loaded, data.test!)).toEqual(before)
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain('## Limits')
  expect(readFileSync(join(folder, 'training.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line).type)).toContain('verdict')
  loaded.dispose()
  model.dispose()
})

test('the same seed gives the same weights to the bit, another seed others', async () => {
  const weights = async (seed: number) => {
    const model = tinyModel()
    await fineTune(model, stripes(), { ...quick, epochs: 2, augment: { shift: 0.1, brightness: 0.1 }, seed })
    const values = valuesOf(model)
    model.dispose()
    return values
  }
  const first = await weights(1)
  expect(await weights(1)).toEqual(first)
  expect(await weights(2)).not.toEqual(first)
})

test('with a frozen backbone only the head changes, on features that are computed once', async () => {
  const model = tinyModel(), before = valuesOf(model)
  const run = fineTune(model, stripes(), { live: false, freeze: 'backbone', epochs: 3, learningRate: 1e-2, restoreBest: false })
  await run
  const after = valuesOf(model)
  expect(Object.keys(after).filter((name) => String(after[name]) !== String(before[name]))).toEqual(['head.weight', 'head.bias'])
  expect(run.events.find((event) => event.type === 'phase')).toMatchObject({ name: 'head only', detail: expect.stringContaining('computed once') })
  expect(model.frozen).toEqual([])
  model.dispose()
})

test('a linear head is fitted in one go where nobody asks for steps, better than steps do it', async () => {
  const data = stripes({ train: 120, noise: 0.85 }), losses: number[] = []
  for (const o of [{}, { fitHead: false, epochs: 10 }]) {
    const model = tinyModel(), before = valuesOf(model)
    const run = fineTune(model, data, { live: false, freeze: 'backbone', ...o })
    const result = await run
    const after = valuesOf(model)
    expect(Object.keys(after).filter((name) => String(after[name]) !== String(before[name]))).toEqual(['head.weight', 'head.bias'])
    expect((await result.evaluate('validation')).accuracy).toBe(result.best.value)
    losses.push(result.history[result.best.epoch - 1]!.validation!['loss']!)
    model.dispose()
  }
  expect(losses[0]).toBeLessThan(losses[1]! + 0.02)
})

test('a row that counts three times is three rows, and one that counts nothing is none', async () => {
  const data = stripes({ train: 60, validation: 120, noise: 0.8 }), rows = data.train.rows as readonly { file: string }[]
  const place = new Map(rows.map((row, i) => [row, i])), times = (row: object) => [1, 3, 0][place.get(row as { file: string })! % 3]!
  const repeated = Array.from({ length: 60 }, (_, i) => Array.from({ length: times(rows[i]!) }, () => i)).flat()
  const heads: number[][] = []
  for (const [train, o] of [[data.train, { rowWeights: times }], [data.train.take(repeated), {}]] as const) {
    const model = tinyModel(), part = { name: data.name, kind: data.kind, classes: data.classes, train, validation: data.validation, test: data.test, splits: data.splits } as typeof data
    await fineTune(model, part, { live: false, freeze: 'backbone', ...o })
    heads.push(valuesOf(model)['head.weight']!)
    model.dispose()
  }
  heads[0]!.forEach((value, i) => expect(value).toBeCloseTo(heads[1]![i]!, 2))
  const model = tinyModel()
  expect(() => fineTune(model, data, { live: false, rowWeights: () => NaN })).toThrow('gives NaN for training row 0')
  expect(() => fineTune(model, data, { live: false, rowWeights: () => 0 })).toThrow('gives 0 for each of its 60 training rows')
  expect(() => fineTune(model, data, { live: false, rowWeights: (row: { label: string }) => row.label === 'vertical' ? 0 : 1 })).toThrow('leaves rows of one class only (horizontal)')
  expect(() => fineTune(model, data, { live: false, rowWeights: 2 as never })).toThrow('rowWeights must be a function of a row')
  model.dispose()
})

test('a model that was trained goes on in small steps with the head that it has, also after it was saved and loaded', async () => {
  const model = tinyModel(), data = stripes(), folder = mkdtempSync(join(tmpdir(), 'afinar-goes-on-'))
  await (await fineTune(model, data, quick)).save(folder)
  const again = await loadModel(folder), defaults: unknown[] = []
  for (const one of [model, again]) {
    const run = fineTune(one, data, { live: false, epochs: 1 })
    await run
    const start = run.events.find((event) => event.type === 'start')!
    defaults.push([start.run.learningRate, start.run.defaults.find(({ name }) => name === 'frozenEpochs')])
    one.dispose()
  }
  expect(defaults).toEqual([0, 1].map(() => [3e-4, { name: 'frozenEpochs', value: '0', reason: 'this model was trained before, so its head is not new' }]))
})

test('frozen head first, then the rest with rates that grow towards the head', async () => {
  const model = tinyModel()
  const run = fineTune(model, stripes(), { ...quick, frozenEpochs: 1, epochs: 1, layerSpread: 10, schedule: 'constant' })
  await run
  expect(run.events.filter((event) => event.type === 'phase').map(({ name, epoch }) => [name, epoch])).toEqual([['head only', 1], ['whole network', 2]])
  expect(run.events.find((event) => event.type === 'phase' && event.epoch === 2)).toMatchObject({ detail: 'rates from 0.001 in the first layers to 0.01 in the head' })
  model.dispose()
})

test('callbacks with Keras\' names; one that throws is named and left out', async () => {
  const model = tinyModel(), calls: string[] = []
  const run = fineTune(model, stripes(), { ...quick, epochs: 2, callbacks: {
    onEpochBegin: (epoch) => calls.push(`begin ${epoch}`),
    onEpochEnd: (epoch, logs) => calls.push(`end ${epoch} ${'val_accuracy' in logs && 'loss' in logs}`),
    onBatchEnd: () => { throw new Error('oh') },
  } })
  await run
  expect(calls).toEqual(['begin 0', 'end 0 true', 'begin 1', 'end 1 true'])
  expect(run.events.filter((event) => event.type === 'note' && event.text.includes('onBatchEnd failed'))).toHaveLength(1)
  model.dispose()
})

test('your own metric decides which epoch is best, and one that throws costs nothing', async () => {
  const model = tinyModel()
  const result = await fineTune(model, stripes(), { ...quick, epochs: 2, metric: 'hits', metrics: { hits: (truth, predicted) => truth.reduce((sum, label, i) => sum + (label === predicted[i] ? 1 : 0), 0), broken: () => { throw new Error('oh') } } })
  expect(result.best.metric).toBe('hits')
  expect(result.best.value).toBe(Math.max(...result.history.map(({ validation }) => validation!['accuracy']! * 32)))
  expect(result.history[0]!.validation!['broken']).toBeNaN()
  model.dispose()
  // One that decides and gives no number is named once, and the loss decides instead.
  const again = tinyModel(), run = fineTune(again, stripes(), { ...quick, metric: 'broken', metrics: { broken: () => { throw new Error('oh') }, word: () => 'good' as never }, patience: false }), { best, history } = await run
  const losses = history.map(({ validation }) => validation!['loss']!)
  expect(best.epoch).toBe(losses.indexOf(Math.min(...losses)) + 1)
  expect(run.events.flatMap((event) => event.type === 'note' && event.level === 'warning' ? [event.text] : [])).toEqual(['The metric broken failed: oh. It counts as NaN, and the loss decides which epoch is best. Training goes on.', 'The metric word failed: it gave "good", which is no number. It counts as NaN. Training goes on.'])
  again.dispose()
})

test('class weights, focal loss, SGD, a custom loss, no validation part: all train', async () => {
  const variants = [{ classWeights: 'balanced' as const, labelSmoothing: 0.1 }, { loss: 'focal' as const }, { optimizer: { name: 'sgd' as const, momentum: 0.9 } }, { schedule: 'cosine' as const, clipNorm: false as const }]
  for (const variant of variants) {
    const model = tinyModel()
    const result = await fineTune(model, stripes({ train: 32 }), { ...quick, epochs: 1, ...variant })
    expect(result.history[0]!.train['loss']).toBeGreaterThan(0)
    model.dispose()
  }
  const model = tinyModel(), data = stripes({ validation: 0 }).filter((_row, part) => part !== 'validation')
  const run = fineTune(model, data, { ...quick, epochs: 1 })
  const result = await run
  expect(result.overfitting.verdict).toBe('too little data')
  expect(run.events.some((event) => event.type === 'note' && event.text.includes('no validation part'))).toBe(true)
  expect((await Evaluation.of(model, data.test!)).rows).toBe(32)
  model.dispose()
})

test('a step taken in parts learns the same as one taken whole', async () => {
  const weights = async (accumulate: number) => {
    const model = buildModel('small-cnn', { classes: ['horizontal', 'vertical'], imageSize: 16, config: { channels: [8, 16], dropout: 0 } })
    const run = fineTune(model, stripes(), { ...quick, epochs: 2, optimizer: { name: 'sgd', momentum: 0.9 }, batchNorm: 'frozen', restoreBest: false, accumulate })
    const { history } = await run
    const values = valuesOf(model)
    model.dispose()
    return { values, history, steps: run.events.filter(({ type }) => type === 'step').length }
  }
  const whole = await weights(1), parts = await weights(4)
  expect(parts.steps).toBe(whole.steps)
  expect(parts.history.at(-1)!.train['loss']).toBeCloseTo(whole.history.at(-1)!.train['loss']!, 4)
  for (const [name, values] of Object.entries(whole.values)) values.forEach((value, i) => expect(Math.abs(value - parts.values[name]![i]!)).toBeLessThan(2e-4))
})
