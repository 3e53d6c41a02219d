// Formats against those who made them: FLAC and MP3 against libsndfile, Arrow against pyarrow, BPE and Unigram against Hugging Face; and seeded damage to each.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, jest, test } from '@jest/globals'
import { table, texts, Tokenizer } from '../../lib/data/index.js'
import { randomStream } from '../../lib/data/random.js'
import { decodeSound } from '../../lib/data/sounds/decode.js'

jest.setTimeout(300_000)
const root = mkdtempSync(join(tmpdir(), 'afinar-readers-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const stored = <T>(name: string) => JSON.parse(readFileSync(`tests/fixtures/data/${name}.json`, 'utf8')) as T
const bytes = (text: string) => Buffer.from(text, 'base64')

const recordings = stored<Record<string, { file: string; rate: number; channels: number; samples: string }>>('recordings')

test.each(Object.entries(recordings))('decodes as libsndfile: %s', async (name, { file, rate, channels, samples }) => {
  const sound = await decodeSound(bytes(file)), judged = bytes(samples), expected = Float32Array.from({ length: judged.length / 2 }, (_, i) => judged.readInt16LE(i * 2) / 32767)
  expect([sound.rate, sound.channels]).toEqual([rate, channels])
  // an MP3 says nothing certain about where the sound begins: decoders leave out more or less of the encoder's delay
  const apart = (shift: number) => { let worst = 0; for (let i = 2000; i < expected.length - 2000; i += 11) worst = Math.max(worst, Math.abs(sound.samples[i + shift]! - expected[i]!)); return worst }
  if (name.startsWith('flac')) {
    expect(sound.samples.length).toBe(expected.length)
    expect(apart(0)).toBeLessThan(1e-4)
  } else {
    expect(Math.min(...Array.from({ length: 2401 }, (_, i) => i - 1200).map(apart))).toBeLessThan(2e-3)
  }
})

/** Seeded changes of single bytes, cuts and repetitions. */
function* mutations(good: Buffer, count: number, seed: number): Generator<Buffer> {
  const random = randomStream(seed)
  for (let n = 0; n < count; n++) {
    const kind = random()
    const changed = kind < 0.15 ? Buffer.from(good.subarray(0, Math.floor(random() * good.length))) : kind < 0.25 ? Buffer.concat([good, good.subarray(Math.floor(random() * good.length))]) : Buffer.from(good)
    if (changed.length > 0) for (let k = 0; k < 1 + random() * 4; k++) changed[Math.floor(random() * (random() < 0.5 ? Math.min(64, changed.length) : changed.length))] = Math.floor(random() * 256)
    yield changed
  }
}

test.each(['flac 16 bits, stereo', 'mp3 mono'])('damaged recordings end in an error or in finite samples: %s', async (name) => {
  for (const changed of mutations(bytes(recordings[name]!.file), Number(process.env['AFINAR_MUTATIONS'] ?? 60), 5)) {
    try {
      const { samples, rate } = await decodeSound(changed)
      expect(samples.length > 0 && rate >= 100 && samples.every(Number.isFinite)).toBe(true)
    } catch (error) { expect((error as Error).message).toMatch(/^Cannot decode the recording/) }
  }
  expect((await decodeSound(bytes(recordings[name]!.file))).samples.length).toBeGreaterThan(5000) // and the decoder still works
})

const arrow = stored<Record<'feather' | 'stream' | 'lz4', string>>('arrow')
const arrowFile = (name: string, content: Buffer) => { writeFileSync(join(root, name), content); return join(root, name) }

test.each(['feather', 'stream'] as const)('reads Arrow as pyarrow wrote it, missing values and all: %s', async (kind) => {
  const lazy = await table.lazy(arrowFile(`${kind}.arrow`, bytes(arrow[kind])))
  expect(await lazy.rows()).toEqual([
    { id: 1, small: 1, value: 0.5, text: 'ant', kind: 'x', yes: true, day: new Date('1970-01-01'), time: new Date(1_500_000_000_123), list: '[1,2]' },
    { id: 2, small: null, value: NaN, text: null, kind: 'y', yes: false, day: new Date(19000 * 86_400_000), time: null, list: '[]' },
    { id: 3, small: -3, value: null, text: 'bee, "quoted"', kind: 'x', yes: null, day: null, time: new Date(0), list: null },
  ])
  expect(await lazy.where('id > 1').count()).toBe(2)
  expect((await lazy.values())['id']).toEqual(Float64Array.of(1, 2, 3))
})

test('a packed Arrow file and a damaged one say what to do', async () => {
  await expect(table.lazy(arrowFile('packed.feather', bytes(arrow.lz4)))).rejects.toThrow(/Cannot read the table "packed.feather": .*uncompressed/)
  let read = 0
  for (const [n, changed] of [...mutations(bytes(arrow.feather), Number(process.env['AFINAR_MUTATIONS'] ?? 60), 6)].entries()) {
    try {
      await (await table.lazy(arrowFile(`damaged${n}.arrow`, changed))).rows()
      read++
    } catch (error) { expect((error as Error).message).toMatch(/^Cannot (read the table|query)/) }
  }
  expect(read).toBeGreaterThan(0)
})

test('damaged CSV, JSON lines and Parquet end in an error or a table', async () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({ text: `line ${i}, "with" quotes`, label: i % 2 ? 'a' : 'b', n: i }))
  const csv = Buffer.from(`text,label,n\n${rows.map(({ text, label, n }) => `"${text.replaceAll('"', '""')}",${label},${n}`).join('\n')}\n`), lines = Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'))
  const plain = arrowFile('good.csv', csv)
  await table.sql(`COPY (SELECT * FROM '${plain}') TO '${join(root, 'good.parquet')}'`).rows().catch(() => undefined)
  for (const [ending, good, seed] of [['csv', csv, 7], ['jsonl', lines, 8], ['parquet', readFileSync(join(root, 'good.parquet')), 9]] as const) {
    for (const [n, changed] of [...mutations(good, Number(process.env['AFINAR_MUTATIONS'] ?? 12), seed)].entries()) {
      try { expect((await table(arrowFile(`mutated${n}.${ending}`, changed))).shape[0]).toBeGreaterThanOrEqual(0) } catch (error) { expect((error as Error).message).toMatch(/^Cannot (read|make)/) }
    }
  }
})

