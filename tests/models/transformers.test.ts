// Saved folders are loaded by Python's transformers and peft, really run: equal logits. Where there is no such Python the test says so by its name.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { tokenizerOf } from '../../lib/data/index.js'
import { addLoRA, buildModel, loadModel, type Model } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { bertTokenizer, shaken, temporary } from './support.js'
import { python, torchPython } from './python-peers.js'

const executable = torchPython()
const withPython = executable ? test : test.skip
beforeAll(engine)

const config = { vocab_size: 40, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64, max_position_embeddings: 40, layer_norm_eps: 1e-12 }
const classes = ['ham', 'spam', 'other']
const sentences = ['the cat sat on the mat .', 'unaffable , CAT !', '']

interface Answer { class: string; missing: string[]; unexpected: string[]; labels: Record<string, string>; shape: number[]; output: number[]; merged?: number[]; warnings?: string[]; ids?: number[][] }

const tokens = (family: string) => {
  const ids = tf.tensor2d([[2, 7, 9, 30, 3], [2, 11, 3, 1, 1]], [2, 5], 'int32'), mask = tf.tensor2d([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], [2, 5], 'int32')
  return { input_ids: ids, attention_mask: mask, ...(family === 'bert' && { token_type_ids: tf.tensor2d([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]], [2, 5], 'int32') }) }
}

