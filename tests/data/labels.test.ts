// Labels that are not one class a row: several, none, numbers, tags of words; in texts, pictures and tables, and what is wrong with them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, expect, test } from '@jest/globals'
import sharp from 'sharp'
import { disposeBatch, images, texts, Tokenizer, trainTokenizer, type Dataset, type ImagePreprocessing, type Preprocessing, type TextPreprocessing } from '../../lib/data/index.js'
import { wordPiece } from '../../lib/data/texts/tokenizer.js'

const root = mkdtempSync(join(tmpdir(), 'afinar-labels-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const file = (name: string, content: string | Buffer) => { writeFileSync(join(root, name), content); return join(root, name) }

const files = { tokenizer: wordPiece(gunzipSync(readFileSync('tests/fixtures/data/bert-vocab.txt.gz')).toString('utf8')) }
const preprocessing: TextPreprocessing = { kind: 'text', tokenizer: files, maxLength: 16 }

async function labelsOf(data: Dataset<any>, p: Preprocessing, batchSize: number): Promise<{ values: number[]; shape: number[]; dtype: string; weights: number[] }[]> {
  const out = []
  for await (const batch of data.train.batches({ batchSize, preprocessing: p })) {
    out.push({ values: Array.from(batch.labels.dataSync()), shape: batch.labels.shape, dtype: batch.labels.dtype, weights: Array.from(batch.weights.dataSync()) })
    disposeBatch(batch)
  }
  return out
}

const films = [{ text: 'A ghost falls in love', genres: 'Horror|Romance' }, { text: 'Two cooks', genres: 'Comedy' }, { text: 'A year of rain', genres: '' }]

test('several classes a row: from a cell, from lists and from columns of yes and no the same, none is an answer too', async () => {
  const cell = texts.fromRows(films, { labels: 'genres', split: false })
  expect(cell.task).toBe('multi-label')
  expect(cell.classes).toEqual(['Comedy', 'Horror', 'Romance'])
  expect(cell.train.rows.map(({ labels }) => labels)).toEqual([['Horror', 'Romance'], ['Comedy'], []])
  expect(cell.train.counts).toEqual([1, 1, 1])
  const wanted = [{ values: [0, 1, 1, 1, 0, 0], shape: [2, 3], dtype: 'float32', weights: [1, 1] }, { values: [0, 0, 0, 0, 0, 0], shape: [2, 3], dtype: 'float32', weights: [1, 0] }]
  expect(await labelsOf(cell, preprocessing, 2)).toEqual(wanted)
  const lists = await texts.fromTable(file('films.jsonl', films.map(({ text, genres }) => JSON.stringify({ text, genres: genres === '' ? [] : genres.split('|') })).join('\n')), { labels: 'genres', split: false })
  expect(await labelsOf(lists, preprocessing, 2)).toEqual(wanted)
  const columns = await texts.fromTable(file('films.csv', `text,Comedy,Horror,Romance\n${films.map(({ text, genres }) => `${text},${['Comedy', 'Horror', 'Romance'].map((name) => Number(genres.includes(name)))}`).join('\n')}`), { labels: ['Comedy', 'Horror', 'Romance'], split: false })
  expect(await labelsOf(columns, preprocessing, 2)).toEqual(wanted)
})

test('a split keeps the rarest class in every part, and a set shows and audits itself', async () => {
  const many = texts.fromRows(Array.from({ length: 400 }, (_, i) => ({ text: `film number ${i} of many`, genres: ['drama', ...(i % 4 === 0 ? ['war'] : []), ...(i % 40 === 0 ? ['western'] : [])] })), { labels: 'genres' })
  const western = many.classes.indexOf('western')
  for (const { counts, size } of Object.values(many.splits)) expect(counts[western]! / size).toBeGreaterThan(0.005)
  expect((await many.describe()).splits.map(({ byClass }) => byClass['drama']).reduce((a, b) => a! + b!)).toBe(400)
  expect(String(await many.audit())).not.toMatch(/label errors|Always saying/)
})

test('what cannot be several classes is said', () => {
  const problems = (rows: object[], labels: string | string[], more = {}) => texts.fromRows(rows, { labels, split: false, ...more }).problems.map(({ file, detail }) => `${file}: ${detail}`)
  expect(problems([{ text: 'a', x: 1, y: 0 }, { text: 'b', x: 'maybe', y: 1 }, { text: 'c', x: null, y: 1 }], ['x', 'y'])).toEqual(expect.arrayContaining([expect.stringMatching(/row 1: column "x" must say 1 or 0.*got "maybe"/), expect.stringMatching(/row 2: column "x" is empty/)]))
  expect(problems(films, 'genres', { classes: ['Comedy', 'Horror'] })).toEqual([expect.stringMatching(/^Romance: it is not among the classes/)])
  expect(() => texts.fromRows(films, { labels: 'kinds' })).toThrow(/column for labels is "kinds".*Columns are text, genres/)
  expect(() => texts.fromRows([{ text: 'a', genres: '' }], { labels: 'genres' })).toThrow(/not one usable row has a class/)
  expect(() => texts.fromRows(films, { labels: 'genres', value: 'text' } as never)).toThrow(/labels is for rows with several classes, value for numbers/)
})

test('numbers: as they are, rows without a finite one are left out', async () => {
  const stars = texts.fromRows([{ text: 'good', stars: 4.5 }, { text: 'bad', stars: '1' }, { text: 'what', stars: 'many' }, { text: 'void', stars: null }], { value: 'stars', split: false })
  expect([stars.task, stars.classes, stars.train.rows]).toEqual(['regression', [], [{ text: 'good', value: 4.5 }, { text: 'bad', value: 1 }]])
  expect(await labelsOf(stars, preprocessing, 2)).toEqual([{ values: [4.5, 1], shape: [2], dtype: 'float32', weights: [1, 1] }])
  expect(stars.problems.map(({ rule }) => rule)).toEqual(['missing label', 'missing label'])
  expect(() => texts.fromRows([{ text: 'a', stars: 3 }, { text: 'b', stars: 3 }], { value: 'stars' })).toThrow(/"stars" is 3 in every row/)
})

test('pictures with several classes and with a number; mixup is refused', async () => {
  for (const name of ['a', 'b', 'c']) await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } }).png().toFile(join(root, `${name}.png`))
  const table = file('index.csv', 'file,findings,age\na.png,edema;effusion,31\nb.png,,47.5\nc.png,edema,60\n')
  const p: ImagePreprocessing = { kind: 'image', height: 8, width: 8, channels: 3, scale: { mean: [0, 0, 0], std: [255, 255, 255] } }
  const findings = await images.fromTable(table, { labels: 'findings', split: false })
  expect(findings.train.rows[0]).toEqual({ file: 'a.png', labels: ['edema', 'effusion'], age: 31, width: 8, height: 8 })
  expect((await labelsOf(findings, p, 3))[0]!.values).toEqual([1, 1, 0, 0, 1, 0])
  const ages = await images.fromTable(table, { value: 'age', split: false })
  expect((await labelsOf(ages, p, 3))[0]!.values).toEqual([31, 47.5, 60])
  await expect(async () => { for await (const batch of findings.train.batches({ batchSize: 2, preprocessing: p, shuffle: { seed: 0, epoch: 1 }, augment: { mixup: 0.2 } })) disposeBatch(batch) }).rejects.toThrow(/mixup is for rows of one class each/)
})

