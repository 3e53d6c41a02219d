// What one asks before and after training: ranking, batch size, audit, learning curve.
import { beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { loadModel } from '../../lib/models/index.js'
import { audit, findBatchSize, fineTune, findLearningRate, learningCurve, rankModels } from '../../lib/workflow/index.js'
import { stripes, tinyModel, valuesOf } from './support/stripes.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })

test('findLearningRate and findBatchSize suggest, show themselves, and change no weight', async () => {
  const model = tinyModel(), data = stripes(), before = valuesOf(model)
  const finder = await findLearningRate(model, data, { batchSize: 16, augment: false })
  const sizes = await findBatchSize(model, data)
  expect(valuesOf(model)).toEqual(before)
  expect(finder.suggestion).toBeGreaterThan(0)
  expect(sizes.rows.map(({ batchSize }) => batchSize)).toContain(sizes.suggestion)
  expect(sizes.largest).toBe(64) // all rows
  expect(String(sizes)).toContain('up to 64 would fit')
  for (const figure of [finder.plot(), sizes.plot()]) expect(figure.data.length).toBeGreaterThan(0)
  expect((await findLearningRate(model, data, { batchSize: 16, augment: false, steps: 24, highest: 0.1 })).rates).toHaveLength(24)
  await expect(findLearningRate(model, data, { steps: 23 })).rejects.toThrow('Cannot find a learning rate in 23 steps: the curve needs a whole number of at least 24')
  await expect(findLearningRate(tinyModel({ classes: ['a', 'b'] }), data)).rejects.toThrow('its classes are not the data\'s')
  model.dispose()
})

test('rankModels puts what sees the difference first and says why others do not fit', async () => {
  const ranked = await rankModels(stripes({ noise: 0.3 }), ['no/such/folder', 'scratch:small-cnn'], { imageSize: 16 })
  expect(ranked.best).toBe('scratch:small-cnn')
  const chosen = await loadModel(ranked.best, { classes: ['horizontal', 'vertical'], imageSize: 16 }) // what it names can be loaded
  expect(chosen.source).toBe('new small-cnn')
  chosen.dispose()
  expect(ranked.rows.at(-1)).toMatchObject({ source: 'no/such/folder', compatible: false })
  expect(String(ranked)).toContain('does not fit')
  await expect(rankModels(stripes(), [])).rejects.toThrow('Cannot rank models')
})

test('the audit with a model\'s features finds planted wrong labels', async () => {
  const data = stripes({ train: 120, noise: 0.2 }), model = tinyModel()
  const report = await audit(data, model)
  expect(report.checks).toEqual(expect.arrayContaining(['label errors', 'outliers', 'non-representative split']))
  model.dispose()
})

test('the learning curve rises with the rows and looks ahead', async () => {
  const model = tinyModel()
  const curve = await learningCurve(model, stripes({ train: 160, noise: 0.85 }))
  expect(curve.points.map(({ rows }) => rows)).toEqual([10, 20, 40, 80, 160])
  expect(curve.forecast.map(({ rows }) => rows)).toEqual([320, 640])
  expect(curve.forecast[1]!.value).toBeGreaterThanOrEqual(curve.forecast[0]!.value - 1e-9)
  expect(curve.forecast[1]!.interval[1] - curve.forecast[1]!.interval[0]).toBeGreaterThan(0)
  expect(String(curve)).toMatch(/more rows for|No reasonable number/)
  expect(() => curve.rowsFor(0)).toThrow(/points must be above 0/)
  await expect(learningCurve(model, stripes({ train: 8 }))).rejects.toThrow('eight are the least')
  model.dispose()
})

test('where memory is short, the batch size left open is the largest that fits, and said so', async () => {
  const data = stripes(), model = tinyModel()
  const summary = model.summary.bind(model)
  model.summary = (o = {}) => ({ ...summary(o), available: summary({ ...o, batchSize: 3 }).memory.total / 0.8 })
  const run = fineTune(model, data, { live: false, epochs: 1, frozenEpochs: 0, augment: false })
  await run
  const start = run.events.find((event) => event.type === 'start')!
  expect(start.run.batchSize).toBe(2)
  expect(start.run.defaults.find(({ name }) => name === 'batchSize')!.reason).toContain('would not fit')
  expect((await findBatchSize(model, data, { sizes: [2, 4] })).rows.map(({ batchSize }) => batchSize)).toEqual([2])
  model.dispose()
})
