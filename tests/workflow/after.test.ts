// What one does after training: calibration, highest losses, weak slices, what a prediction rests on, comparing runs. Judges: SciPy's figures, planted faults.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { fitTemperature, logLoss, scaledProbabilities } from '../../lib/train/index.js'
import { compare, Evaluation, fineTune } from '../../lib/workflow/index.js'
import { mcnemar } from '../../lib/workflow/compare.js'
import { fisher, worstSlices } from '../../lib/workflow/slices.js'
import { stripes, tinyModel } from './support/stripes.js'

jest.setTimeout(180_000)
beforeAll(() => { startEngine() })
const display = (shown: object) => (shown as unknown as Record<symbol, () => Record<string, unknown>>)[Symbol.for('Jupyter.display')]!.call(shown)

test('the temperature is the one SciPy finds', () => {
  const { labels, logits } = (JSON.parse(readFileSync('tests/fixtures/metrics.json', 'utf8')) as Record<string, { labels: number[]; logits: number[][] }>)['multiclass']!
  const temperature = fitTemperature(labels, logits)
  expect(temperature).toBeCloseTo(0.7879536089, 4)
  expect(logLoss(labels, scaledProbabilities(logits, temperature))).toBeCloseTo(0.9289448836121758, 7)
  expect(fitTemperature([-1], [[1, 2]])).toBe(1)
})

test('chance is counted as SciPy counts it', () => {
  expect(fisher(3, 10, 80, 100)).toBeCloseTo(0.00039171627596047096, 10)
  expect(fisher(12, 20, 30, 40)).toBeCloseTo(0.03241658080367759, 10)
  expect(mcnemar(3, 12)).toBeCloseTo(0.03515625, 10)
  expect(mcnemar(13, 7)).toBeCloseTo(0.26317596435546875, 10)
  expect(mcnemar(5, 5)).toBe(1)
  expect(mcnemar(0, 0)).toBe(1)
})

test('a planted weak slice is found first and surely, others are not', () => {
  const rows = Array.from({ length: 400 }, (_, i) => ({ camera: ['a', 'b', 'c', 'd'][i % 4], length: (i * 7919) % 400, id: `row ${i}` }))
  const right = rows.map(({ camera }, i) => camera === 'c' ? i % 2 === 0 ? i % 8 === 2 : true : i % 17 !== 0)
  const { slices, looked } = worstSlices(rows, right)
  expect(slices[0]).toMatchObject({ name: 'camera = c', rows: 100 })
  expect(slices[0]!.p).toBeLessThan(1e-6)
  expect(slices.slice(1).every(({ p }) => p > 0.05)).toBe(true)
  expect(looked).toBeGreaterThan(4)
})

test('a model that is too sure is calibrated without another answer; its worst rows are those with wrong labels', async () => {
  const data = stripes({ train: 96, validation: 80, test: 80, noise: 0.85 }), model = tinyModel({ seed: 1 })
  const result = await fineTune(model, data, { live: false, epochs: 30, frozenEpochs: 0, batchSize: 16, learningRate: 2e-2, augment: false, patience: false, restoreBest: false, labelSmoothing: 0 })
  const { temperature, before, after } = await result.calibrate()
  expect(after.accuracy).toBe(before.accuracy)
  expect(temperature).not.toBe(1)
  // the temperature was fitted on validation: there it cannot be worse
  const own = await Evaluation.of(model, data.validation!), scaled = await Evaluation.of(model, data.validation!, 16, [], temperature)
  expect(scaled.logLoss).toBeLessThanOrEqual(own.logLoss + 1e-9)
  for (const figure of [before.calibrationPlot(after), before.rocPlot(), before.precisionRecallPlot()]) expect(figure.data.length).toBeGreaterThan(0)
  expect(JSON.stringify(before.rocPlot().data)).toContain('AUC')

  const losses = await before.topLosses(5), answers = before.answers!
  expect(losses.rows).toHaveLength(5)
  expect(losses.rows[0]!.loss).toBeCloseTo(Math.max(...answers.map(({ loss }) => loss)), 10)
  expect(losses.rows.map(({ loss }) => loss)).toEqual(losses.rows.map(({ loss }) => loss).toSorted((a, b) => b - a))
  expect(losses.rows.every(({ picture }) => picture!.startsWith('data:image/png;base64,'))).toBe(true)
  expect(String(display(losses)['text/html'])).toContain('<img')
  expect(String(before.slices())).toContain('slice')

  const same = compare(before, after, ['plain', 'scaled'])
  expect(same).toMatchObject({ different: false, p: 1, onlyFirst: 0, onlySecond: 0 })
  const untrained = await Evaluation.of(tinyModel({ seed: 2 }), data.test!), better = compare(untrained, before, ['untrained', 'trained'])
  expect(better.difference.value).toBeCloseTo(before.accuracy - untrained.accuracy, 10)
  expect(better.different).toBe(better.difference.interval.low > 0 || better.difference.interval.high < 0)
  expect(() => compare(own, before)).toThrow('Cannot compare: both must be evaluated on the same labelled rows')
  model.dispose()
})

