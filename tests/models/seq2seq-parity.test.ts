// Encoder–decoders against transformers: scores, every parameter's gradient, five recorded steps.
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep } from '../../lib/engine/index.js'
import { loadModel } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { fixture, fromTorch, largestDifference, parameters, savedFolder, temporary, tensor, type Stored } from './support.js'
import { encoderDecoderConfig, seq2seqConfigs, seq2seqPreprocessing as preprocessing } from './seq2seq.js'

beforeAll(engine)

const same = (weight: string) => weight
/** `published` turns our name of a weight into transformers'. */
const cases = {
  marian: { file: 'marian_seq2seq', config: seq2seqConfigs.marian, pad: 23, published: same },
  t5: { file: 't5_seq2seq', config: seq2seqConfigs.t5, pad: 23, published: same },
  'encoder-decoder': { file: 'encoder_decoder', config: encoderDecoderConfig, pad: 0, published: (weight: string) => weight.replace(/^decoder\.(embeddings|encoder)\./, 'decoder.bert.$1.').replace('decoder.enc_to_dec_proj', 'enc_to_dec_proj') },
}
type Name = keyof typeof cases
const names = Object.keys(cases) as Name[]
const load = (name: Name, stored: Record<string, Stored>) => loadModel(savedFolder(parameters(stored, (n) => n), cases[name].config, { family: name, task: 'sequence', classes: [] }, preprocessing))
/** A key's bias has a true gradient of zero, which Adam makes large. */
const stable = (key: string) => !/(k_proj|self\.key)\.bias$/.test(key)

/** What pairs of a data set would be: labels shifted right behind the start token. */
function batch(stored: Record<string, Stored>, pad: number): Record<string, tf.Tensor> {
  const labels = stored['input/labels']!, [rows, width] = labels.shape as [number, number]
  const shifted = Int32Array.from(labels.data, (_, at) => at % width === 0 ? pad : labels.data[at - 1]! < 0 ? pad : labels.data[at - 1]!)
  return { input_ids: tensor(stored['input/input_ids']!, 'int32'), attention_mask: tensor(stored['input/attention_mask']!, 'int32'), decoder_input_ids: tf.tensor2d(shifted, [rows, width], 'int32'), labels: tensor(labels, 'int32') }
}

/** Mean over the tokens that count. */
function loss(scores: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  const counts = tf.cast(tf.greaterEqual(labels, tf.scalar(0, 'int32')), 'float32')
  const chosen = tf.sum(tf.mul(tf.logSoftmax(scores), tf.oneHot(labels as tf.Tensor2D, scores.shape[2]!, 1, 0, 'float32')), -1)
  return tf.neg(tf.div(tf.sum(tf.mul(chosen, counts)), tf.sum(counts))) as tf.Scalar
}
const isTable = (name: string) => /shared|relative_attention_bias|embeddings\.(word|position|token)/.test(name)

test.each(names)('%s equals transformers, gradient by gradient', async (name) => {
  const { file, pad, published } = cases[name], stored = fixture(file), model = await load(name, stored)
  expect(model).toMatchObject({ family: name, task: 'sequence', classes: [] })
  const { labels, ...inputs } = batch(stored, pad)
  let scores: tf.Tensor | undefined
  const { value, grads } = tf.variableGrads(() => {
    scores = tf.keep(model.forward(inputs, { training: true }))
    return loss(scores, labels!)
  }, model.trainable)
  expect(largestDifference(scores!, tensor(stored['output/logits']!))).toBeLessThan(5e-5)
  expect(Math.abs(value.dataSync()[0]! - stored['output/loss']!.data[0]!)).toBeLessThan(5e-5)
  const mask = tf.cast(inputs['attention_mask']!, 'float32').expandDims(2)
  const mean = tensor(stored['output/encoder_last_hidden']!).mul(mask).sum(1).div(mask.sum(1))
  expect(largestDifference(model.features(inputs), mean)).toBeLessThan(5e-5)
  const differences = model.trainable.map((variable) => {
    const weight = model.nameOf(variable), gradient = stored[`grad/${published(weight)}`]!
    return [weight, largestDifference(grads[variable.name]!, isTable(weight) ? tensor(gradient) : fromTorch(gradient, variable.shape))] as const
  })
  expect(differences.filter(([, difference]) => !(difference < 1e-4))).toEqual([])
  expect(differences.length).toBe(Object.keys(stored).filter((key) => key.startsWith('grad/')).length)
  const folder = temporary()
  await model.save(folder)
  const again = await loadModel(folder)
  expect(largestDifference(again.forward(inputs, { training: false }), model.forward(inputs, { training: false }))).toBe(0)
  for (const one of [model, again]) one.dispose()
})

const optimizers = { sgd_small: { spec: { name: 'sgd' }, learningRate: 0.005 }, adamw_wd: { spec: { name: 'adamw', weightDecay: 0.1 }, learningRate: 1e-3 } } as const

test.each(names.flatMap((name) => (Object.keys(optimizers) as (keyof typeof optimizers)[]).map((optimizer) => ({ name, optimizer }))))('$name: five recorded steps of $optimizer end where transformers’ do', async ({ name, optimizer }) => {
  const { file, pad, published } = cases[name], stored = fixture(file), model = await load(name, stored), { spec, learningRate } = optimizers[optimizer]
  const step = recordTrainStep({
    loss: ({ labels, ...inputs }, context) => ({ loss: loss(model.forward(inputs, context), labels!) }),
    groups: [{ name: 'all', variables: model.trainable }], state: model.state, optimizer: spec,
  })
  const inputs = batch(stored, pad)
  const losses = [1, 2, 3, 4, 5].map((n) => step.run(inputs, { learningRate, step: n }).loss)
  expect(step.rung).toBe('tensorflow')
  expect(Math.max(...losses.map((value, i) => Math.abs(value - stored[`traj/${optimizer}/loss`]!.data[i]!)))).toBeLessThan(1e-3)
  const compared = Object.entries(model.weights()).flatMap(([weight, variable]) => {
    const after = stored[`traj/${optimizer}/param/${published(weight)}`]
    return after && stable(weight) ? [[weight, largestDifference(variable, isTable(weight) ? tensor(after) : fromTorch(after, variable.shape))] as const] : []
  })
  expect(compared.filter(([, difference]) => !(difference < 3e-4))).toEqual([])
  expect(compared.length).toBe(optimizer === 'adamw_wd' ? model.trainable.filter((variable) => stable(model.nameOf(variable))).length : 0)
  step.dispose()
  model.dispose()
})
