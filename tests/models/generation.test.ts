// Writing token by token against transformers' generate, greedy and with beams; and that a cached step gives what the whole network gives.
import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { generate, loadModel, type GenerateOptions } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { fixture, parameters, savedFolder, tensor } from './support.js'
import { seq2seqConfigs as configs, seq2seqPreprocessing as preprocessing } from './seq2seq.js'

beforeAll(engine)
type Name = keyof typeof configs
const load = (name: Name) => loadModel(savedFolder(parameters(fixture(`${name}_seq2seq`), (n) => n), configs[name], { family: name, task: 'sequence', classes: [] }, preprocessing))
const judged = JSON.parse(readFileSync('tests/fixtures/generation.json', 'utf8')) as { source: number[][]; cases: { family: Name; options: GenerateOptions; written: number[][] }[] }
const inputsOf = (source: number[][]) => {
  const ids = tf.tensor2d(source, undefined, 'int32')
  return { input_ids: ids, attention_mask: tf.cast(tf.notEqual(ids, tf.scalar(23, 'int32')), 'int32') }
}

test.each(['marian', 't5'] as const)('%s writes what transformers writes, with every setting of the beams', async (name) => {
  const model = await load(name), inputs = inputsOf(judged.source), tensors = tf.memory().numTensors
  const cases = judged.cases.filter(({ family }) => family === name)
  expect(cases.length).toBe(9)
  const different = []
  for (const { options, written } of cases) {
    const ours = await generate(model, inputs, options)
    different.push(...written.flatMap((theirs, row) => String(theirs) === String(ours[row]) ? [] : [{ options, row, theirs, ours: ours[row] }]))
  }
  expect(different).toEqual([])
  expect(tf.memory().numTensors).toBe(tensors)
  model.dispose()
})

test.each(['marian', 't5'] as const)('%s: the fixture’s greedy and beam texts', async (name) => {
  const stored = fixture(`${name}_seq2seq`), model = await load(name)
  const inputs = { input_ids: tensor(stored['input/input_ids']!, 'int32'), attention_mask: tensor(stored['input/attention_mask']!, 'int32') }
  const expected = (key: string) => {
    const { data, shape } = stored[`output/${key}`]!, width = shape[1]!
    return Array.from({ length: shape[0]! }, (_, row) => { const ids = [...data.slice(row * width + 1, (row + 1) * width)]; return ids.includes(0) ? ids.slice(0, ids.indexOf(0)) : ids })
  }
  expect(await generate(model, inputs, { maxLength: 11 })).toEqual(expected('greedy_ids'))
  expect(await generate(model, inputs, { beams: 3, maxLength: 11 })).toEqual(expected('beam3_ids'))
  model.dispose()
})

test('what cannot write, and what makes no sense, is refused', async () => {
  const model = await load('t5'), inputs = inputsOf(judged.source)
  await expect(generate(model, inputs, { beams: 0 })).rejects.toThrow('beams must be a whole number from 1 to 64')
  await expect(generate(model, inputs, { maxLength: 0.5 })).rejects.toThrow('maxLength must be a whole number')
  await expect(generate(model, { input_ids: inputs.input_ids })).rejects.toThrow('its input "attention_mask" is missing')
  await expect(generate(model, inputs, { signal: AbortSignal.abort() })).rejects.toThrow()
  model.dispose()
  await expect(generate(model, inputs)).rejects.toThrow('it was disposed')
})
