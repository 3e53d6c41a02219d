// Texts: tokens against Hugging Face's own, batches, tables in every state, the audit of a real collection.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, expect, jest, test } from '@jest/globals'
import { disposeBatch, table, texts, Tokenizer, type TextPreprocessing } from '../../lib/data/index.js'
import { wordPiece } from '../../lib/data/texts/tokenizer.js'

jest.setTimeout(120_000)
const root = mkdtempSync(join(tmpdir(), 'afinar-texts-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const file = (name: string, content: string | Buffer) => { writeFileSync(join(root, name), content); return join(root, name) }

interface Judged { single: { text: string; ids: number[] }[]; pairs: { a: string; b: string; max_length: number; input_ids: number[]; token_type_ids: number[]; attention_mask: number[] }[] }
const judged = JSON.parse(readFileSync('tests/fixtures/wordpiece_minilm.json', 'utf8')) as Judged
const files = { tokenizer: wordPiece(gunzipSync(readFileSync('tests/fixtures/data/bert-vocab.txt.gz')).toString('utf8')) }
const tokenizer = new Tokenizer(files)

test.each(judged.single.map(({ text, ids }) => [JSON.stringify(text.slice(0, 40)), text, ids] as const))('tokens equal the reference: %s', (_, text, ids) => {
  expect(tokenizer.encode(text, undefined, 10_000).ids).toEqual(ids)
})

test.each(judged.pairs)('a pair is cut and typed as the reference: $max_length tokens', ({ a, b, max_length, input_ids, token_type_ids, attention_mask }) => {
  const real = attention_mask.reduce((sum, value) => sum + value, 0)
  expect(tokenizer.encode(a, b, max_length)).toEqual({ ids: input_ids.slice(0, real), types: token_type_ids.slice(0, real) })
})

test('a tokenizer that is none is refused by what is missing', () => {
  expect(() => new Tokenizer({ tokenizer: { hello: 1 } })).toThrow(/must have a model with a vocabulary, got hello/)
  expect(() => tokenizer.encode('x', undefined, 2)).toThrow(/room for the 2 special tokens, got 2/)
})

const rows = Array.from({ length: 40 }, (_, i) => ({ text: `${'word '.repeat(1 + (i % 7) * 6)}number ${i}`, label: i % 2 ? 'odd' : 'even' }))
const preprocessing: TextPreprocessing = { kind: 'text', tokenizer: files, maxLength: 48 }

test('batches hold rows of like lengths in few widths, cover every row once, and repeat for a seed', async () => {
  const { train } = texts.fromRows(rows, { split: false })
  const epoch = async (n: number) => {
    const seen: number[][] = [], widths: number[] = []
    let tokens = 0
    for await (const batch of train.batches({ batchSize: 8, preprocessing, shuffle: { seed: 0, epoch: n } })) {
      const { input_ids: ids, attention_mask: mask, token_type_ids: types } = batch.inputs
      expect([ids!.shape, types!.shape]).toEqual([mask!.shape, mask!.shape])
      expect(ids!.dataSync()[0]).toBe(101)
      tokens += mask!.sum().dataSync()[0]!
      seen.push(batch.rows)
      widths.push(ids!.shape[1]!)
      disposeBatch(batch)
    }
    return { seen, widths, padded: 8 * widths.reduce((a, b) => a + b, 0) / tokens }
  }
  const first = await epoch(1)
  expect(first.seen.flat().sort((a, b) => a - b)).toEqual(rows.map((_, i) => i))
  expect(new Set(first.widths)).toEqual(new Set([16, 24, 40, 48]))
  expect(first.padded).toBeLessThan(1.4)
  expect(await epoch(1)).toEqual(first)
  expect((await epoch(2)).seen).not.toEqual(first.seen)
})

test('equal texts are never torn apart', () => {
  const data = texts.fromRows(Array.from({ length: 300 }, (_, i) => ({ text: `message ${i % 60}`, label: i % 60 < 30 ? 'a' : 'b' })))
  const parts = Object.values(data.splits).map(({ rows }) => new Set(rows.map(({ text }) => text)))
  expect(parts.reduce((sum, { size }) => sum + size, 0)).toBe(60)
  expect(data.test!.size).toBeGreaterThan(0)
})

test('reads quotes across lines, a byte order mark, separators, Latin-1 and UTF-16, and 5,000 columns', async () => {
  const csv = 'text,label\n"two\nlines, ""quoted""",a\nplain,b\nçà,a\n'
  for (const path of [file('plain.csv', csv), file('bom.csv', `\ufeff${csv}`), file('utf16.csv', Buffer.from(`\ufeff${csv}`, 'utf16le')), file('semicolon.csv', csv.replace(/(?<=^|\n)(text|plain|çà|"two\nlines, ""quoted""")?,/g, '$1;').replace('"two\nlines, ""quoted""",a', '"two\nlines, ""quoted""";a'))]) {
    const { train } = await texts.fromTable<{ text: string }>(path, { split: false })
    expect([path, train.rows.map(({ text }) => text)]).toEqual([path, ['two\nlines, "quoted"', 'plain', 'çà']])
  }
  const latin = await texts.fromTable(file('latin.csv', Buffer.from('text,label\ncafé,a\nthé,b\n', 'latin1')), { split: false })
  expect([latin.train.rows[0]!.text, latin.notes.join()]).toEqual(['café', expect.stringMatching(/not UTF-8 throughout/)])
  const wide = file('wide.csv', `${Array.from({ length: 5000 }, (_, i) => `c${i}`).join()},text,label\n${['a', 'b'].map((label) => `${'1,'.repeat(5000)}some text,${label}`).join('\n')}\n`)
  expect((await texts.fromTable<{ c4999: number }>(wide, { split: false })).train.rows[1]!.c4999).toBe(1)
})

test('says what is wrong with a table', async () => {
  await expect(texts.fromTable(join(root, 'none.csv'))).rejects.toThrow(/there is no such file/)
  await expect(texts.fromTable(file('empty.csv', ''))).rejects.toThrow(/it is empty \(0 bytes\)/)
  await expect(texts.fromTable(file('a.csv', 'x,y\n1,2\n'))).rejects.toThrow(/column for text is "text".*Columns are x, y/)
  await expect(texts.fromTable(file('b.csv', 'text,label\nx,a\ny,a\n'))).rejects.toThrow(/needs at least 2 with examples, got 1 \("a"\)/)
  expect(texts.fromRows([{ text: 'x', label: 'a' }, { text: 'y', label: 'b' }, { text: 'z', label: NaN }, { text: ' ', label: 'b' }]).problems.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['missing label', 'missing value']))
})

test('a table becomes a danfojs frame, or stays on disk and answers questions', async () => {
  const path = file('numbers.csv', `id,value\n${Array.from({ length: 1000 }, (_, i) => `${i},${i % 10}`).join('\n')}\n`)
  const frame = await table(path)
  expect([frame.shape, frame.columns]).toEqual([[1000, 2], ['id', 'value']])
  await expect(table(path, { mostRows: 100 })).rejects.toThrow(/more than 100 rows.*table.lazy/)
  const lazy = await table.lazy(path)
  expect(await lazy.where('value = 3').count()).toBe(100)
  expect((await lazy.sort('id', 'descending').head(2).rows()).map(({ id }) => id)).toEqual([999, 998])
  expect(await lazy.sample(5, 1).rows()).toEqual(await lazy.sample(5, 1).rows())
  await expect(lazy.where('nothing = 1').count()).rejects.toThrow(/Cannot query "numbers.csv"/)
  await table.sql(`COPY (SELECT * FROM '${path}') TO '${join(root, 'numbers.parquet')}'`).rows().catch(() => undefined)
})

const collection = process.env['AFINAR_DATA']
const withData = collection ? test : test.skip

withData('the audit of the SMS collection finds the 60 messages that stand in training and in test', async () => {
  const { train, validation, test: tested } = JSON.parse(readFileSync(join(collection!, 'splits/sms.json'), 'utf8')) as Record<string, number[]>
  const data = await texts.fromTable(join(collection!, 'sms-spam-collection.tsv'), { text: 'SMS', label: 'Label', split: { train: train!, validation: validation!, test: tested! } })
  expect([data.train.size, data.validation!.size, data.test!.size]).toEqual([4459, 557, 558])
  const leak = (await data.audit()).findings.find(({ check, severity }) => check === 'leak between splits' && severity === 'error')!
  const known = new Set(data.train.rows.map(({ text }) => text))
  const truth = data.test!.rows.flatMap(({ text }, row) => known.has(text) ? [row] : [])
  expect(truth).toHaveLength(60)
  expect(leak.rows.filter(({ split, detail }) => split === 'test' && detail!.includes('train[')).map(({ row }) => row).sort((a, b) => a - b)).toEqual(truth)
})
