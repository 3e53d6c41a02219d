// LoRA against peft: logits with adapters, every trained gradient, merging, and files in peft's format.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep } from '../../lib/engine/index.js'
import { addLoRA, buildModel, loadAdapter, loadModel, mergeLoRA, saveAdapter, unmergeLoRA, type Model } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { fixture, largestDifference, safetensors, savedFolder, temporary, tensor, type Stored } from './support.js'

beforeAll(engine)
const config = { vocab_size: 99, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64, max_position_embeddings: 40, type_vocab_size: 2, hidden_act: 'gelu', layer_norm_eps: 1e-12, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, pooling: 'mean' }
const preprocessing = { kind: 'text' as const, tokenizer: { tokenizer: {} }, maxLength: 38 }
const stored = () => fixture('lora_bert')
const within = 'param/base_model.model.'

/** The base model of the fixture. */
async function base(all: Record<string, Stored>): Promise<Model> {
  const weights = Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith(within) && !/lora_|modules_to_save/.test(key))
    .map(([key, value]) => [key.slice(within.length).replace('.base_layer', '').replace('.original_module', '').replace(/^encoder\./, ''), value]))
  return loadModel(savedFolder(weights, config, { family: 'bert', classes: ['a', 'b', 'c'] }, preprocessing))
}

/** peft's folder for the fixture's adapter, under the names that peft writes. */
function peftFolder(all: Record<string, Stored>, change: Record<string, unknown> = {}): string {
  const folder = temporary()
  const weights = Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith(within) && /lora_|modules_to_save/.test(key))
    .map(([key, value]) => [`base_model.model.${key.slice(within.length).replace('.default', '').replace('.modules_to_save', '').replace(/^encoder\./, '')}`, value]))
  writeFileSync(join(folder, 'adapter_model.safetensors'), safetensors(weights))
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify({ peft_type: 'LORA', r: 4, lora_alpha: 8, target_modules: ['query', 'value'], modules_to_save: ['head'], bias: 'none', ...change }))
  return folder
}
const inputsOf = (all: Record<string, Stored>) => Object.fromEntries(['input_ids', 'attention_mask', 'token_type_ids'].map((name) => [name, tensor(all[`input/${name}`]!, 'int32')]))

test('peft’s adapter gives peft’s logits and gradients, merged or not', async () => {
  const all = stored(), inputs = inputsOf(all), model = await base(all)
  expect(largestDifference(model.forward(inputs, { training: false }), tensor(all['output/logits_base']!))).toBeLessThan(2e-5)
  await loadAdapter(model, peftFolder(all))
  const labels = tf.oneHot(tensor(all['input/labels']!, 'int32') as tf.Tensor1D, 3)
  const { grads } = tf.variableGrads(() => tf.losses.softmaxCrossEntropy(labels, model.forward(inputs, { training: true })).asScalar() as tf.Scalar, model.trainable)
  expect(largestDifference(model.forward(inputs, { training: false }), tensor(all['output/logits']!))).toBeLessThan(2e-5)
  const gradients = Object.keys(all).filter((key) => key.startsWith('grad/'))
  expect(model.trainable.length).toBe(gradients.length)
  for (const variable of model.trainable) {
    const name = model.nameOf(variable)
    const key = name.startsWith('head.') ? `grad/base_model.model.${name.replace('head.', 'head.modules_to_save.default.')}` : `grad/base_model.model.encoder.${name.replace(/\.weight$/, '.default.weight')}`
    const expected = tensor(all[key]!)
    expect([name, largestDifference(grads[variable.name]!, variable.shape.length === 2 ? expected.transpose() : expected) < 5e-5]).toEqual([name, true])
  }
  mergeLoRA(model, { keep: true })
  expect(largestDifference(model.forward(inputs, { training: false }), tensor(all['output/logits_merged']!))).toBeLessThan(2e-5)
  unmergeLoRA(model)
  expect(largestDifference(model.forward(inputs, { training: false }), tensor(all['output/logits']!))).toBeLessThan(2e-5)
  mergeLoRA(model)
  expect(largestDifference(model.forward(inputs, { training: false }), tensor(all['output/logits_merged']!))).toBeLessThan(2e-5)
  expect(model.trainable.length).toBe(model.groups().reduce((n, { variables }) => n + variables.length, 0))
  expect(model.trainable.length).toBeGreaterThan(30)
  model.dispose()
})

