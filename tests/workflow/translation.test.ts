// A translator from end to end: learns from pairs, writes, is measured by BLEU, saves and loads with both tokenizers.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { pairs, trainTokenizer } from '../../lib/data/index.js'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel, loadModel } from '../../lib/models/index.js'
import { Evaluation, fineTune, translate } from '../../lib/workflow/index.js'

jest.setTimeout(240_000)
beforeAll(() => { startEngine() })

const english = ['one', 'two', 'three', 'four', 'five', 'six'], portuguese = ['um', 'dois', 'três', 'quatro', 'cinco', 'seis']
let state = 7
const random = (n: number) => Math.floor(((state = (state * 16807) % 2147483647) / 2147483647) * n)
const rows = Array.from({ length: 500 }, () => {
  const ids = Array.from({ length: 1 + random(4) }, () => random(6))
  return { source: ids.map((i) => english[i]).join(' '), target: ids.map((i) => portuguese[i]).join(' ') }
})
const sizes = { hidden_size: 48, num_hidden_layers: 1, num_attention_heads: 4, intermediate_size: 96, max_position_embeddings: 20 }

test('a new translator learns numbers, writes them, and loads again', async () => {
  const data = pairs.fromRows(rows)
  const source = trainTokenizer(rows.map((row) => row.source), { vocabularySize: 60 }), target = trainTokenizer(rows.map((row) => row.target), { vocabularySize: 60 })
  const model = buildModel('encoder-decoder', { preprocessing: { kind: 'pair', source, target, maxSourceLength: 16, maxTargetLength: 16, decoderStart: 0 }, config: { encoder: sizes, decoder: sizes } })
  const tensors = tf.memory().numTensors
  const result = await fineTune(model, data, { live: false, epochs: 25, batchSize: 32, learningRate: 4e-3, metric: 'chrf', patience: false })
  expect(result.history.at(-1)!.validation).toMatchObject({ accuracy: expect.any(Number), bleu: expect.any(Number), chrf: expect.any(Number) })
  const evaluation = await result.evaluate()
  expect(evaluation.chrf).toBeGreaterThan(90)
  expect(evaluation.figures['exact']!.value).toBeGreaterThan(0.9)
  const [first] = await result.predict()
  expect(first).toEqual({ row: 0, text: data.test!.rows[0]!.target, truth: data.test!.rows[0]!.target })
  const texts = ['two five', '', 'three one six', 'four']
  const written = await translate(model, texts)
  expect(written).toEqual(['dois cinco', '', 'três um seis', 'quatro'])
  expect(await translate(model, texts, { beams: 3, batchSize: 2 })).toEqual(written)
  expect(tf.memory().numTensors).toBe(tensors)
  const folder = join(mkdtempSync(join(tmpdir(), 'afinar-')), 'translator')
  await result.save(folder)
  const again = await loadModel(folder)
  expect(await translate(again, texts)).toEqual(written)
  expect((await Evaluation.of(again, data.test!)).bleu).toBe(evaluation.bleu)
  await expect(translate(again, [3 as never])).rejects.toThrow('text 0 is number')
  for (const one of [model, again]) one.dispose()
})
