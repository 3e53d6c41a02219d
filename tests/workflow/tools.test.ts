// What one asks before and after training: ranking, batch size, audit, learning curve.
import { beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { audit, findBatchSize, findLearningRate, learningCurve, rankModels } from '../../lib/workflow/index.js'
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
  for (const figure of [finder.plot(), sizes.plot()]) expect(figure.data.length).toBeGreaterThan(0)
  await expect(findLearningRate(tinyModel({ classes: ['a', 'b'] }), data)).rejects.toThrow('its classes are not the data\'s')
  model.dispose()
})

test('rankModels puts what sees the difference first and says why others do not fit', async () => {
  const ranked = await rankModels(stripes({ noise: 0.3 }), ['no/such/folder', 'scratch:small-cnn'], { imageSize: 16 })
  expect(ranked.best).toBe('scratch:small-cnn')
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
  expect(curve.points.map(({ rows }) => rows)).toEqual([20, 40, 80, 160])
  expect(curve.forecast.map(({ rows }) => rows)).toEqual([320, 640])
  expect(curve.forecast[1]!.value).toBeGreaterThanOrEqual(curve.forecast[0]!.value - 1e-9)
  await expect(learningCurve(model, stripes({ train: 8 }))).rejects.toThrow('eight are the least')
  model.dispose()
})
