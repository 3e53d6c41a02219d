// Exports are judged by others: plain TensorFlow.js on its JavaScript backend, TensorFlow's own SavedModel loader, and Python's TensorFlow where it is.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { addLoRA, buildModel, exportSavedModel, exportTensorFlowJS, type Model } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { bertTokenizer, shaken, temporary } from './support.js'
import { tensorflowPython } from './python-peers.js'

beforeAll(engine)

const classes = ['a', 'b', 'c']
const config = { vocab_size: 40, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64, max_position_embeddings: 40 }
const plain = (inputs: Record<string, tf.Tensor>) => Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, { data: [...t.dataSync()], shape: t.shape, dtype: t.dtype }]))
const images = (batch: number, size = 32) => ({ images: tf.randomNormal([batch, size, size, 3], 0, 1, 'float32', batch) })
const tokens = (batch: number, length: number) => ({
  input_ids: tf.randomUniform([batch, length], 0, 40, 'int32', 1), attention_mask: tf.tensor2d(Array.from({ length: batch }, (_, row) => Array.from({ length }, (_, at) => Number(at < length - row))), [batch, length], 'int32'), token_type_ids: tf.zeros([batch, length], 'int32'),
})
type Inputs = Record<string, tf.Tensor>

/** Small models of every shape of network, and inputs of sizes that the export has not seen. */
async function models(): Promise<{ name: string; model: Model; inputs: Inputs[] }[]> {
  const preprocessing = { kind: 'text' as const, tokenizer: await bertTokenizer(), maxLength: 38 }
  const adapted = buildModel('bert', { classes, preprocessing, config: { ...config, pooling: 'mean' } })
  addLoRA(adapted, { rank: 2 })
  const pictures = [images(1), images(4)], texts = [tokens(1, 3), tokens(4, 11)]
  return [
    { name: 'small-cnn', model: shaken(buildModel('small-cnn', { classes, imageSize: 32 })), inputs: pictures },
    { name: 'efficientnet-lite0', model: buildModel('efficientnet-lite0', { classes, imageSize: 32 }), inputs: pictures },
    { name: 'mobilenet-v2', model: buildModel('mobilenet-v2', { classes, imageSize: 32 }), inputs: pictures },
    { name: 'resnet18', model: buildModel('resnet18', { classes, imageSize: 32, config: { widths: [8, 16, 24, 32] } }), inputs: pictures },
    { name: 'vit', model: shaken(buildModel('vit', { classes, imageSize: 32, config: { hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 3, intermediate_size: 32, patch_size: 8 } })), inputs: pictures },
    { name: 'bert', model: shaken(buildModel('bert', { classes, preprocessing, config: { ...config, pooling: 'pooler' } })), inputs: texts },
    { name: 'embedding', model: shaken(buildModel('bert', { classes: [], task: 'embedding', preprocessing, config })), inputs: texts },
    { name: 'bert with LoRA', model: shaken(adapted), inputs: texts },
  ]
}

// TensorFlow fuses convolutions with what follows them: the same numbers but for rounding, up to 3e-6 of the largest.
interface Answer { shape: number[]; output: number[]; backend?: string }
const apart = (answers: Answer[], expected: tf.Tensor[]) => Math.max(...expected.map((value, i) => {
  expect(answers[i]!.shape).toEqual(value.shape)
  const right = value.dataSync(), largest = Math.max(...right.map(Math.abs))
  return Math.max(...right.map((v, k) => Math.abs(v - answers[i]!.output[k]!))) / Math.max(1, largest)
}))

test('plain TensorFlow.js in JavaScript alone gives equal outputs, for any batch and length', async () => {
  const all = await models(), cases: { folder: string; inputs: unknown[] }[] = []
  for (const { model, inputs } of all) {
    const folder = await exportTensorFlowJS(model, join(temporary(), 'web'))
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['labels.json', 'model.json', 'preprocessing.json']))
    cases.push({ folder, inputs: inputs.map(plain) })
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', 'tests/models/run_graph_model.mjs'], { input: JSON.stringify(cases), encoding: 'utf8', maxBuffer: 1 << 26 })
  expect([status, status === 0 ? '' : stderr]).toEqual([0, ''])
  const answers = JSON.parse(stdout) as Answer[]
  expect(new Set(answers.map(({ backend }) => backend))).toEqual(new Set(['cpu']))
  for (const { name, model, inputs } of all) {
    const difference = apart(answers.splice(0, inputs.length), inputs.map((one) => model.forward(one, { training: false })))
    expect([name, difference < 1e-5 ? 'equal' : difference]).toEqual([name, 'equal'])
    model.dispose()
  }
}, 600_000)

const savedModels = async () => Promise.all((await models()).map(async (one) => ({ ...one, folder: await exportSavedModel(one.model, join(temporary(), 'saved')) })))

test('TensorFlow’s own loader gives equal outputs', async () => {
  const { loadSavedModel } = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu/dist/saved_model.js') as { loadSavedModel(path: string): Promise<{ predict(inputs: Inputs): Record<string, tf.Tensor>; dispose(): void }> }
  for (const { name, model, inputs, folder } of await savedModels()) {
    const loaded = await loadSavedModel(folder)
    const answers = inputs.map((one) => Object.values(loaded.predict(one))[0]!).map((value) => ({ shape: value.shape, output: [...value.dataSync()] }))
    const difference = apart(answers, inputs.map((one) => model.forward(one, { training: false })))
    expect([name, difference < 1e-5 ? 'equal' : difference]).toEqual([name, 'equal'])
    loaded.dispose()
    model.dispose()
  }
}, 300_000)

const python = tensorflowPython()
;(python ? test : test.skip)('Python’s TensorFlow gives equal outputs', async () => {
  const all = await savedModels()
  const { status, stdout, stderr } = spawnSync(python!, ['tests/models/run_saved_model.py'], { input: JSON.stringify(all.map(({ folder, inputs }) => ({ folder, inputs: inputs.map(plain) }))), encoding: 'utf8', maxBuffer: 1 << 26 })
  expect([status, status === 0 ? '' : stderr.slice(-3000)]).toEqual([0, ''])
  const answers = JSON.parse(stdout) as Answer[]
  for (const { name, model, inputs } of all) {
    const difference = apart(answers.splice(0, inputs.length), inputs.map((one) => model.forward(one, { training: false })))
    expect([name, difference < 1e-5 ? 'equal' : difference]).toEqual([name, 'equal'])
  }
}, 600_000)

test('weights are cut into files that browsers cache, and an export replaces only an export', async () => {
  const model = buildModel('efficientnet-lite0', { classes, imageSize: 32 }), folder = await exportTensorFlowJS(model, join(temporary(), 'web'))
  const shards = readdirSync(folder).filter((file) => file.endsWith('.bin'))
  expect(shards.length).toBe(4)
  expect(shards.every((file) => statSync(join(folder, file)).size <= 4 * 2 ** 20)).toBe(true)
  expect(JSON.parse(readFileSync(join(folder, 'labels.json'), 'utf8'))).toEqual(classes)
  await exportTensorFlowJS(model, folder)
  const other = temporary()
  writeFileSync(join(other, 'thesis.txt'), 'x')
  await expect(exportTensorFlowJS(model, other)).rejects.toThrow('it holds other files (thesis.txt)')
  await expect(exportSavedModel(model, join(other, 'thesis.txt'))).rejects.toThrow('there is a file of that name')
  expect(readdirSync(other)).toEqual(['thesis.txt'])
  expect(existsSync(join(other, 'thesis.txt'))).toBe(true)
  model.dispose()
})
