// Adapting any family: freezing by depth and pattern, LoRA as peft does it on an encoder–decoder, heads for tokens and embeddings, tables of other sizes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { addLoRA, generate, loadAdapter, loadModel, mergeLoRA, resizeEmbeddings, saveAdapter, unmergeLoRA } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { fixture, fromTorch, largestDifference, parameters, safetensors, savedFolder, temporary, tensor } from './support.js'
import { seq2seqConfigs, seq2seqPreprocessing } from './seq2seq.js'
import { inputsOf, tinyModel } from './tiny.js'

beforeAll(engine)

test('groups freeze by name, by pattern and by depth', () => {
  const model = tinyModel('marian'), names = model.groups().map(({ name }) => name)
  expect(names).toEqual(['embeddings', 'encoder layer 1', 'encoder layer 2', 'decoder layer 1', 'decoder layer 2'])
  const t5 = tinyModel('t5')
  expect(t5.groups().map(({ name }) => name)).toEqual(['embeddings', 'encoder layer 1', 'encoder layer 2', 'encoder norm', 'decoder layer 1', 'decoder layer 2', 'decoder norm'])
  t5.dispose()
  const frozen = (what: Parameters<typeof model.freeze>[0]) => { model.freeze(what); return [...model.frozen].sort() }
  expect(frozen(['encoder *'])).toEqual(['encoder layer 1', 'encoder layer 2'])
  expect(frozen(['*layer 2', 'embeddings'])).toEqual(['decoder layer 2', 'embeddings', 'encoder layer 2'])
  expect(frozen(/coder layer 1$/g)).toEqual(['decoder layer 1', 'encoder layer 1'])
  expect(frozen(2)).toEqual(['embeddings', 'encoder layer 1'])
  expect(frozen(0)).toEqual([])
  model.freeze(['decoder*'])
  expect(model.trainable.some((variable) => model.nameOf(variable).includes('decoder'))).toBe(false)
  expect(model.summary().groups.find(({ name }) => name === 'decoder layer 1')).toMatchObject({ trainable: 0 })
  expect(() => model.freeze(['layer 1'])).toThrow('the layer groups of marian are')
  expect(() => model.freeze(/nothing/)).toThrow('it matches nothing')
  expect(() => model.freeze(9)).toThrow('Give a whole number from 0 to 5')
  expect(() => model.freeze(undefined as never)).toThrow('Cannot freeze undefined')
  model.dispose()
})

test('LoRA on an encoder–decoder gives peft’s scores and gradients, writes as before when merged, and goes through peft’s files', async () => {
  const stored = fixture('marian_seq2seq'), judged = fixture('lora_marian')
  const base = () => loadModel(savedFolder(parameters(stored, (n) => n), seq2seqConfigs.marian, { family: 'marian', task: 'sequence', classes: [] }, seq2seqPreprocessing))
  const folder = temporary()
  writeFileSync(join(folder, 'adapter_model.safetensors'), safetensors(parameters(judged, (n) => n)))
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify({ peft_type: 'LORA', r: 3, lora_alpha: 6, target_modules: ['q_proj', 'v_proj'], bias: 'none' }))
  const model = await base()
  await loadAdapter(model, folder)
  const labels = stored['input/labels']!, width = labels.shape[1]!
  const shifted = Int32Array.from(labels.data, (_, at) => at % width === 0 || labels.data[at - 1]! < 0 ? 23 : labels.data[at - 1]!)
  const inputs = { input_ids: tensor(stored['input/input_ids']!, 'int32'), attention_mask: tensor(stored['input/attention_mask']!, 'int32'), decoder_input_ids: tf.tensor2d(shifted, labels.shape as [number, number], 'int32') }
  let scores: tf.Tensor | undefined
  const { grads } = tf.variableGrads(() => {
    scores = tf.keep(model.forward(inputs, { training: true }))
    const ids = tensor(labels, 'int32'), counts = tf.cast(tf.greaterEqual(ids, tf.scalar(0, 'int32')), 'float32')
    const chosen = tf.sum(tf.mul(tf.logSoftmax(scores), tf.oneHot(ids as tf.Tensor2D, 24, 1, 0, 'float32')), -1)
    return tf.neg(tf.div(tf.sum(tf.mul(chosen, counts)), tf.sum(counts))) as tf.Scalar
  }, model.trainable)
  expect(largestDifference(scores!, tensor(judged['output/logits']!))).toBeLessThan(1e-4)
  const differences = model.trainable.map((variable) => [model.nameOf(variable), largestDifference(grads[variable.name]!, fromTorch(judged[`grad/base_model.model.${model.nameOf(variable)}`]!, variable.shape))] as const)
  expect(differences.filter(([, difference]) => !(difference < 1e-4))).toEqual([])
  expect(differences.length).toBe(Object.keys(judged).filter((key) => key.startsWith('grad/')).length)

  // What is written follows the adapters, also when they come and go.
  const source = { input_ids: inputs.input_ids, attention_mask: inputs.attention_mask }
  const adapted = await generate(model, source, { maxLength: 8 })
  mergeLoRA(model, { keep: true })
  expect(await generate(model, source, { maxLength: 8 })).toEqual(adapted)
  unmergeLoRA(model)
  expect(await generate(model, source, { maxLength: 8 })).toEqual(adapted)
  const plain = await base()
  expect(await generate(plain, source, { maxLength: 8 })).not.toEqual(adapted)
  const again = temporary()
  mkdirSync(join(again, 'adapter'))
  await saveAdapter(model, join(again, 'adapter'))
  expect(JSON.parse(readFileSync(join(again, 'adapter', 'adapter_config.json'), 'utf8'))).toMatchObject({ r: 3, lora_alpha: 6, target_modules: ['q_proj', 'v_proj'], modules_to_save: null })
  await loadAdapter(plain, join(again, 'adapter'))
  // merging and taking out again leaves rounding
  expect(largestDifference(plain.forward(inputs, { training: false }), model.forward(inputs, { training: false }))).toBeLessThan(1e-4)
  for (const one of [model, plain]) one.dispose()
})