test('only adapters and head train, in a recorded step, and come back from a saved folder to the bit', async () => {
  const all = stored(), inputs = inputsOf(all), model = await base(all)
  const before = Object.fromEntries(Object.entries(model.weights()).map(([name, v]) => [name, [...v.dataSync()]]))
  const first = model.forward(inputs, { training: false })
  addLoRA(model, { rank: 2 })
  expect(largestDifference(model.forward(inputs, { training: false }), first)).toBe(0) // the second matrix is zero
  expect(model.summary()).toMatchObject({ parameters: 21763 + 4 * 2 * 64, trainable: 4 * 2 * 64 + 99 })
  expect(model.groups().map(({ name }) => name)).toEqual(['layer 1', 'layer 2', 'head'])
  const labels = tf.oneHot(tensor(all['input/labels']!, 'int32') as tf.Tensor1D, 3).toFloat()
  const step = recordTrainStep({
    loss: ({ labels, ...tokens }, context) => ({ loss: tf.losses.softmaxCrossEntropy(labels!, model.forward(tokens, context)) as tf.Scalar }),
    groups: [{ name: 'all', variables: model.trainable }], optimizer: { name: 'adamw' },
  })
  const losses = Array.from({ length: 8 }, (_, i) => step.run({ ...inputs, labels }, { learningRate: 0.02, step: i + 1 }).loss)
  expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.7)
  for (const [name, v] of Object.entries(model.weights())) if (before[name] && !name.startsWith('head')) expect([...v.dataSync()]).toEqual(before[name])
  const folder = temporary()
  await model.save(folder)
  expect(readdirSync(folder).sort()).toEqual(['README.md', 'adapter', 'config.json', 'model.safetensors', 'modeling_pooled.py', 'preprocessing.json', 'sentence_bert_config.json', 'tokenizer.json', 'tokenizer_config.json'])
  const again = await loadModel(folder)
  expect(largestDifference(again.forward(inputs, { training: false }), model.forward(inputs, { training: false }))).toBe(0)
  expect(again.trainable.length).toBe(model.trainable.length)
  const small = temporary(), other = await base(all)
  await saveAdapter(model, small)
  expect(JSON.parse(readFileSync(join(small, 'adapter_config.json'), 'utf8'))).toMatchObject({ peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['query', 'value'], modules_to_save: ['head'] })
  await loadAdapter(other, small)
  expect(largestDifference(other.forward(inputs, { training: false }), model.forward(inputs, { training: false }))).toBe(0)
  step.dispose()
  for (const one of [model, again, other]) one.dispose()
})

test('what does not fit is refused, and leaves the model as it was', async () => {
  const all = stored(), model = await base(all), inputs = inputsOf(all), first = model.forward(inputs, { training: false })
  expect(() => addLoRA(model, { rank: 0 })).toThrow('rank 0')
  expect(() => addLoRA(model, { alpha: NaN })).toThrow('alpha NaN')
  expect(() => addLoRA(model, { targets: ['qkv'] })).toThrow(/Cannot add LoRA to qkv: bert has no such dense layers. It has attention.self.query/)
  expect(() => mergeLoRA(model)).toThrow('it has no adapters')
  expect(() => unmergeLoRA(model)).toThrow('nothing is merged')
  await expect(saveAdapter(model, temporary())).rejects.toThrow('it has none')
  await expect(loadAdapter(model, temporary())).rejects.toThrow('cannot be read')
  await expect(loadAdapter(model, peftFolder(all, { peft_type: 'IA3' }))).rejects.toThrow('only plain LoRA')
  await expect(loadAdapter(model, peftFolder(all, { r: 8 }))).rejects.toThrow('has shape [4, 32] and the model needs [8, 32]')
  await expect(loadAdapter(model, peftFolder(all, { target_modules: ['query', 'key'] }))).rejects.toThrow('is missing')
  expect(largestDifference(model.forward(inputs, { training: false }), first)).toBe(0)
  addLoRA(model)
  expect(() => addLoRA(model)).toThrow('has adapters of rank 8 already')
  const cnn = buildModel('small-cnn', { classes: ['a', 'b'], imageSize: 32 })
  expect(() => addLoRA(cnn)).toThrow('none that LoRA can go on')
  for (const one of [model, cnn]) one.dispose()
})
