// Stop, divergence and wrong requests: nothing learned is lost, and every refusal says why.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import type { TrainEvent, TrainOptions } from '../../lib/train/index.js'
import { Evaluation, fineTune } from '../../lib/workflow/index.js'
import { stripes, tinyModel, valuesOf } from './support/stripes.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })
const key = Symbol.for('afinar.session')
afterEach(() => { delete (globalThis as Record<symbol, unknown>)[key] })

test('stop() ends after the step and gives the result so far with the best weights', async () => {
  const model = tinyModel(), data = stripes({ train: 128 })
  const run = fineTune(model, data, { live: false, epochs: 50, batchSize: 8, learningRate: 1e-2, augment: false })
  let stopped = 0
  for await (const event of run) if (event.type === 'step' && event.epoch === 3 && !stopped) { run.stop(); run.stop(); stopped = event.step }
  const result = await run
  expect(result.reason).toBe('stopped')
  expect(result.history.length).toBeLessThanOrEqual(3)
  expect(run.events.filter((event) => event.type === 'step').at(-1)!.step).toBeLessThanOrEqual(stopped + 2)
  expect((await result.evaluate('validation')).accuracy).toBe(result.best.value)
  model.dispose()
})

test('the Stop of the notebook stops it too', async () => {
  const controller = new AbortController()
  ;(globalThis as Record<symbol, unknown>)[key] = { display() {}, comm() {}, signal: controller.signal, cell: 1 }
  const model = tinyModel()
  const run = fineTune(model, stripes(), { live: false, epochs: 100, learningRate: 1e-2, augment: false })
  for await (const event of run) if (event.type === 'epoch') controller.abort()
  expect((await run).reason).toBe('stopped')
  model.dispose()
})

test('the Stop of a later cell that awaits the run stops it, and that cell gets the result so far', async () => {
  const cell = (signal: AbortSignal, id: number) => { (globalThis as Record<symbol, unknown>)[key] = { display() {}, comm() {}, signal, cell: id } }
  const model = tinyModel(), later = new AbortController()
  cell(new AbortController().signal, 1)
  const run = fineTune(model, stripes(), { live: false, epochs: 100, learningRate: 1e-2, augment: false })
  cell(later.signal, 2)
  const awaited = Promise.resolve(run)
  for await (const event of run) if (event.type === 'epoch') { later.abort(); break }
  expect((await awaited).reason).toBe('stopped')
  expect(run.events.filter(({ type }) => type === 'epoch').length).toBeLessThan(5)
  model.dispose()
})

test('a run that is stopped before its first step leaves the model as it was', async () => {
  const model = tinyModel(), before = valuesOf(model)
  const run = fineTune(model, stripes(), { live: false })
  run.stop()
  expect((await run).best.epoch).toBe(0)
  expect(valuesOf(model)).toEqual(before)
  model.dispose()
})

test('a rate that is far too high: stops, names the step, rolls back and suggests', async () => {
  for (const learningRate of [1e3, 1e6]) {
    const model = tinyModel(), before = valuesOf(model)
    const run = fineTune(model, stripes(), { live: false, epochs: 6, learningRate, clipNorm: false, optimizer: { name: 'sgd', momentum: 0.9 }, schedule: 'constant', augment: false })
    const result = await run
    expect(result.reason).toBe('diverged')
    expect(run.events.find((event) => event.type === 'note' && event.level === 'warning')).toMatchObject({ text: expect.stringMatching(/step \d+.*back at.*learningRate: /) })
    if (result.best.epoch === 0) expect(valuesOf(model)).toEqual(before)
    expect(Object.values(valuesOf(model)).flat().every(Number.isFinite)).toBe(true)
    model.dispose()
  }
})

