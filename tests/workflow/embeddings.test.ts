// Encoders that learn which texts belong together, and freezing by pattern through fineTune.
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { pairs, texts, trainTokenizer } from '../../lib/data/index.js'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel } from '../../lib/models/index.js'
import { fineTune } from '../../lib/workflow/index.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })

test('questions find their answers after contrastive training; frozen layers stay', async () => {
  const things = ['cat', 'dog', 'sun', 'moon', 'tree', 'lake', 'road', 'ship', 'bread', 'milk', 'stone', 'wind'], languages = things.map((_, i) => `w${String.fromCharCode(97 + i)}x`)
  const rows = Array.from({ length: 240 }, (_, i) => { const [a, b] = [i % 12, (i * 7 + Math.floor(i / 12)) % 12]; return { source: `${things[a]} ${things[b]}`, target: `${languages[a]} and ${languages[b]}`, split: i % 6 === 0 ? 'validation' : 'train' } })
  const data = pairs.fromRows(rows, { split: 'split' }), tokenizer = trainTokenizer(rows.flatMap(({ source, target }) => [source, target]), { vocabularySize: 120 })
  const model = buildModel('bert', { task: 'embedding', preprocessing: { kind: 'text', tokenizer, maxLength: 16 }, config: { vocab_size: 120, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 48, max_position_embeddings: 20 } })
  const kept = tf.tidy(() => model.weights()['encoder.layer.0.output.dense.weight']!.clone())
  const result = await fineTune(model, data, { live: false, epochs: 12, batchSize: 20, learningRate: 5e-3, freeze: /^layer 1$/, metric: 'accuracy', patience: false })
  expect(result.history[0]!.validation!['accuracy']).toBeLessThan(0.5)
  expect(result.best.value).toBeGreaterThan(0.8)
  expect(tf.tidy(() => tf.max(tf.abs(tf.sub(model.weights()['encoder.layer.0.output.dense.weight']!, kept))).dataSync()[0])).toBe(0)
  kept.dispose()
  const labelled = texts.fromRows(Array.from({ length: 20 }, (_, i) => ({ text: `text ${i}`, label: i % 2 ? 'a' : 'b' })))
  expect(() => fineTune(model, labelled, { live: false })).toThrow('learns from pairs that belong together')
  model.dispose()
})
