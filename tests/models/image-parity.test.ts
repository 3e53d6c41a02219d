// Image families against PyTorch: logits, every parameter's gradient, batch-norm averages.
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep } from '../../lib/engine/index.js'
import { loadModel } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { fixture, fromTorch, largestDifference, parameters, savedFolder, tensor, type Stored } from './support.js'

beforeAll(engine)

const stages = [{ repeats: 1, kernel: 3, stride: 1, expand: 1, filters: 8 }, { repeats: 1, kernel: 5, stride: 2, expand: 4, filters: 12 }, { repeats: 1, kernel: 3, stride: 1, expand: 4, filters: 12 }]
const mobile = { stem: 8, stages, top: 32, dropout: 0 }

const liteName = (name: string) => name
  .replace(/^stem\.0/, '_conv_stem').replace(/^stem\.1/, '_bn0').replace(/^head\.0/, '_conv_head').replace(/^head\.1/, '_bn1').replace(/^fc/, '_fc').replace(/^blocks/, '_blocks')
  .replace('.expand.0.', '._expand_conv.').replace('.expand.1.', '._bn0.').replace('.depthwise.', '._depthwise_conv.').replace('.bn1.', '._bn1.').replace('.project.', '._project_conv.').replace('.bn2.', '._bn2.')

const torchvisionName = (name: string) => name
  .replace(/^stem\./, 'features.0.').replace(/^head\./, 'features.4.').replace(/^fc/, 'classifier.1')
  .replace(/^blocks\.(\d)\.(.+)\.(\w+)$/, (_, block: string, part: string, leaf: string) => {
    const expands = block === '0' ? 0 : 1
    return `features.${Number(block) + 1}.conv.${{ 'expand.0': '0.0', 'expand.1': '0.1', depthwise: `${expands}.0`, bn1: `${expands}.1`, project: `${expands + 1}`, bn2: `${expands + 2}` }[part]}.${leaf}`
  })

// The MobileNetV2 fixture has epsilon 1e-3 and momentum 0.01 where torchvision has 1e-5 and 0.1.
const norm = { epsilon: 1e-3, momentum: 0.01 }
const cases = [
  { name: 'mbconv_same', family: 'efficientnet-lite0', config: { ...mobile, image_size: 16 }, size: 32, rename: liteName },
  { name: 'mbconv_sym', family: 'mobilenet-v2', config: { ...mobile, image_size: 15, norm }, size: 32, rename: torchvisionName },
  { name: 'resnet_basic', family: 'resnet18', config: { depths: [1, 1], widths: [8, 16], stem: { filters: 8, kernel: 3, stride: 1 }, image_size: 16 }, size: 16, rename: (name: string) => name },
].flatMap((one) => (['eval', 'train'] as const).map((mode) => ({ ...one, mode })))

test.each(cases)('$family equals PyTorch with batch norm in $mode mode', async ({ name, family, config, mode, rename }) => {
  const stored = fixture(`${name}_bn_${mode}`)
  const classes = ['a', 'b', 'c']
  const folder = savedFolder(parameters(stored, rename), config, { family, classes }, { kind: 'image' })
  const model = await loadModel(folder)
  model.batchNormStatistics = mode === 'train' ? 'updating' : 'frozen'
  const images = tensor(stored['input/x']!).transpose([0, 2, 3, 1])
  const labels = tf.oneHot(tensor(stored['input/labels']!, 'int32') as tf.Tensor1D, 3)
  let logits: tf.Tensor | undefined
  const { value, grads } = tf.variableGrads(() => {
    logits = tf.keep(model.forward({ images }, { training: true }))
    return tf.losses.softmaxCrossEntropy(labels, logits).asScalar() as tf.Scalar
  }, model.trainable)
  expect(largestDifference(logits!, tensor(stored['output/logits']!))).toBeLessThan(5e-5)
  expect(Math.abs(value.dataSync()[0]! - stored['output/loss']!.data[0]!)).toBeLessThan(5e-5)
  const fixtureName = new Map(Object.keys(parameters(stored, (n) => n)).map((n) => [rename(n), n]))
  const ours = checkpointNames(model.weights(), fixtureName, family)
  const differences = model.trainable.map((variable) => {
    const gradient = stored[`grad/${ours.get(model.nameOf(variable))}`] as Stored
    return [model.nameOf(variable), largestDifference(grads[variable.name]!, fromTorch(gradient, variable.shape))] as const
  })
  expect(differences.filter(([, difference]) => !(difference < 2e-4))).toEqual([])
  expect(differences.length).toBe(Object.keys(stored).filter((key) => key.startsWith('grad/')).length)
  if (mode === 'train') {
    const averages = Object.entries(model.weights()).filter(([n]) => /running_/.test(n)).map(([n, variable]) => [n, largestDifference(variable, tensor(stored[`output/buffer_after_forward/${ours.get(n)}`]!))] as const)
    expect(averages.length).toBeGreaterThan(5)
    expect(averages.filter(([, difference]) => !(difference < 5e-5))).toEqual([])
  }
  model.dispose()
})

