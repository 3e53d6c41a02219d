// wav2vec 2.0 against transformers: scores of each frame, the loss of a transcript, every parameter's gradient, five recorded steps.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep } from '../../lib/engine/index.js'
import { loadModel } from '../../lib/models/index.js'
import { objectiveFor } from '../../lib/train/index.js'
import { engine } from './engine.js'
import { fixture, largestDifference, parameters, safetensors, savedFolder, temporary, tensor, type Stored } from './support.js'

beforeAll(engine)
const config = {
  vocab_size: 12, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64, conv_dim: [16, 16], conv_kernel: [10, 3], conv_stride: [5, 2], num_conv_pos_embeddings: 8, num_conv_pos_embedding_groups: 4,
  feat_extract_norm: 'group', feat_extract_activation: 'gelu', layer_norm_eps: 1e-5, hidden_dropout: 0, attention_dropout: 0, activation_dropout: 0, feat_proj_dropout: 0, final_dropout: 0, pad_token_id: 0,
}
const transcript = { symbols: ['<pad>', '<s>', '</s>', '|', ...'ABCDEFGH'], blank: 0, space: '|', maxLength: 4 }
const preprocessing = { kind: 'sound' as const, sampleRate: 16000, seconds: 0.025, features: { type: 'waveform' as const, normalize: true }, transcript }
const weights = (stored: Record<string, Stored>) => Object.fromEntries(Object.entries(parameters(stored, (name) => name)).filter(([name]) => !name.endsWith('masked_spec_embed')))
const load = (stored: Record<string, Stored>) => loadModel(savedFolder(weights(stored), config, { family: 'wav2vec2', task: 'speech', classes: [] }, preprocessing))
const published = (name: string) => name.replace('conv.weight_g', 'conv.parametrizations.weight.original0').replace('conv.weight_v', 'conv.parametrizations.weight.original1')

/** PyTorch's layouts of linear layers and convolutions along a sequence. */
function fromTorch(stored: Stored, rank: number): tf.Tensor {
  const value = tensor(stored)
  return rank === 2 ? value.transpose([1, 0]) : rank === 3 ? value.transpose([2, 1, 0]) : value
}
const inputsOf = (stored: Record<string, Stored>) => ({ sounds: tensor(stored['input/input_values']!), labels: tensor(stored['input/labels']!, 'int32') })

test('wav2vec 2.0 with CTC equals transformers, gradient by gradient', async () => {
  const stored = fixture('wav2vec2_ctc'), model = await load(stored), { sounds, labels } = inputsOf(stored)
  expect(model).toMatchObject({ family: 'wav2vec2', task: 'speech', classes: [] })
  const objective = objectiveFor(model, {}, { labelSmoothing: 0, classWeights: undefined })
  let logits: tf.Tensor | undefined
  const { value, grads } = tf.variableGrads(() => {
    logits = tf.keep(model.forward({ sounds }, { training: true }))
    return objective.loss(logits, labels, tf.ones([2]))
  }, model.trainable)
  expect(largestDifference(logits!, tensor(stored['output/logits']!))).toBeLessThan(5e-5)
  expect(Math.abs(value.dataSync()[0]! - stored['output/loss']!.data[0]!)).toBeLessThan(2e-4)
  expect(largestDifference(model.features({ sounds }), tensor(stored['output/last_hidden']!).mean(1))).toBeLessThan(5e-5)
  const differences = model.trainable.map((variable) => [model.nameOf(variable), largestDifference(grads[variable.name]!, fromTorch(stored[`grad/${published(model.nameOf(variable))}`]!, variable.rank))] as const)
  expect(differences.filter(([, difference]) => !(difference < 2e-4))).toEqual([])
  // masked_spec_embed is for pre-training and has no gradient here
  expect(differences.length).toBe(Object.keys(stored).filter((key) => key.startsWith('grad/')).length - 1)
  expect(model.groups().map(({ name }) => name)).toEqual(['waveform', 'frames', 'layer 1', 'layer 2', 'head'])
  const folder = temporary()
  await model.save(folder)
  const again = await loadModel(folder)
  expect(again.preprocessing).toEqual(preprocessing)
  expect(largestDifference(again.forward({ sounds }, { training: false }), model.forward({ sounds }, { training: false }))).toBe(0)
  for (const one of [model, again]) one.dispose()
})

