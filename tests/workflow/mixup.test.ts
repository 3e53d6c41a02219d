// Mixup through fineTune: what a step reports is the loss computed by hand from the mixed rows.
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { disposeBatch } from '../../lib/data/index.js'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel } from '../../lib/models/index.js'
import { fineTune } from '../../lib/workflow/index.js'
import { stripes } from './support/stripes.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })

test('the loss is share · loss(own label) + (1 − share) · loss(other label), with smoothing, weighted by rows', async () => {
  const data = stripes({ train: 40 }), model = buildModel('small-cnn', { classes: data.classes, imageSize: 16, seed: 2, config: { channels: [8, 16], dropout: 0 } })
  const augment = { mixup: 0.4 }, seed = 5, smoothing = 0.1, expected: number[] = []
  model.batchNormStatistics = 'frozen'
  // Rate 0 in effect: the weights stay, and every step's loss can be computed from the first weights.
  for await (const batch of data.train.batches({ batchSize: 16, preprocessing: model.preprocessing, shuffle: { seed, epoch: 1 }, augment: { seed, ...augment } })) {
    const logP = tf.tidy(() => tf.logSoftmax(model.forward(batch.inputs, { training: false })).arraySync()) as number[][]
    const own = batch.labels.dataSync(), other = batch.mixed!.labels.dataSync(), share = batch.mixed!.share.dataSync(), weights = batch.weights.dataSync()
    const loss = (row: number, label: number) => -((1 - smoothing) * logP[row]![label]! + smoothing / 2 * (logP[row]![0]! + logP[row]![1]!))
    let sum = 0, total = 0
    for (let row = 0; row < weights.length; row++) { sum += weights[row]! * (share[row]! * loss(row, own[row]!) + (1 - share[row]!) * loss(row, other[row]!)); total += weights[row]! }
    expected.push(sum / total)
    expect([...share].some((value) => value > 0.02 && value < 0.98)).toBe(true)
    disposeBatch(batch)
  }
  const run = fineTune(model, data, { live: false, epochs: 1, frozenEpochs: 0, batchSize: 16, learningRate: 1e-12, weightDecay: 0, augment, labelSmoothing: smoothing, batchNorm: 'frozen', seed, patience: false })
  await run
  const losses = run.events.filter((event) => event.type === 'step').map(({ loss }) => loss)
  expect(losses).toHaveLength(3) // the last has 8 rows and 8 of padding
  losses.forEach((loss, i) => expect(loss).toBeCloseTo(expected[i]!, 4))
  model.dispose()
})