const optimizers = {
  sgd_momentum_nesterov_wd: { spec: { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.01 }, learningRate: 0.05 },
  adamw_wd: { spec: { name: 'adamw', weightDecay: 0.1 }, learningRate: 1e-3 },
} as const
const trajectories = cases.flatMap((one) => (Object.keys(optimizers) as (keyof typeof optimizers)[]).map((optimizer) => ({ ...one, optimizer })))

test.each(trajectories)('$family, batch norm in $mode mode: five recorded steps of $optimizer end where PyTorch’s do', async ({ name, family, config, mode, rename, optimizer }) => {
  const stored = fixture(`${name}_bn_${mode}`), unstable = mode === 'train' && name.startsWith('mbconv') ? /bn2\.bias$/ : /^$/
  const model = await loadModel(savedFolder(parameters(stored, rename), config, { family, classes: ['a', 'b', 'c'] }, { kind: 'image' }))
  model.batchNormStatistics = mode === 'train' ? 'updating' : 'frozen'
  const { spec, learningRate } = optimizers[optimizer]
  const step = recordTrainStep({
    loss: ({ images, labels }, context) => ({ loss: tf.losses.softmaxCrossEntropy(labels!, model.forward({ images: images! }, context)) as tf.Scalar }),
    groups: [{ name: 'all', variables: model.trainable }], state: model.state, optimizer: spec,
  })
  const images = tensor(stored['input/x']!).transpose([0, 2, 3, 1]), labels = tf.oneHot(tensor(stored['input/labels']!, 'int32') as tf.Tensor1D, 3).toFloat()
  const losses = [1, 2, 3, 4, 5].map((n) => step.run({ images, labels }, { learningRate, step: n }).loss)
  expect(step.rung).toBe('tensorflow')
  expect(Math.max(...losses.map((loss, i) => Math.abs(loss - stored[`traj/${optimizer}/loss`]!.data[i]!)))).toBeLessThan(5e-4)
  const ours = checkpointNames(model.weights(), new Map(Object.keys(parameters(stored, (n) => n)).map((n) => [rename(n), n])), family)
  const differences = Object.entries(model.weights()).flatMap(([n, variable]) => {
    const theirs = ours.get(n)!, after = stored[`traj/${optimizer}/param/${theirs}`] ?? stored[`traj/${optimizer}/buffer/${theirs}`]!
    return unstable.test(theirs) ? [] : [[n, largestDifference(variable, fromTorch(after, variable.shape))] as const]
  })
  expect(differences.filter(([, difference]) => !(difference < 1e-3))).toEqual([])
  step.dispose()
  model.dispose()
}, 60_000)

