// A model in use: rows without labels, as files, bytes and texts.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import sharp from 'sharp'
import { trainTokenizer } from '../../lib/data/index.js'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel } from '../../lib/models/index.js'
import { predict } from '../../lib/workflow/index.js'
import { tinyModel } from './support/stripes.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })

const folder = mkdtempSync(join(tmpdir(), 'afinar-new-'))

test('pictures: paths and bytes give the same answer, each row its own, nothing is left behind', async () => {
  const model = tinyModel(), files = await Promise.all(['red', 'blue'].map(async (background) => {
    const file = join(folder, `${background}.png`)
    await sharp({ create: { width: 20, height: 12, channels: 3, background } }).png().toFile(file)
    return file
  }))
  const tensors = tf.memory().numTensors
  const answers = await predict(model, [...files, readFileSync(files[0]!)])
  expect(answers.map(({ row }) => row)).toEqual([0, 1, 2])
  expect(answers[2]).toEqual({ ...answers[0], row: 2 })
  expect(answers[0]!.probabilities).not.toEqual(answers[1]!.probabilities)
  expect(Object.values(answers[0]!.probabilities!).reduce((a, b) => a + b)).toBeCloseTo(1, 5)
  expect(answers[0]).not.toHaveProperty('truth')
  expect(await predict(model, [files[1]!], { batchSize: 1 })).toEqual([{ ...answers[1], row: 0, probabilities: expect.anything(), confidence: expect.closeTo(answers[1]!.confidence!, 5) }])
  expect(await predict(model, [])).toEqual([])
  expect(tf.memory().numTensors).toBe(tensors)
  model.dispose()
})

test('texts and recordings', async () => {
  const tokenizer = trainTokenizer(['a good day', 'a bad day', 'good', 'bad'], { vocabularySize: 40, least: 1 })
  const reader = buildModel('bert', { classes: ['bad', 'good'], preprocessing: { kind: 'text', tokenizer, maxLength: 16 }, config: { vocab_size: 64, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32, max_position_embeddings: 20 } })
  const [first, second] = await predict(reader, ['a good day', 'a bad day'])
  expect([first!.row, second!.row]).toEqual([0, 1])
  expect(first!.probabilities).not.toEqual(second!.probabilities)
  const wav = Buffer.alloc(44 + 3200)
  wav.write('RIFF', 0); wav.writeUInt32LE(36 + 3200, 4); wav.write('WAVEfmt ', 8); wav.writeUInt32LE(16, 16); wav.writeUInt16LE(1, 20); wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(8000, 24); wav.writeUInt32LE(16000, 28); wav.writeUInt16LE(2, 32); wav.writeUInt16LE(16, 34); wav.write('data', 36); wav.writeUInt32LE(3200, 40)
  for (let i = 0; i < 1600; i++) wav.writeInt16LE(Math.round(8000 * Math.sin(i / 5)), 44 + 2 * i)
  writeFileSync(join(folder, 'tone.wav'), wav)
  const listener = buildModel('log-mel', { classes: ['tone', 'noise'] })
  expect(await predict(listener, [join(folder, 'tone.wav')])).toMatchObject([{ row: 0, confidence: expect.any(Number) }])
  for (const model of [reader, listener]) model.dispose()
})

test('names what cannot be read, and what it is not for', async () => {
  const model = tinyModel()
  writeFileSync(join(folder, 'not.png'), 'hello')
  await expect(predict(model, [join(folder, 'nothing.png')])).rejects.toThrow(/Cannot read the picture ".*nothing\.png": no such file/)
  await expect(predict(model, [join(folder, 'not.png')])).rejects.toThrow(/Cannot read the picture ".*not\.png": not a picture/)
  await expect(predict(model, [Uint8Array.of(1, 2, 3)])).rejects.toThrow(/Cannot read the picture "picture 1"/)
  await expect(predict(model, [7 as never])).rejects.toThrow('Cannot use entry 0: it must be a path or the bytes of a picture file, got 7.')
  model.dispose()
})