test('saliency lies where the evidence was planted', async () => {
  // Only the left half of each picture says which class it is; the right half is noise.
  const { images } = await import('../../lib/data/index.js')
  const { randomNumbers } = await import('../../lib/train/index.js')
  const random = randomNumbers(3, 3), side = 16
  const part = (rows: number) => {
    const pixels = new Uint8Array(rows * side * side * 3), labels = Array.from({ length: rows }, (_, i) => i % 2)
    labels.forEach((label, row) => { for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) for (let c = 0; c < 3; c++) pixels[((row * side + y) * side + x) * 3 + c] = x < side / 2 ? 255 * (((label === 1 ? x : y) % 4 < 2 ? 0.7 : 0.3) + 0.2 * (random() - 0.5)) : 255 * random() })
    return { images: pixels, shape: [rows, side, side, 3], labels }
  }
  const data = images.fromArrays({ train: part(128), validation: part(32), test: part(16) }, { name: 'left', classes: ['horizontal', 'vertical'] })
  const model = tinyModel(), result = await fineTune(model, data, { live: false, epochs: 8, frozenEpochs: 0, batchSize: 16, learningRate: 1e-2, augment: false })
  expect(result.best.value).toBeGreaterThan(0.9)
  let left = 0, all = 0
  for (let row = 0; row < 8; row++) {
    const { weights, label, confidence } = await result.saliency(row)
    expect(weights).toHaveLength(side * side)
    expect(model.classes).toContain(label)
    expect(confidence).toBeGreaterThan(0.5)
    weights.forEach((weight, i) => { all += weight; if (i % side < side / 2 + 1) left += weight })
  }
  expect(left / all).toBeGreaterThan(0.6)
  const shown = await result.saliency(0)
  expect(String(display(shown)['text/html'])).toContain('<svg')
  await expect(result.saliency(99)).rejects.toThrow('rows 0 to 15')
  await expect(result.saliency(0, { label: 'round' })).rejects.toThrow('the model\'s classes are horizontal, vertical')
  model.dispose()
})

test('the card says what, how, how good, at what cost, in Markdown and as a page; names cannot smuggle in HTML', async () => {
  const classes = ['<script>alert(1)</script>', 'vertical'], model = tinyModel({ classes })
  const result = await fineTune(model, stripes({ classes }), { live: false, epochs: 1, frozenEpochs: 0, augment: false, learningRate: 1e-2 })
  await result.evaluate()
  const { markdown, html } = result.card()
  for (const part of ['## Data', '## Training', '## Figures', '## Limits', 'highest rate 0.01', 'Wh (estimated', '95 % interval', 'seed 0']) expect(markdown).toContain(part)
  expect(result.cpuSeconds).toBeGreaterThan(0)
  expect(html).toContain('<table>')
  expect(html).not.toContain('<script')
  const folder = join(mkdtempSync(join(tmpdir(), 'afinar-card-')), 'saved')
  await result.save(folder)
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe(markdown)
  expect(readFileSync(join(folder, 'card.html'), 'utf8')).toBe(html)
  model.dispose()
})
