/** @jest-environment ./tests/plots/environment.mjs */
// A sweep's trials as lines across their parameters: what the picture says, and what it refuses.
import { expect, test } from '@jest/globals'
import { parallelCoordinates, staticSVG, type Coordinate, type CoordinateTrial } from '../../lib/plots/index.js'
import { pictureOf } from './picture.js'

const dimensions: Coordinate[] = [{ name: 'learningRate', from: 1e-5, to: 0.1, log: true }, { name: 'batchSize', values: [8, 16, 32] }, { name: 'depth', from: 1, to: 6, integer: true }, { name: 'frozen', values: [true, false] }]
const trials = Array.from({ length: 20 }, (_, i): CoordinateTrial => ({ params: { learningRate: 10 ** (-5 + i / 5), batchSize: [8, 16, 32][i % 3]!, depth: 1 + i % 6, frozen: i % 2 === 0 }, value: 0.9 - (i - 12) ** 2 / 200, whole: i % 4 !== 1 }))

test('says its axes, its ticks and the best trial, in a small picture', async () => {
  const figure = parallelCoordinates(trials, { dimensions, goal: 'max' }), svg = await staticSVG(figure, 'trials')
  expect(svg.length).toBeLessThan(30_000)
  expect(svg).not.toMatch(/style=|<script|NaN|undefined|class=/)
  expect(pictureOf(svg)).toMatchSnapshot()
  expect((figure.layout['title'] as { subtitle: { text: string } }).subtitle.text).toBe('best: 0.900 with learningRate 0.0025, batchSize 8, depth 1, frozen true')
}, 60_000)

test('small may be good; one trial alone is a picture too; none is not', () => {
  const best = (goal: 'max' | 'min') => parallelCoordinates(trials, { dimensions, goal }).data.find(({ name }) => name === 'best') as { y: number[] }
  expect([best('max').y.at(-1), best('min').y.at(-1)]).toEqual([1, 0])
  expect(parallelCoordinates(trials.slice(0, 1), { dimensions, goal: 'max' }).data).toHaveLength(1)
  expect(() => parallelCoordinates([{ params: {}, value: NaN }], { dimensions, goal: 'max' })).toThrow('Cannot draw the trials: there must be at least one trial with a value and one parameter; got 0 and 4.')
})
