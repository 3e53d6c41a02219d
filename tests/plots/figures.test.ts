/** @jest-environment ./tests/plots/environment.mjs */
// Every figure, drawn: what it says is held by snapshots of its texts, marks and colours; bad records are refused in one sentence.
import { expect, test } from '@jest/globals'
import * as plots from '../../lib/plots/index.js'
import { course } from './course.js'
import { parseSVG, pictureOf } from './picture.js'

const rates = Array.from({ length: 60 }, (_, i) => 1e-7 * 10 ** (i / 8)), losses = rates.map((rate) => 1.1 - 0.8 / (1 + 3e-4 / rate) + rate ** 2)
const figures: Record<string, () => plots.Figure> = {
  'training that overfits': () => plots.trainingCurves(course()),
  'training with learning rate and gradient norm': () => plots.trainingCurves(course({ overfits: false }), { learningRate: true, gradNorm: true }),
  'training in its first epoch': () => plots.trainingCurves(course({ until: 0.5 })),
  'learning-rate finder': () => plots.learningRateCurve({ rates, losses, suggestion: 1e-3, valley: 1e-3, steep: 3e-4, minimum: 1e-2, slide: 2e-2 }),
  'confusion matrix': () => plots.confusionMatrix({ classes: ['animal', 'food', 'place'], counts: [[40, 3, 1], [5, 33, 9], [0, 2, 38]] }),
  'class balance': () => plots.classBalance({ classes: ['ant', 'bee'], splits: { train: [123, 121], validation: [70, 83] } }),
  'rows by size': () => plots.sizeHistogram({ measure: 'seconds', from: 0.2, to: 1.1, counts: [3, 8, 12, 4, 1], median: 0.6, largest: 2.4 }),
  'comparison with intervals': () => plots.barComparison([{ name: 'fine-tuned', value: 0.83, interval: [0.79, 0.87] }, { name: 'from scratch', value: 0.69 }], { metric: 'accuracy', baseline: { value: 0.33, name: 'chance' }, highlight: 'fine-tuned' }),
  reliability: () => plots.reliability({ bins: [{ confidence: 0.55, accuracy: 0.5, count: 10 }, { confidence: 0.93, accuracy: 0.8, count: 90 }], ece: 0.12 }),
  'ROC curve': () => plots.rocCurve({ falsePositiveRate: [0, 0.1, 1], truePositiveRate: [0, 0.9, 1], auc: 0.9 }),
  'precision and recall': () => plots.precisionRecall({ recall: [0, 0.5, 1], precision: [1, 0.9, 0.4], averagePrecision: 0.8 }, { prevalence: 0.4 }),
  ranking: () => plots.rankingPlot([{ name: 'pypi:small', score: 0.3, seconds: 3 }, { name: 'pypi:large', score: 0.7, parameters: 3.4e6 }]),
  'learning curve': () => plots.learningCurvePlot({ metric: 'accuracy', points: [{ rows: 50, value: 0.7, interval: [0.65, 0.75] }, { rows: 100, value: 0.78, interval: [0.75, 0.8] }], forecast: [{ rows: 400, value: 0.85 }] }),
}

for (const [name, make] of Object.entries(figures)) {
  test(`${name}: says what it should, in a small picture`, async () => {
    const figure = make()
    const svg = await plots.staticSVG(figure, name)
    expect(svg.length).toBeLessThan(30_000)
    expect(svg).not.toMatch(/style=|<script|NaN|undefined|class=/)
    expect(pictureOf(svg)).toMatchSnapshot()
  }, 60_000)
}

test('the same figure gives the same picture, and another one has clips of other names', async () => {
  const draw = (value: number) => plots.staticSVG(plots.makeFigure([{ type: 'scatter', y: [1, value] }], {}, 'a line'))
  const [one, again, other] = [await draw(2), await draw(2), await draw(3.7)]
  expect(again).toBe(one)
  const ids = (svg: string) => [...svg.matchAll(/id="([^"]+)"/g)].map(([, id]) => id)
  expect(ids(one).length).toBeGreaterThan(0)
  expect(ids(other).some((id) => ids(one).includes(id))).toBe(false)
})

test('every clip that is used is there, and the title is for screen readers', async () => {
  const document = parseSVG(await plots.staticSVG(figures['training that overfits']!(), 'A < B & C'))
  const ids = new Set([...document.querySelectorAll('[id]')].map(({ id }) => id))
  const used = [...document.querySelectorAll('[clip-path]')].map((element) => element.getAttribute('clip-path')!.slice(5, -1))
  expect(used.length).toBeGreaterThan(0)
  expect(used.filter((id) => !ids.has(id))).toEqual([])
  expect(document.querySelector('title')!.textContent).toBe('A < B & C')
})

test('a figure is plain JSON and displays itself with a picture, but without HTML that GitHub would prefer', async () => {
  const figure = figures.ranking!()
  expect(JSON.parse(JSON.stringify(figure))).toEqual({ ...figure })
  const bundle = await (figure as unknown as Record<symbol, () => Promise<plots.MimeBundle>>)[Symbol.for('Jupyter.display')]!()
  expect(Object.keys(bundle)).toEqual(['application/vnd.plotly.v1+json', 'image/svg+xml', 'text/plain'])
  expect(bundle['text/plain']).toBe('Models, best first: large 0.700, small 0.300')
})

test('typed arrays, and figures that are not ours, are drawn too', async () => {
  const svg = await plots.staticSVG({ data: [{ type: 'bar', x: ['a', 'b'], y: new Float32Array([1, 2]) }], layout: { title: { text: 'Mine' } } })
  expect(pictureOf(svg).texts).toEqual(expect.arrayContaining(['a', 'b', 'Mine']))
})

test.each([
  ['lists of different length', () => plots.learningRateCurve({ rates: [1, 2], losses: [1], suggestion: 1 }), 'Cannot draw the learning-rate curve: rates and losses must have the same length, at least 1; got rates 2, losses 1.'],
  ['a rate of zero', () => plots.learningRateCurve({ rates: [0, 1], losses: [1, 1], suggestion: 1 }), 'every rate must be above 0 on a logarithmic axis; rate 1 is 0'],
  ['a matrix that is not square', () => plots.confusionMatrix({ classes: ['a', 'b'], counts: [[1, 2]] }), 'counts must be 2 × 2, one row and one column for each class; got 1 × 2'],
  ['a histogram of nothing', () => plots.sizeHistogram({ measure: 'seconds', from: 1, to: 0, counts: [] }), 'Cannot draw the histogram of "seconds": it needs counts and a range'],
  ['a split that forgets a class', () => plots.classBalance({ classes: ['a', 'b'], splits: { train: [1] } }), 'split "train" must count each of the 2 classes; it has 1 counts'],
  ['nothing to compare', () => plots.barComparison([]), 'there must be at least one row'],
  ['no curve', () => plots.rocCurve([]), 'there must be at least one curve; got none'],
  ['rows below one', () => plots.learningCurvePlot({ metric: 'f1', points: [{ rows: 0, value: 1 }] }), 'each with rows above 0; got rows 0'],
])('refuses %s', (_, draw, message) => {
  expect(draw).toThrow(message)
})