/** Our name of a weight → the fixture's, through the family's published names. */
function checkpointNames(weights: Record<string, tf.Tensor>, fixtureName: Map<string, string>, family: string): Map<string, string> {
  const published = { 'efficientnet-lite0': lite, 'mobilenet-v2': mobileNet, resnet18: (n: string) => n }[family]!
  return new Map(Object.keys(weights).map((n) => [n, fixtureName.get(published(n))!]))
}
const parts = ['expand.0', 'expand.1', 'depthwise', 'bn1', 'project', 'bn2'], names = ['expand.conv', 'expand.bn', 'depthwise.conv', 'depthwise.bn', 'project.conv', 'project.bn']
const ownToFixture = (n: string) => names.reduce((text, own, i) => text.replace(`.${own}.`, `.${parts[i]}.`), n).replace('stem.conv', 'stem.0').replace('stem.bn', 'stem.1').replace('top.conv', 'head.0').replace('top.bn', 'head.1').replace(/^head\.(weight|bias)/, 'fc.$1')
const lite = (n: string) => liteName(ownToFixture(n))
const mobileNet = (n: string) => torchvisionName(ownToFixture(n))

test('ViT equals PyTorch, gradient by gradient', async () => {
  const stored = fixture('vit')
  // transformers 5 names these modules anew in memory; published files keep the old names.
  const published = (name: string) => name.replace(/^vit\.layers\./, 'vit.encoder.layer.').replace('.attention.q_proj.', '.attention.attention.query.').replace('.attention.k_proj.', '.attention.attention.key.')
    .replace('.attention.v_proj.', '.attention.attention.value.').replace('.attention.o_proj.', '.attention.output.dense.').replace('.mlp.fc1.', '.intermediate.dense.').replace('.mlp.fc2.', '.output.dense.')
  const config = { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64, image_size: 16, patch_size: 4 }
  const model = await loadModel(savedFolder(parameters(stored, published), config, { family: 'vit', classes: ['a', 'b', 'c'] }, { kind: 'image' }))
  const images = tensor(stored['input/pixel_values']!).transpose([0, 2, 3, 1])
  const labels = tf.oneHot(tensor(stored['input/labels']!, 'int32') as tf.Tensor1D, 3)
  let logits: tf.Tensor | undefined
  const { grads } = tf.variableGrads(() => {
    logits = tf.keep(model.forward({ images }, { training: true }))
    return tf.losses.softmaxCrossEntropy(labels, logits).asScalar() as tf.Scalar
  }, model.trainable)
  expect(largestDifference(logits!, tensor(stored['output/logits']!))).toBeLessThan(2e-5)
  const parts: Record<string, string> = { 'attention.self.query': 'attention.q_proj', 'attention.self.key': 'attention.k_proj', 'attention.self.value': 'attention.v_proj', 'attention.output.dense': 'attention.o_proj', 'attention.output.LayerNorm': 'layernorm_before', 'intermediate.dense': 'mlp.fc1', 'output.dense': 'mlp.fc2', 'output.LayerNorm': 'layernorm_after' }
  const single: Record<string, string> = { 'embeddings.projection': 'vit.embeddings.patch_embeddings.projection', norm: 'vit.layernorm', head: 'classifier' }
  const theirs = (name: string) => {
    const [, n, part, leaf] = /^encoder\.layer\.(\d+)\.(.+)\.(\w+)$/.exec(name) ?? []
    const [, layer, rest] = /^(.+)\.(\w+)$/.exec(name)!
    return part ? `vit.layers.${n}.${parts[part]}.${leaf}` : /class|positions/.test(layer!) ? `vit.embeddings.${rest}` : `${single[layer!]}.${rest}`
  }
  const differences = model.trainable.map((variable) => [model.nameOf(variable), largestDifference(grads[variable.name]!, fromTorch(stored[`grad/${theirs(model.nameOf(variable))}`]!, variable.shape))] as const)
  expect(differences.filter(([, difference]) => !(difference < 5e-5))).toEqual([])
  expect(differences.length).toBe(Object.keys(stored).filter((key) => key.startsWith('grad/')).length)
  await expect(loadModel(savedFolder(parameters(stored, published), config, { family: 'vit', classes: ['a', 'b', 'c'] }, { kind: 'image' }), { imageSize: 18 })).rejects.toThrow('a multiple of 4')
  model.dispose()
})