withPython('encoders and adapters give equal logits in transformers and peft', async () => {
  const preprocessing = { kind: 'text' as const, tokenizer: await bertTokenizer(), maxLength: 38 }
  const expected: number[][] = [], cases: Record<string, unknown>[] = [], names: string[] = []
  const add = async (name: string, model: Model, inputs: Record<string, tf.Tensor>, auto: string, output: tf.Tensor, rename = (n: string) => n, value = (t: tf.Tensor) => t) => {
    const folder = join(temporary(), 'model')
    mkdirSync(folder)
    await model.save(folder)
    names.push(name)
    expected.push([...output.dataSync()])
    cases.push({ folder, auto, inputs: Object.fromEntries(Object.entries(inputs).map(([key, t]) => [rename(key), { data: [...value(t).dataSync()], shape: value(t).shape, dtype: t.dtype === 'int32' ? 'int64' : 'float32' }])) })
    return folder
  }
  for (const family of ['bert', 'roberta', 'distilbert']) for (const pooling of family === 'bert' ? ['pooler', 'mean', 'first'] : ['mean', 'first']) {
    const model = shaken(buildModel(family, { classes, preprocessing, config: { ...config, pooling, ...(family !== 'bert' && { type_vocab_size: 1 }) } })), inputs = tokens(family)
    await add(`${family} ${pooling}`, model, inputs, 'AutoModelForSequenceClassification', model.forward(inputs, { training: false }))
    if (pooling === 'mean') cases.at(-1)!['texts'] = sentences
  }
  for (const family of ['bert', 'roberta', 'distilbert']) {
    const model = shaken(buildModel(family, { classes, task: 'token', preprocessing, config: { ...config, ...(family !== 'bert' && { type_vocab_size: 1 }) } })), inputs = tokens(family)
    const folder = await add(`${family} of tags`, model, inputs, 'AutoModelForTokenClassification', model.forward(inputs, { training: false }))
    // a folder that nobody but transformers wrote knows its task too
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')), afinar: undefined }))
    const again = await loadModel(folder)
    expect([again.task, again.classes, [...again.forward(inputs, { training: false }).dataSync()]]).toEqual(['token', classes, expected.at(-1)])
  }
  const encoder = shaken(buildModel('bert', { classes: [], task: 'embedding', preprocessing, config })), inputs = tokens('bert')
  await add('bert embedding', encoder, inputs, 'AutoModel', encoder.features(inputs))
  const vit = shaken(buildModel('vit', { classes, imageSize: 32, config: { hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 3, intermediate_size: 32, patch_size: 8 } }))
  const images = tf.randomNormal([2, 32, 32, 3], 0, 1, 'float32', 3)
  await add('vit', vit, { images }, 'AutoModelForImageClassification', vit.forward({ images }, { training: false }), () => 'pixel_values', (t) => t.transpose([0, 3, 1, 2]))
  const pair = { kind: 'pair' as const, source: preprocessing.tokenizer, maxSourceLength: 16, maxTargetLength: 16, decoderStart: 0 }
  const sentence = { input_ids: tf.tensor2d([[7, 9, 30, 3], [11, 3, 0, 0]], [2, 4], 'int32'), attention_mask: tf.tensor2d([[1, 1, 1, 1], [1, 1, 0, 0]], [2, 4], 'int32'), decoder_input_ids: tf.tensor2d([[0, 5, 6], [0, 8, 9]], [2, 3], 'int32') }
  for (const [family, sizes] of [['marian', { vocab_size: 40, d_model: 32, encoder_layers: 2, decoder_layers: 2, encoder_attention_heads: 4, encoder_ffn_dim: 48, max_position_embeddings: 40, pad_token_id: 0 }], ['t5', { vocab_size: 40, d_model: 32, d_kv: 8, d_ff: 48, num_layers: 2, num_heads: 4 }]] as const) {
    const model = shaken(buildModel(family, { classes: [], task: 'sequence', preprocessing: pair, config: sizes }))
    await add(family, model, sentence, 'AutoModelForSeq2SeqLM', model.forward(sentence, { training: false }))
  }
  const hearing = shaken(buildModel('wav2vec2', { classes: [], task: 'speech', transcript: { symbols: ['<pad>', '|', 'a', 'b', 'c'], blank: 0, space: '|', maxLength: 8 }, config: { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 48, conv_dim: [16, 16], conv_kernel: [10, 3], conv_stride: [5, 2], num_conv_pos_embeddings: 16, num_conv_pos_embedding_groups: 4 } }))
  const sounds = tf.randomNormal([2, 400], 0, 1, 'float32', 4)
  await add('wav2vec2', hearing, { sounds }, 'AutoModelForCTC', hearing.forward({ sounds }, { training: false }), () => 'input_values')
  const adapted = shaken(buildModel('bert', { classes, preprocessing, config: { ...config, pooling: 'mean' } }))
  addLoRA(adapted, { rank: 3 })
  const folder = await add('bert with LoRA', shaken(adapted), inputs, 'AutoModelForSequenceClassification', adapted.forward(inputs, { training: false }))
  cases.at(-1)!['adapter'] = join(folder, 'adapter')

  const answers = python<Answer[]>(executable!, 'load_saved.py', cases)
  const padded = new Set([8, 9]) // of the second row; nobody reads the tags that stand there
  const table = answers.map((answer, i) => {
    let output = answer.output
    if (names[i] === 'bert embedding') output = [...tf.tidy(() => {
      const mask = inputs.attention_mask.cast('float32').expandDims(2)
      return tf.tensor(output, answer.shape).mul(mask).sum(1).div(mask.sum(1))
    }).dataSync()]
    return { name: names[i], class: answer.class, missing: answer.missing.filter((key) => !/pooler|embed_tokens|^lm_head\.weight$|embed_positions|masked_spec_embed/.test(key)), apart: Math.max(...expected[i]!.map((v, k) => names[i]!.endsWith('of tags') && padded.has(Math.floor(k / classes.length)) ? 0 : Math.abs(v - output[k]!))), sizes: expected[i]!.length === output.length }
  })
  expect(table.map(({ apart, ...row }) => ({ ...row, equal: apart < 2e-5 }))).toEqual([
    ['bert pooler', 'BertForSequenceClassification'], ['bert mean', 'BertPooledForSequenceClassification'], ['bert first', 'BertPooledForSequenceClassification'],
    ['roberta mean', 'RobertaPooledForSequenceClassification'], ['roberta first', 'RobertaPooledForSequenceClassification'], ['distilbert mean', 'DistilBertPooledForSequenceClassification'], ['distilbert first', 'DistilBertPooledForSequenceClassification'],
    ['bert of tags', 'BertForTokenClassification'], ['roberta of tags', 'RobertaForTokenClassification'], ['distilbert of tags', 'DistilBertForTokenClassification'],
    ['bert embedding', 'BertModel'], ['vit', 'ViTForImageClassification'], ['marian', 'MarianMTModel'], ['t5', 'T5ForConditionalGeneration'], ['wav2vec2', 'Wav2Vec2ForCTC'], ['bert with LoRA', 'BertPooledForSequenceClassification'],
  ].map(([name, named]) => ({ name, class: named, missing: [], sizes: true, equal: true })))
  expect(answers.flatMap(({ unexpected, warnings = [] }) => [...unexpected, ...warnings])).toEqual([])
  expect(answers[0]!.labels).toEqual({ 0: 'ham', 1: 'spam', 2: 'other' })
  expect(Math.max(...answers.at(-1)!.merged!.map((v, k) => Math.abs(v - expected.at(-1)![k]!)))).toBeLessThan(2e-5)
  const own = tokenizerOf(preprocessing.tokenizer)
  for (const { ids } of answers) if (ids) expect(ids).toEqual(sentences.map((text) => own.encode(text, undefined, 38).ids))
}, 1_800_000)
