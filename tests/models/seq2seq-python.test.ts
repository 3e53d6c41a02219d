// Saved encoder–decoders load in Python: transformers computes the same scores and writes the same texts.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { cacheFolder, generate } from '../../lib/models/index.js'
import { engine } from './engine.js'
import { largestDifference, temporary } from './support.js'
import { tinyModel } from './tiny.js'

beforeAll(engine)
// torch is big: the Python that a variable names, or the one that the full tests have made.
const python = [process.env['AFINAR_TORCH_PYTHON'], join(cacheFolder(), 'python-peers', 'torch', 'bin', 'python')].find((path) => path !== undefined && existsSync(path))
const withTorch = python ? test : test.skip

withTorch.each([['marian', 'MarianMTModel', []], ['t5', 'T5ForConditionalGeneration', []], ['encoder-decoder', 'EncoderDecoderModel', ['encoder.pooler.dense.bias', 'encoder.pooler.dense.weight']]])('%s loads in Python’s transformers', async (family, name, unused) => {
  const model = tinyModel(family), folder = temporary()
  // weights of a size at which words differ
  model.setWeights(Object.fromEntries(Object.entries(model.weights()).map(([weight, value], i) => [weight, value.rank > 1 ? tf.randomNormal(value.shape, 0, 0.5, 'float32', i + 1) : value.add(tf.randomNormal(value.shape, 0, 0.1, 'float32', i + 1))])))
  await model.save(folder)
  const ids = [[5, 6, 7, 2], [8, 9, 2, 0]], mask = [[1, 1, 1, 1], [1, 1, 1, 0]], written = [[0, 4, 5], [0, 6, 7]]
  const { status, stdout, stderr } = spawnSync(python!, ['tests/models/load_seq2seq.py'], { input: JSON.stringify({ folder, ids, mask, written, longest: 8 }), encoding: 'utf8', env: { ...process.env, HF_HUB_OFFLINE: '1' } })
  if (status !== 0) throw new Error(stderr.slice(-3000))
  const theirs = JSON.parse(stdout) as { class: string; scores: number[][][]; texts: number[][]; missing: string[]; unexpected: string[] }
  expect(theirs).toMatchObject({ class: name, missing: unused, unexpected: [] })
  const inputs = { input_ids: tf.tensor2d(ids, undefined, 'int32'), attention_mask: tf.tensor2d(mask, undefined, 'int32') }
  expect(largestDifference(model.forward({ ...inputs, decoder_input_ids: tf.tensor2d(written, undefined, 'int32') }, { training: false }), tf.tensor3d(theirs.scores))).toBeLessThan(1e-4)
  const end = 2, cut = (row: number[]) => row.includes(end) ? row.slice(0, row.indexOf(end)) : row
  expect(await generate(model, inputs, { beams: 3, maxLength: 8 })).toEqual(theirs.texts.map(cut))
  model.dispose()
}, 300_000)
