// Texts of very different lengths: what validation says during training is what evaluation says after it.
import { beforeAll, expect, jest, test } from '@jest/globals'
import { texts, trainTokenizer } from '../../lib/data/index.js'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel } from '../../lib/models/index.js'
import { fineTune, predict } from '../../lib/workflow/index.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })

test('short and long texts in one validation part', async () => {
  const words = ['good', 'fine', 'bad', 'dull', 'film', 'story']
  const text = (i: number) => Array.from({ length: i % 7 > 3 ? 40 : 3 }, (_, k) => words[(i * 5 + k * k + (i % 2) * 2) % 6]!).join(' ')
  const data = texts.fromRows(Array.from({ length: 96 }, (_, i) => ({ text: `${text(i)} ${i}`, label: i % 2 ? 'bad' : 'good', split: i % 3 === 2 ? 'validation' : 'train' })))
  const tokenizer = trainTokenizer(data.train.rows.map((row) => row.text), { vocabularySize: 60 })
  const model = buildModel('bert', { classes: data.classes, preprocessing: { kind: 'text', tokenizer, maxLength: 96 }, config: { vocab_size: 60, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32, max_position_embeddings: 100 } })
  expect(new Set(await widths())).toEqual(new Set([8, 48]))
  const result = await fineTune(model, data, { live: false, epochs: 2, batchSize: 2, learningRate: 1e-3 })
  const best = result.history.find(({ epoch }) => epoch === result.best.epoch)!
  expect((await result.evaluate('validation')).logLoss).toBeCloseTo(best.validation!['loss']!, 5)
  // Batches gather like lengths, and what comes out stands in the order of the rows.
  const one = await Promise.all(data.validation!.rows.slice(0, 6).map(async ({ text }) => (await predict(model, [text]))[0]!.probabilities))
  const all = await predict(model, data.validation!.rows.map(({ text }) => text), { batchSize: 4 })
  one.forEach((probabilities, row) => { for (const [name, value] of Object.entries(probabilities!)) expect(all[row]!.probabilities![name]).toBeCloseTo(value, 5) })
  // The same row twice in a part is two rows.
  const twice = data.validation!.take([5, 0, 5, 3])
  const found = (await predict(model, twice, { batchSize: 2 })).map(({ row, probabilities }) => [row, probabilities!['good']])
  found.forEach(([row, good], place) => { expect(row).toBe(place); expect(good).toBeCloseTo(one[[5, 0, 5, 3][place]!]!['good']!, 5) })
  model.dispose()

  async function widths(): Promise<number[]> {
    const seen = []
    for await (const batch of data.validation!.batches({ batchSize: 2, preprocessing: model.preprocessing })) seen.push(batch.inputs['input_ids']!.shape[1]!)
    return seen
  }
})