test('options that make no sense are refused at once, by name, rule and value', () => {
  const model = tinyModel(), data = stripes()
  const wrong: [object, RegExp][] = [
    [{ batchSize: 0 }, /batchSize must be a whole number of at least 1, got 0/],
    [{ batchSize: 1.5 }, /batchSize must be .*got 1.5/],
    [{ batchSize: 65 }, /has 64 training rows/],
    [{ learningRate: NaN }, /learningRate must be a number above 0, got NaN/],
    [{ learningRate: -1 }, /got -1/],
    [{ learningRate: '1e-3' }, /got "1e-3"/],
    [{ epochs: -1 }, /epochs must be/],
    [{ epochs: 0, frozenEpochs: 0 }, /nothing would be trained/],
    [{ epoch: 3 }, /no option "epoch". Did you mean "epochs"\?/],
    [{ schedule: 'onecycle' }, /Did you mean "one-cycle"\?/],
    [{ optimizer: 'adamW2' }, /optimizer must be one of/],
    [{ loss: 'crossentropy' }, /Did you mean "cross-entropy"\?/],
    [{ metric: 'accurracy' }, /metric "accurracy" is not known/],
    [{ freeze: 'backbon' }, /Did you mean "backbone"\?/],
    [{ labelSmoothing: 1 }, /labelSmoothing must be at least 0 and below 1/],
    [{ callbacks: { onEpochDone() {} } }, /no callback "onEpochDone"/],
  ]
  for (const [options, message] of wrong) expect(() => fineTune(model, data, options as never)).toThrow(message)
  model.dispose()
})

test('a model whose classes are not the data\'s is refused', () => {
  const data = stripes()
  const other = tinyModel({ classes: ['vertical', 'horizontal'] }), more = tinyModel({ classes: ['a', 'b', 'c'] })
  expect(() => fineTune(other, data)).toThrow('the same in another order')
  expect(() => fineTune(more, data)).toThrow('the model has 3 (a, b, c), the data 2 (horizontal, vertical)')
  const model = tinyModel()
  expect(() => fineTune(model, data.filter((row) => row.label === 'vertical'))).toThrow('one class only (vertical)')
  for (const one of [other, more, model]) one.dispose()
})

test('Stop during validation and during a checkpoint ends with the step under way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'afinar-stop-'))
  const stopOn = async (when: (event: TrainEvent) => boolean, more: TrainOptions = {}) => {
    const model = tinyModel(), run = fineTune(model, stripes({ train: 128, validation: 200 }), { live: false, epochs: 60, batchSize: 8, learningRate: 1e-2, augment: false, patience: false, checkpoints: { folder, everySteps: 4 }, ...more })
    for await (const event of run) if (when(event)) run.stop()
    expect((await run).reason).toBe('stopped')
    model.dispose()
    return run.events
  }
  // the last step's event comes before that epoch's validation, the checkpoint's right after it was written
  const during = await stopOn((event) => event.type === 'step' && event.step === 32)
  expect(during.filter((event) => event.type === 'epoch')).toHaveLength(1)
  const events = await stopOn((event) => event.type === 'checkpoint' && event.step === 20)
  expect(events.filter((event) => event.type === 'step').at(-1)!.step).toBeLessThanOrEqual(22)
  const model = tinyModel()
  const resumed = fineTune(model, stripes({ train: 128, validation: 200 }), { live: false, epochs: 60, batchSize: 8, learningRate: 1e-2, augment: false, patience: false, resume: folder })
  for await (const event of resumed) if (event.type === 'epoch') resumed.stop()
  expect((await resumed).history.length).toBeGreaterThan(0)
  model.dispose()
})

test('an error in the middle leaves the best weights so far', async () => {
  const model = tinyModel(), data = stripes()
  let calls = 0
  const run = fineTune(model, data, { live: false, epochs: 5, frozenEpochs: 0, batchSize: 16, learningRate: 1e-2, augment: false, metrics: { odd: () => { if (++calls > 4) throw new Error('no'); return 1 } } })
  expect((await run).reason).toBe('finished') // a metric that throws is NaN
  const broken = fineTune(model, data, { live: false, epochs: 5, batchSize: 16, augment: false, schedule: (place) => { if (place.step > 9) throw new Error('the schedule broke'); return 1 } })
  await expect(broken).rejects.toThrow('the schedule broke')
  const best = broken.events.filter((event) => event.type === 'epoch').findLast(({ best: is }) => is)!
  expect((await Evaluation.of(model, data.validation!)).logLoss).toBeCloseTo(best.validation!['loss']!, 5)
  model.dispose()
})

test('a callback that throws or never returns costs a note, not the training', async () => {
  const model = tinyModel()
  const run = fineTune(model, stripes(), { live: false, epochs: 2, frozenEpochs: 0, augment: false, callbacks: [{ onEpochEnd: () => { throw new Error('mine') } }, { onBatchEnd: () => new Promise(() => {}) }] })
  expect((await run).reason).toBe('finished')
  expect(run.events.filter((event) => event.type === 'note' && event.text.includes('onEpochEnd') && event.text.includes('mine'))).toHaveLength(1)
  model.dispose()
})