const sentences = [{ words: ['Ada', 'Lovelace', 'unbelievably', 'left', 'Ockham', '.'], tags: ['B-person', 'I-person', 'O', 'O', 'B-place', 'O'] }, { words: ['Nothing', 'here'], tags: ['O', 'O'] }]

test('tags belong to the first token of their word, the rest counts nothing', async () => {
  const data = await texts.fromTags(sentences, { split: false }), tokenizer = new Tokenizer(files)
  expect(String((await (data as unknown as Record<symbol, () => Promise<Record<string, string>>>)[Symbol.for('Jupyter.display')]!())['text/plain'])).toMatch(/O +5 +5\ntexts +2 +2/)
  expect([data.task, data.classes, data.train.counts]).toEqual(['token', ['B-person', 'B-place', 'I-person', 'O'], [1, 1, 1, 5]])
  const [batch] = await labelsOf(data, preprocessing, 2), width = batch!.shape[1]!
  const whole = tokenizer.encode(sentences[0]!.words.join(' '), undefined, 16).ids, byWord = tokenizer.encodeWords(sentences[0]!.words, 16)
  expect(byWord.ids).toEqual(whole)
  const labels = batch!.values.slice(0, width)
  expect(byWord.starts!.map((at) => labels[at])).toEqual([0, 2, 3, 3, 1, 3])
  expect(labels.filter((label) => label !== -100)).toHaveLength(6)
  expect(batch!.values.slice(width).filter((label) => label !== -100)).toEqual([3, 3])
})

test.each([['byte pairs with spaces', trainTokenizer(['ada left the old house', 'the house of ada'], { vocabularySize: 60, least: 1 })], ['word pieces', files]])('words one by one are the tokens of the whole text: %s', (_, tokenizer) => {
  const words = ['the', 'old', 'ada', 'left']
  expect(new Tokenizer(tokenizer).encodeWords(words, 32).ids).toEqual(new Tokenizer(tokenizer).encode(words.join(' '), undefined, 32).ids)
  const short = new Tokenizer(tokenizer).encodeWords(words, 4)
  expect(short.ids).toHaveLength(4)
  expect(short.starts!.every((at) => at < 4)).toBe(true)
})

test('a CoNLL file, and what is wrong with tags', async () => {
  const conll = file('names.conll', `-DOCSTART- -X- O\n\n${sentences.map(({ words, tags }) => words.map((word, i) => `${word} NN ${tags[i]}`).join('\n')).join('\n\n')}\n`)
  expect((await texts.fromTags(conll, { split: false })).train.rows).toEqual(sentences)
  await expect(texts.fromTags(file('broken.conll', 'Ada B-person\nleft\n'))).rejects.toThrow(/a line must hold a word and its tag, got "left"/)
  await expect(texts.fromTags(join(root, 'none.conll'))).rejects.toThrow(/there is no such file/)
  await expect(texts.fromTags([{ words: ['a'], tags: ['O'] }])).rejects.toThrow(/needs at least 2, got 1/)
  const uneven = await texts.fromTags([...sentences, { words: ['one', 'two'], tags: ['O'] }, { words: 'no list', tags: [] }], { split: false })
  expect(uneven.train.size).toBe(2)
  const known = await texts.fromTags(sentences, { split: false, classes: ['B-person', 'O'] })
  expect([known.train.counts, known.problems.map(({ file, detail }) => `${file}: ${detail}`)]).toEqual([[1, 5], ['I-person: it is not among the classes B-person, O; its words count nothing', 'B-place: it is not among the classes B-person, O; its words count nothing']])
  expect(uneven.problems.map(({ detail }) => detail)).toEqual(['2 words have 1 tags; the row is left out', expect.stringMatching(/must hold lists, got "no list"/)])
})
