// The head that is computed: what features that few rows have may claim.
import { beforeAll, expect, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel } from '../../lib/models/index.js'
import { softmax } from '../../lib/train/index.js'
import { fitHead } from '../../lib/train/fit-head.js'
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
