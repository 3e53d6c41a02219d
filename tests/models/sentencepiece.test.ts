// Marian's two SentencePiece models as tokenizers: the ids and texts of transformers' MarianTokenizer; damaged files.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import { tokenizerOf, type PairPreprocessing } from '../../lib/data/index.js'
import { buildModel, loadModel } from '../../lib/models/index.js'
import { readSentencePiece } from '../../lib/models/formats/sentencepiece.js'
import { engine } from './engine.js'
import { mutate, ours, seeded, temporary } from './support.js'

beforeAll(engine)
const judged = JSON.parse(readFileSync('tests/fixtures/marian_tokenizer.json', 'utf8')) as { 'source.spm': string; 'target.spm': string; vocab: Record<string, number>; source: string[]; source_ids: number[][]; target: string[]; target_ids: number[][]; decoded: string[] }

test('a Marian model as published loads with both tokenizers', async () => {
  const folder = temporary(), size = Object.keys(judged.vocab).length, config = { vocab_size: size, d_model: 16, encoder_layers: 1, decoder_layers: 1, encoder_attention_heads: 2, decoder_attention_heads: 2, encoder_ffn_dim: 24, decoder_ffn_dim: 24, max_position_embeddings: 64, pad_token_id: judged.vocab['<pad>'], eos_token_id: 0, decoder_start_token_id: judged.vocab['<pad>'], bad_words_ids: [[judged.vocab['<pad>']]] }
  const made = buildModel('marian', { config, preprocessing: { kind: 'pair', source: { tokenizer: { model: { vocab: {} }, post_processor: { sep: ['</s>', 0] } } }, maxSourceLength: 10, maxTargetLength: 10, decoderStart: 0 } })
  await made.save(folder)
  made.dispose()
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, model_type: 'marian', architectures: ['MarianMTModel'] }))
  for (const name of ['source.spm', 'target.spm'] as const) writeFileSync(join(folder, name), Buffer.from(judged[name], 'base64'))
  writeFileSync(join(folder, 'vocab.json'), JSON.stringify(judged.vocab))
  const model = await loadModel(folder), p = model.preprocessing as PairPreprocessing
  const source = tokenizerOf(p.source), target = tokenizerOf(p.target!)
  expect(judged.source.map((text) => source.encode(text, undefined, 64).ids)).toEqual(judged.source_ids)
  expect(judged.target.map((text) => target.encode(text, undefined, 64).ids)).toEqual(judged.target_ids)
  expect(judged.target_ids.map((ids) => target.decode(ids).trim())).toEqual(judged.decoded)
  expect(p).toMatchObject({ decoderStart: judged.vocab['<pad>'], maxSourceLength: 64 })
  expect(source.padId).toBe(judged.vocab['<pad>'])
  model.dispose()
})

test('a damaged model is refused or read, never more', () => {
  const bytes = Buffer.from(judged['source.spm'], 'base64'), random = seeded(9)
  expect(() => readSentencePiece(bytes.subarray(0, 100), 'source.spm')).toThrow('it is no SentencePiece model, or cut off')
  expect(() => readSentencePiece(new Uint8Array(), 'source.spm')).toThrow('it holds no pieces')
  for (let i = 0; i < 2000; i++) try { readSentencePiece(mutate(bytes, random), 'source.spm') } catch (error) { ours(error) }
})