const optimizers = { sgd_small: { spec: { name: 'sgd' }, learningRate: 0.005 }, adamw_wd: { spec: { name: 'adamw', weightDecay: 0.1 }, learningRate: 1e-3 } } as const

test.each(Object.keys(optimizers) as (keyof typeof optimizers)[])('five recorded steps of %s end where transformers’ do', async (optimizer) => {
  const stored = fixture('wav2vec2_ctc'), model = await load(stored), { spec, learningRate } = optimizers[optimizer]
  const objective = objectiveFor(model, {}, { labelSmoothing: 0, classWeights: undefined })
  const step = recordTrainStep({
    loss: ({ sounds, labels, weights }, context) => ({ loss: objective.loss(model.forward({ sounds: sounds! }, context), labels!, weights!) }),
    groups: [{ name: 'all', variables: model.trainable }], optimizer: spec,
  })
  const inputs = { ...inputsOf(stored), weights: tf.ones([2]) }
  const losses = [1, 2, 3, 4, 5].map((n) => step.run(inputs, { learningRate, step: n }).loss)
  expect(step.rung).toBe('tensorflow')
  expect(Math.max(...losses.map((value, i) => Math.abs(value - stored[`traj/${optimizer}/loss`]!.data[i]!)))).toBeLessThan(5e-4)
  const compared = Object.entries(model.weights()).flatMap(([weight, variable]) => {
    const after = stored[`traj/${optimizer}/param/${published(weight)}`]
    return after && !/k_proj\.bias$/.test(weight) ? [[weight, largestDifference(variable, fromTorch(after, variable.rank))] as const] : []
  })
  expect(compared.filter(([, difference]) => !(difference < 5e-4))).toEqual([])
  expect(compared.length).toBe(optimizer === 'adamw_wd' ? model.trainable.length - 2 : 0)
  step.dispose()
  model.dispose()
})

test('published files, also of the older naming, are read with their letters; other tasks get other heads', async () => {
  const stored = fixture('wav2vec2_ctc'), folder = temporary()
  const older = (name: string) => name.replace('parametrizations.weight.original0', 'weight_g').replace('parametrizations.weight.original1', 'weight_v')
  writeFileSync(join(folder, 'model.safetensors'), safetensors(parameters(stored, older)))
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, model_type: 'wav2vec2', architectures: ['Wav2Vec2ForCTC'] }))
  writeFileSync(join(folder, 'vocab.json'), JSON.stringify({ '<pad>': 0, '<s>': 1, '</s>': 2, '<unk>': 3, '|': 4, E: 5, T: 6, A: 7, O: 8, N: 9, I: 10, H: 11 }))
  const model = await loadModel(folder, { seconds: 0.025 }), { sounds } = inputsOf(stored)
  expect(model).toMatchObject({ task: 'speech', preprocessing: { seconds: 0.025, transcript: { blank: 0, space: '|', unknown: 3, letters: 'upper' } } })
  expect(largestDifference(model.forward({ sounds }, { training: false }), tensor(stored['output/logits']!))).toBeLessThan(5e-5)
  const classifier = await loadModel(folder, { classes: ['yes', 'no', 'stop'] })
  expect(classifier).toMatchObject({ task: 'classification', preprocessing: { seconds: 4 } })
  expect(classifier.preprocessing).not.toHaveProperty('transcript')
  expect(classifier.forward({ sounds }, { training: false }).shape).toEqual([2, 3])
  const embedding = await loadModel(folder, { task: 'embedding' })
  expect(largestDifference(embedding.forward({ sounds }, { training: false }).square().sum(1), tf.ones([2]))).toBeLessThan(1e-5)
  const letters = await loadModel(folder, { transcript: { ...transcript, symbols: ['<pad>', '|', 'x'] } })
  expect(letters.forward({ sounds }, { training: false }).shape).toEqual([2, 39, 3])
  for (const one of [model, classifier, embedding, letters]) one.dispose()
})
