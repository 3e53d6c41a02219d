// A translator begun on an encoder: its weights are taken over, its head is left behind, the decoder is new and writes the target's tokens.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { trainTokenizer } from '../../lib/data/index.js'
import { addLoRA, buildModel, generate, loadModel } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { largestDifference, temporary } from './support.js'

beforeAll(engine)
const source = trainTokenizer(['one ant and two bees', 'a wasp is no bee'], { vocabularySize: 40 }), target = trainTokenizer(['uma formiga', 'duas abelhas'], { vocabularySize: 30 })
const config = { vocab_size: 40, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 24, max_position_embeddings: 20, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 }
const decoder = { hidden_size: 24, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32, max_position_embeddings: 18 }
const preprocessing = { kind: 'text' as const, tokenizer: source, maxLength: 16 }
const inputs = () => ({ input_ids: tf.tensor2d([[5, 6, 7, 2], [8, 9, 2, 0]], [2, 4], 'int32'), attention_mask: tf.tensor2d([[1, 1, 1, 1], [1, 1, 1, 0]], [2, 4], 'int32') })

test.each(['bert', 'roberta', 'distilbert'])('on %s, as this library saved it', async (family) => {
  const encoder = buildModel(family, { classes: ['a', 'b'], preprocessing, config: { ...config, ...(family === 'bert' ? {} : { type_vocab_size: 1 }) } }), folder = temporary()
  await encoder.save(folder)
  const model = await loadModel(folder, { task: 'sequence', target, config: { decoder } })
  expect(model).toMatchObject({ family: 'encoder-decoder', task: 'sequence', classes: [], headIsNew: true, source: folder, preprocessing: { kind: 'pair', source, target, decoderStart: 0, maxSourceLength: 16, maxTargetLength: 18 } })
  const given = inputs(), types = { token_type_ids: tf.zeros([2, 4], 'int32') }
  expect(largestDifference(model.features({ ...given, decoder_input_ids: tf.zeros([2, 1], 'int32') }), encoder.features({ ...given, ...types }))).toBeLessThan(1e-6)
  expect(model.groups().map(({ name }) => name)).toEqual(['embeddings', 'layer 1', 'layer 2', 'head'])
  const words = new Set((await generate(model, given, { maxLength: 6 })).flat())
  expect([...words].every((id) => id > 0 && id < Object.keys((target.tokenizer['model'] as { vocab: object }).vocab).length)).toBe(true)
  const again = temporary()
  await model.save(again)
  const loaded = await loadModel(again)
  expect(await generate(loaded, given, { maxLength: 6 })).toEqual(await generate(model, given, { maxLength: 6 }))
  for (const one of [encoder, model, loaded]) one.dispose()
})

test('on published files; what is missing or does not go together is said', async () => {
  const encoder = buildModel('bert', { task: 'embedding', preprocessing, config }), folder = temporary()
  await encoder.save(folder)
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, model_type: 'bert' }))
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(source.tokenizer))
  const model = await loadModel(folder, { task: 'sequence', target, config: { decoder } })
  expect(largestDifference(model.weights()['encoder.encoder.layer.1.output.dense.weight']!, encoder.weights()['encoder.layer.1.output.dense.weight']!)).toBe(0)
  await expect(loadModel(folder, { task: 'sequence' })).rejects.toThrow('Pass target')
  await expect(loadModel(folder, { task: 'sequence', target, classes: ['a', 'b'] })).rejects.toThrow('with classes')
  await expect(loadModel(folder, { task: 'sequence', target: { tokenizer: { model: { vocab: { a: 0 } } } } })).rejects.toThrow('do not end in a token of their own')
  await expect(loadModel(folder, { task: 'sequence', target, config: { decoder: { num_attention_heads: 7 } } })).rejects.toThrow('cannot be divided among 7')
  addLoRA(encoder, { rank: 2 })
  const adapted = temporary()
  await encoder.save(adapted)
  await expect(loadModel(adapted, { task: 'sequence', target })).rejects.toThrow('LoRA adapters that are not merged')
  for (const one of [model, encoder]) one.dispose()
})
