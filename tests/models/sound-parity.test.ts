// The speaker encoder against PyTorch: vectors of voices, features of stretches, every parameter's gradient, five recorded steps; Resemblyzer's own weights.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep } from '../../lib/engine/index.js'
import { cacheFolder, loadModel } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { fixture, fromTorch, largestDifference, parameters, savedFolder, tensor, type Stored } from './support.js'

beforeAll(engine)
const config = { bands: 8, hidden_size: 12, num_layers: 3, embedding_size: 10, stretches: 6, seconds: 0.2 }
const preprocessing = { kind: 'sound' as const, sampleRate: 16000, seconds: 0.2, features: { type: 'log-mel' as const, fft: 400, window: 400, hop: 160, bands: 8 } }
const published = (weight: string) => weight.replace(/^lstm\.(\d+)\.(.+)$/, 'lstm.$2_l$1')
const load = (stored: Record<string, Stored>, task: 'classification' | 'embedding') => loadModel(savedFolder(Object.fromEntries(Object.entries(parameters(stored, (n) => n)).filter(([name]) => task === 'classification' ? !name.startsWith('linear') : !name.startsWith('head'))), config, { family: 'speaker-encoder', task, classes: task === 'embedding' ? [] : ['a', 'b', 'c'] }, preprocessing))

test('a head on the stretches equals PyTorch, gradient by gradient', async () => {
  const stored = fixture('speaker_encoder'), model = await load(stored, 'classification'), sounds = tensor(stored['input/mels']!)
  const labels = tf.oneHot(tensor(stored['input/labels']!, 'int32') as tf.Tensor1D, 3)
  let logits: tf.Tensor | undefined
  const { grads } = tf.variableGrads(() => {
    logits = tf.keep(model.forward({ sounds }, { training: true }))
    return tf.losses.softmaxCrossEntropy(labels, logits).asScalar() as tf.Scalar
  }, model.trainable)
  expect(largestDifference(logits!, tensor(stored['output/logits']!))).toBeLessThan(2e-5)
  expect(largestDifference(model.features({ sounds }), tensor(stored['output/features']!))).toBeLessThan(2e-5)
  const differences = model.trainable.map((variable) => [model.nameOf(variable), largestDifference(grads[variable.name]!, fromTorch(stored[`grad/${published(model.nameOf(variable))}`]!, variable.shape))] as const)
  expect(differences.filter(([, difference]) => !(difference < 5e-5))).toEqual([])
  expect(differences.length).toBe(14)
  expect(model.groups().map(({ name }) => name)).toEqual(['layer 1', 'layer 2', 'layer 3', 'head'])
  model.dispose()
})

test('vectors of voices equal PyTorch, gradient by gradient', async () => {
  const stored = fixture('speaker_encoder'), judged = fixture('speaker_embedding'), model = await load(stored, 'embedding'), sounds = tensor(stored['input/mels']!)
  expect(largestDifference(model.forward({ sounds }, { training: false }), tensor(stored['output/embedding']!))).toBeLessThan(2e-5)
  const { grads } = tf.variableGrads(() => model.forward({ sounds }, { training: true }).mul(tensor(judged['input/target']!)).sum() as tf.Scalar, model.trainable)
  const differences = model.trainable.map((variable) => [model.nameOf(variable), largestDifference(grads[variable.name]!, fromTorch(judged[`grad/${published(model.nameOf(variable))}`]!, variable.shape))] as const)
  expect(differences.filter(([, difference]) => !(difference < 1e-4))).toEqual([])
  expect(differences.length).toBe(14)
  model.dispose()
})

const optimizers = { sgd_small: { spec: { name: 'sgd' }, learningRate: 0.005 }, adamw_wd: { spec: { name: 'adamw', weightDecay: 0.1 }, learningRate: 1e-3 } } as const

test.each(Object.keys(optimizers) as (keyof typeof optimizers)[])('five recorded steps of %s end where PyTorch’s do', async (optimizer) => {
  const stored = fixture('speaker_encoder'), model = await load(stored, 'classification'), { spec, learningRate } = optimizers[optimizer]
  const labels = tf.oneHot(tensor(stored['input/labels']!, 'int32') as tf.Tensor1D, 3).toFloat()
  const step = recordTrainStep({ loss: ({ sounds, labels }, context) => ({ loss: tf.losses.softmaxCrossEntropy(labels!, model.forward({ sounds: sounds! }, context)) as tf.Scalar }), groups: [{ name: 'all', variables: model.trainable }], optimizer: spec })
  const losses = [1, 2, 3, 4, 5].map((n) => step.run({ sounds: tensor(stored['input/mels']!), labels }, { learningRate, step: n }).loss)
  expect(step.rung).toBe('tensorflow')
  expect(Math.max(...losses.map((value, i) => Math.abs(value - stored[`traj/${optimizer}/loss`]!.data[i]!)))).toBeLessThan(1e-4)
  const compared = Object.entries(model.weights()).flatMap(([weight, variable]) => {
    const after = stored[`traj/${optimizer}/param/${published(weight)}`]
    return after ? [[weight, largestDifference(variable, fromTorch(after, variable.shape))] as const] : []
  })
  expect(compared.filter(([, difference]) => !(difference < 3e-4))).toEqual([])
  expect(compared.length).toBe(optimizer === 'adamw_wd' ? 14 : 0)
  step.dispose()
  model.dispose()
})

// 17 MB: in the full tests, or where an earlier run has fetched it.
const withWeights = process.env['AFINAR_FULL'] || existsSync(join(cacheFolder(), 'pypi', 'resemblyzer')) ? test : test.skip

withWeights('Resemblyzer’s weights from PyPI give PyTorch’s vectors and features', async () => {
  const stored = fixture('real_speaker_encoder'), sounds = tensor(stored['input/mels']!)
  const model = await loadModel('pypi:Resemblyzer')
  expect(model).toMatchObject({ family: 'speaker-encoder', task: 'embedding', preprocessing: { sampleRate: 16000, seconds: 1.6, loudness: -30 } })
  expect(largestDifference(model.forward({ sounds }, { training: false }), tensor(stored['output/embedding']!))).toBeLessThan(1e-4)
  const classifier = await loadModel('pypi:Resemblyzer', { classes: ['yes', 'no'], seconds: 0.6 })
  expect(largestDifference(classifier.features({ sounds }), tensor(stored['output/features']!))).toBeLessThan(1e-4)
  for (const one of [model, classifier]) one.dispose()
})
