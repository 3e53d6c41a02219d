// A tokenizer learned from texts against Hugging Face's `tokenizers`: the same merges, ids and texts.
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { tokenizerOf, trainTokenizer } from '../../lib/data/index.js'

interface Case { size: number; least: number; vocab: Record<string, number>; merges: [string, string][]; ids: number[][]; decoded: string[] }
const judged = JSON.parse(readFileSync('tests/fixtures/bpe.json', 'utf8')) as { texts: string[]; held: string[]; cases: Case[] }

test.each(judged.cases)('$size entries, pairs seen $least times: merges, ids and texts equal the reference', ({ size, least, vocab, merges, ids, decoded }) => {
  const files = trainTokenizer(judged.texts, { vocabularySize: size, least })
  const model = files.tokenizer['model'] as { vocab: Record<string, number>; merges: [string, string][] }
  expect(model.merges).toEqual(merges)
  expect(model.vocab).toEqual(vocab)
  const tokenizer = tokenizerOf(files)
  expect(judged.held.map((text) => tokenizer.encode(text, undefined, 64).ids)).toEqual(ids.map((row) => [...row, 2]))
  expect(ids.map((row) => tokenizer.decode([...row, 2, 0, 0]))).toEqual(decoded)
  expect(tokenizer.decode([])).toBe('')
  expect(tokenizer).toMatchObject({ padId: 0, unknownId: 1 })
})

test('what cannot be learned from is refused', () => {
  expect(() => trainTokenizer([])).toThrow('the 0 texts hold no word')
  expect(() => trainTokenizer(['abcdefgh'], { vocabularySize: 5 })).toThrow('hold 9 different characters')
})
