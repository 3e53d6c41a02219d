// Speech from end to end: recordings with transcripts, a model that writes them down, error rates, saving; and refusals.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import { sounds, transcriptSymbols } from '../../lib/data/index.js'
import { encodeWav } from '../../lib/data/sounds/wav.js'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel, loadModel } from '../../lib/models/index.js'
import { spoken } from '../../lib/train/index.js'
import { Evaluation, fineTune } from '../../lib/workflow/index.js'

jest.setTimeout(240_000)
beforeAll(() => { startEngine() })

const rate = 2000, pitch: Record<string, number> = { a: 250, b: 500, c: 800 }
let state = 11
const random = (n: number) => Math.floor(((state = (state * 16807) % 2147483647) / 2147483647) * n)

/** Tones for letters, silence for a space: a language that a small network can learn. */
function speak(text: string): Buffer {
  const samples = [...text].flatMap((letter) => Array.from({ length: 220 }, (_, i) => i < 180 && pitch[letter] ? 0.4 * Math.sin((2 * Math.PI * pitch[letter] * i) / rate) : 0.005 * Math.sin(i)))
  return encodeWav(Float32Array.from(samples), rate)
}
const folder = mkdtempSync(join(tmpdir(), 'afinar-speech-'))
const lines = Array.from({ length: 160 }, (_, i) => {
  const text = Array.from({ length: 1 + random(4) }, () => 'abc'[random(3)]).join('')
  writeFileSync(join(folder, `${i}.wav`), speak(text))
  return `${i}.wav\t${text}\t${i % 8 === 0 ? 'test' : i % 8 === 1 ? 'validation' : 'train'}`
})
writeFileSync(join(folder, 'clips.tsv'), ['file\tsentence\tsplit', ...lines, 'missing.wav\ta\ttrain', '0.wav\t \ttrain'].join('\n'))

test('recordings with transcripts teach a model to write down what is said', async () => {
  const data = await sounds.fromTable(join(folder, 'clips.tsv'), { text: 'sentence' })
  expect(data).toMatchObject({ kind: 'sounds', classes: [] })
  expect(data.train.rows[0]).toMatchObject({ file: '2.wav', text: expect.stringMatching(/^[abc]+$/) })
  expect(data.problems.map(({ file, rule }) => `${file}: ${rule}`)).toEqual(['0.wav: missing value', 'missing.wav: missing file'])
  const transcript = transcriptSymbols(data.train.rows.map(({ text }) => text!))
  expect(transcript).toEqual({ symbols: ['<pad>', '|', 'a', 'b', 'c'], blank: 0, space: '|', letters: 'lower', maxLength: 4 })
  const model = buildModel('wav2vec2', {
    preprocessing: { kind: 'sound', sampleRate: rate, seconds: 0.46, features: { type: 'waveform', normalize: true }, transcript },
    config: { hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 4, intermediate_size: 64, conv_dim: [24, 32], conv_kernel: [16, 8], conv_stride: [8, 5], num_conv_pos_embeddings: 8, num_conv_pos_embedding_groups: 4, hidden_dropout: 0, attention_dropout: 0, activation_dropout: 0 },
  })
  const result = await fineTune(model, data, { live: false, epochs: 25, batchSize: 16, learningRate: 1e-2, patience: false })
  expect(result).toMatchObject({ reason: 'finished', best: { metric: 'wer' } })
  const evaluation = await result.evaluate()
  expect(evaluation.cer).toBeLessThan(0.1)
  expect(evaluation.wer).toBeLessThan(0.35)
  expect((await result.predict())[0]).toMatchObject({ row: 0, truth: data.test!.rows[0]!.text, text: expect.stringMatching(/^[abc]*$/) })
  const saved = join(folder, 'saved')
  await result.save(saved)
  const again = await loadModel(saved)
  expect((await Evaluation.of(again, data.test!)).cer).toBe(evaluation.cer)
  for (const one of [model, again]) one.dispose()
})

test('frames become text: repeats count once, the symbol for nothing parts equal letters', () => {
  const t = { symbols: ['<pad>', '|', 'a', 'l', '<unk>'], blank: 0, space: '|', maxLength: 10 }
  expect(spoken([0, 2, 2, 0, 3, 3, 0, 3, 1, 1, 2, 4, 0, 1], t)).toBe('all a')
  expect(spoken([0, 0], t)).toBe('')
})

test('what does not fit is refused', async () => {
  expect(() => buildModel('wav2vec2', {})).toThrow('Pass transcript')
  expect(() => transcriptSymbols(['', ' '])).toThrow('hold no character')
  const data = await sounds.fromTable(join(folder, 'clips.tsv'), { text: 'sentence' })
  const classifier = buildModel('wav2vec2', { classes: ['a', 'b'], seconds: 0.5 })
  expect(() => fineTune(classifier, data, { live: false })).toThrow('classes are not the data')
  classifier.dispose()
})
