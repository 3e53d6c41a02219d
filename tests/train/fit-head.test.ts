// The head that is computed: what features that few rows have may claim.
import { beforeAll, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel } from '../../lib/models/index.js'
import { softmax } from '../../lib/train/index.js'
import { fitHead } from '../../lib/train/fit-head.js'
import { fitRidge } from '../../lib/train/ridge.js'
import type { Source } from '../../lib/train/sources.js'

beforeAll(() => { startEngine() })

test('a feature that one training row has cannot outvote all others on a row that has much of it', async () => {
  const model = buildModel('small-cnn', { classes: ['a', 'b'], imageSize: 32 }), [kernel, bias] = model.groups().find(({ name }) => name === 'head')!.variables as unknown as [{ shape: number[]; arraySync(): number[][] }, { arraySync(): number[] }]
  const width = kernel.shape[0]!, rows = 40
  let state = 3
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647 - 0.5
  const labels = Int32Array.from({ length: rows }, (_, row) => row % 2), features = Float32Array.from({ length: rows * width }, () => random())
  for (let row = 0; row < rows; row++) {
    features[row * width] = (labels[row] === 0 ? -1 : 1) + random()
    features[row * width + 1] = row === 0 ? 0.05 : 0 // of class a
  }
  const source: Source = { rows, stored: { features, labels, weights: new Float32Array(rows).fill(1) }, batches: () => { throw new Error('not used') } }
  await fitHead(model, source, undefined, () => false)
  const one = [...features.slice(width, 2 * width)], w = kernel.arraySync(), b = bias.arraySync() // of class b
  one[1] = 1
  expect(softmax(b.map((value, c) => value + one.reduce((sum, x, j) => sum + x * w[j]![c]!, 0)))[1]).toBeGreaterThan(0.5)
  model.dispose()
})

test('ridge regression equals scikit-learn\'s, from zero and from another answer', () => {
  const { features, numbers, weights } = (JSON.parse(readFileSync('tests/fixtures/labels.json', 'utf8')) as { ridge: { features: number[][]; numbers: number[]; weights: Record<string, number[]> } }).ridge
  const rows = { data: Float64Array.from(features.flat()), rows: numbers.length, columns: features[0]!.length, labels: numbers, counts: numbers.map(() => 1) }
  let before: Float64Array | undefined
  for (const [strength, wanted] of Object.entries(weights)) {
    for (const start of [undefined, before]) expect(Array.from(fitRidge(rows, Number(strength), start))).toEqual(wanted.map((value) => expect.closeTo(value, 6)))
    before = fitRidge(rows, Number(strength))
  }
})

test.each(['multi-label', 'regression'] as const)('a head for %s is computed on features: each output its own answer', async (task) => {
  const names = task === 'regression' ? ['age'] : ['odd', 'late', 'never'], rows = 60
  const model = buildModel('small-cnn', { classes: names, task, imageSize: 32 }), [kernel, bias] = model.groups().find(({ name }) => name === 'head')!.variables as unknown as [{ shape: number[]; arraySync(): number[][] }, { arraySync(): number[] }]
  const width = kernel.shape[0]!, features = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i * i))
  for (let row = 0; row < rows; row++) { features[row * width] = row % 2; features[row * width + 1] = row < 30 ? 0 : 1 }
  const labels = Float32Array.from(Array.from({ length: rows }, (_, row) => task === 'regression' ? [50 + 20 * (row % 2)] : [row % 2, row < 30 ? 0 : 1, 0]).flat())
  const source: Source = { rows, stored: { features, labels, weights: new Float32Array(rows).fill(1) }, batches: () => { throw new Error('not used') } }
  await fitHead(model, source, undefined, () => false)
  const w = kernel.arraySync(), b = bias.arraySync(), outputs = (row: number) => b.map((value, c) => value + w.reduce((sum, slopes, j) => sum + slopes[c]! * features[row * width + j]!, 0))
  for (let row = 0; row < rows; row++) {
    if (task === 'regression') expect(Math.abs(outputs(row)[0]! - labels[row]!)).toBeLessThan(3)
    else expect(outputs(row).map((logit) => logit > 0 ? 1 : 0)).toEqual([...labels.subarray(row * 3, row * 3 + 3)])
  }
  model.dispose()
})