test.each(['bert', 'distilbert', 'vit', 'marian', 't5', 'encoder-decoder', 'wav2vec2'])('%s: LoRA on queries and values, or on every dense layer, changes nothing at first', (family) => {
  for (const targets of [undefined, 'all'] as const) {
    const model = tinyModel(family), inputs = inputsOf(model), before = tf.tidy(() => model.forward(inputs, { training: false }).clone()), all = model.trainable.length
    addLoRA(model, { rank: 2, ...(targets && { targets }) })
    expect(largestDifference(model.forward(inputs, { training: false }), before)).toBe(0)
    expect(model.trainable.every((variable) => /\.lora_[AB]\.weight$/.test(model.nameOf(variable)) || /^(head|lm_head|decoder\.)/.test(model.nameOf(variable)))).toBe(true)
    mergeLoRA(model)
    expect(model.trainable.length).toBe(all)
    model.dispose()
  }
})

test('a head for every token, and vectors without a head', () => {
  const tokens = tinyModel('bert', { task: 'token' }), inputs = inputsOf(tokens)
  expect(tokens.forward(inputs, { training: false }).shape).toEqual([2, 7, 3])
  expect(tokens.features(inputs).shape).toEqual([2, 16])
  const vectors = tinyModel('bert', { task: 'embedding', classes: [] })
  expect(largestDifference(vectors.forward(inputs, { training: false }).square().sum(1), tf.ones([2]))).toBeLessThan(1e-5)
  for (const model of [tokens, vectors]) model.dispose()
})

test.each([['bert', 'embeddings.word_embeddings.weight', 'embeddings.position_embeddings.weight'], ['marian', 'model.shared.weight', undefined], ['t5', 'shared.weight', undefined], ['encoder-decoder', 'decoder.embeddings.word_embeddings.weight', 'decoder.embeddings.position_embeddings.weight']])('%s: tables grow and shrink, what was known stays', (family, words, positions) => {
  const model = tinyModel(family), inputs = inputsOf(model), before = tf.tidy(() => model.forward(inputs, { training: false }).clone())
  const table = model.weights()[words]!, rows = table.shape[0]!
  const grown = resizeEmbeddings(model, { tokens: rows + 5, ...(positions && { positions: 33 }) })
  const after = grown.forward(inputs, { training: false })
  expect(largestDifference(family === 'bert' ? after : tf.slice(after, [0, 0, 0], before.shape as [number, number, number]), before)).toBeLessThan(1e-6)
  expect(largestDifference(tf.slice(grown.weights()[words]!, [rows + 4, 0], [1, -1]).reshape([-1]), table.mean(0))).toBeLessThan(1e-6)
  if (positions) {
    expect(grown.weights()[positions]!.shape[0]).toBe(33)
    expect(largestDifference(tf.slice(grown.weights()[positions]!, [20, 0], [13, -1]), tf.slice(model.weights()[positions]!, [0, 0], [13, -1]))).toBe(0)
  }
  const back = resizeEmbeddings(grown, { tokens: rows })
  expect(largestDifference(back.forward(inputs, { training: false }), before)).toBeLessThan(1e-6)
  expect(() => resizeEmbeddings(model, { users: 3 })).toThrow('no table of users')
  expect(() => resizeEmbeddings(model, { tokens: 0 })).toThrow('must be a positive whole number')
  for (const one of [model, grown, back]) one.dispose()
})

test('ViT on larger and smaller images equals transformers’ interpolated positions', async () => {
  const stored = fixture('vit'), judged = fixture('vit_larger')
  const published = (name: string) => name.replace(/^vit\.layers\./, 'vit.encoder.layer.').replace('.attention.q_proj.', '.attention.attention.query.').replace('.attention.k_proj.', '.attention.attention.key.')
    .replace('.attention.v_proj.', '.attention.attention.value.').replace('.attention.o_proj.', '.attention.output.dense.').replace('.mlp.fc1.', '.intermediate.dense.').replace('.mlp.fc2.', '.output.dense.')
  const config = { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64, image_size: 16, patch_size: 4 }
  const model = await loadModel(savedFolder(parameters(stored, published), config, { family: 'vit', classes: ['a', 'b', 'c'] }, { kind: 'image', height: 16, width: 16, channels: 3, scale: { mean: [0, 0, 0], std: [1, 1, 1] } }))
  for (const [size, input, output] of [[32, 'pixel_values', 'logits'], [12, 'small', 'small_logits']] as const) {
    const resized = resizeEmbeddings(model, { imageSize: size })
    expect(resized.preprocessing).toMatchObject({ height: size, width: size })
    const images = tensor(judged[`input/${input}`]!).transpose([0, 2, 3, 1])
    expect(largestDifference(resized.forward({ images }, { training: false }), tensor(judged[`output/${output}`]!))).toBeLessThan(2e-5)
    resized.dispose()
  }
  expect(() => resizeEmbeddings(model, { imageSize: 18 })).toThrow('a multiple of 4')
  expect(() => resizeEmbeddings(model, { tokens: 5 })).toThrow('no table of tokens')
  model.dispose()
})