interface Judged { tokenizer: Record<string, unknown>; single: { text: string; ids: number[]; back: string }[]; pair: { a: string; b: string; ids: number[] }[] }

test.each(Object.entries(stored<Record<string, Judged>>('tokenizers')))('tokens and texts equal the reference: %s', (_, { tokenizer, single, pair }) => {
  const own = new Tokenizer({ tokenizer })
  expect(single.map(({ text }) => own.encode(text, undefined, 10_000).ids)).toEqual(single.map(({ ids }) => ids))
  expect(pair.map(({ a, b }) => own.encode(a, b, 10_000).ids)).toEqual(pair.map(({ ids }) => ids))
  expect(single.map(({ ids }) => own.decode(ids))).toEqual(single.map(({ back }) => back))
})

test('unknown words only, repeated ids and a file with holes of 10 GB are read or refused in words', async () => {
  const { tokenizer } = stored<Record<string, Judged>>('tokenizers')['Unigram']!, own = new Tokenizer({ tokenizer })
  expect(own.encode('漢字漢字', undefined, 16).ids.every((id) => id < own.vocabularySize)).toBe(true)
  const twice = texts.fromRows([{ id: 1, text: 'x', label: 'a' }, { id: 1, text: 'y', label: 'b' }, { id: 1, text: 'x', label: 'a' }], { split: false })
  expect(twice.train.size).toBe(3)
  const { truncateSync } = await import('node:fs')
  const sparse = arrowFile('sparse.parquet', Buffer.from('PAR1'))
  truncateSync(sparse, 10e9)
  await expect(table(sparse)).rejects.toThrow(/^Cannot read the table/)
  const holes = arrowFile('sparse.arrow', Buffer.from('ARROW1'))
  truncateSync(holes, 10e9)
  await expect(table(holes)).rejects.toThrow(/^Cannot read the table/)
})
