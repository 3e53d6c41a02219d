// A look before training: every kind shows its counts, sizes and samples, describes itself, becomes figures and a frame; odd rows are shown, not tripped over.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { afterAll, expect, jest, test } from '@jest/globals'
import sharp from 'sharp'
import { disposeBatch, images, interactions, pairs, sounds, texts, type Dataset } from '../../lib/data/index.js'
import { jupyterDisplay } from '../../lib/data/look/symbols.js'
import { encodeWav } from '../../lib/data/sounds/wav.js'
import { plotData } from '../../lib/workflow/index.js'

jest.setTimeout(240_000)
const root = mkdtempSync(join(tmpdir(), 'afinar-look-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const shown = async (value: unknown) => (value as Record<symbol, () => Promise<Record<string, string>>>)[jupyterDisplay]!()
const put = (path: string, content: Buffer | string) => { mkdirSync(join(root, path, '..'), { recursive: true }); writeFileSync(join(root, path), content) }
const png = (width: number, height: number, grey: number) => sharp({ create: { width, height, channels: 3, background: { r: grey, g: 255 - grey, b: (grey * 7) % 256 } } }).png().toBuffer()

test('a data set in a text says what it is', () => {
  const data = texts.fromRows(Array.from({ length: 20 }, (_, i) => ({ text: `text ${i}`, label: i % 2 ? 'a' : 'b' })), { name: 'letters' })
  expect(`${data}`).toMatch(/^Dataset "letters" \(texts\): train \d+, validation \d+, test \d+; classes a, b$/)
  expect(`${data.train}`).toMatch(/^Split "train": \d+ rows$/)
})

test('a picture of one pixel, one of 30,000 × 30,000 and an empty one: shown, prepared, audited, the impossible one named', async () => {
  for (let i = 0; i < 24; i++) put(`odd/${i % 2 ? 'a' : 'b'}/${i}.png`, await png(20 + (i % 5), 16, i * 10))
  put('odd/a/dot.png', await png(1, 1, 7))
  // a whole PNG of 30,000 × 30,000 pixels in few bytes, were anybody to unpack it
  const chunk = (name: string, data: Buffer) => { const body = Buffer.concat([Buffer.from(name, 'latin1'), data]), out = Buffer.alloc(body.length + 8); out.writeUInt32BE(data.length, 0); body.copy(out, 4); out.writeUInt32BE(crc(body), body.length + 4); return out }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(30000, 0); header.writeUInt32BE(30000, 4); header[8] = 8
  put('odd/b/bomb.png', Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.alloc(30001 * 1000))), chunk('IEND', Buffer.alloc(0))]))
  const data = await images.fromFolder(join(root, 'odd'), { split: false })
  expect(data.problems.map(({ file, rule }) => [file, rule])).toEqual([['b/bomb.png', 'too large']])
  expect(data.train.size).toBe(25)
  for await (const batch of data.train.batches({ batchSize: 25, preprocessing: { kind: 'image', height: 8, width: 8, channels: 3, fit: 'crop', scale: { mean: [0, 0, 0], std: [255, 255, 255] } } })) {
    expect(batch.inputs['images']!.isNaN().any().dataSync()[0]).toBe(0)
    disposeBatch(batch)
  }
  const report = await data.audit(), html = (await shown(report))['text/html']!
  expect(report.findings.flatMap(({ text }) => text).join()).toMatch(/1 picture measure far less|show one even colour/)
  expect(html).toMatch(/data:image\/webp/) // findings draw their rows
  expect(Object.keys(await plotData(data))).toEqual(['classes', 'width (pixels)', 'height (pixels)'])
})

function crc(bytes: Buffer): number {
  let c = ~0
  for (const byte of bytes) { c ^= byte; for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (0xedb88320 & -(c & 1)) }
  return ~c >>> 0
}

test('format and size of files that give the class away are found, and nothing is said where they do not', async () => {
  for (let i = 0; i < 40; i++) {
    put(`camera/${i % 2 ? 'ill' : 'well'}/${i}.png`, await png(i % 2 ? 32 : 40, 32, (i * 53) % 256))
    put(`fair/${i % 2 ? 'ill' : 'well'}/${i}.png`, await png(i % 4 < 2 ? 32 : 40, 32, (i * 53) % 256))
  }
  const found = async (folder: string) => (await (await images.fromFolder(join(root, folder))).audit()).findings.filter(({ text }) => /Format and size/.test(text)).length
  expect([await found('camera'), await found('fair')]).toEqual([1, 0])
})

test.each<[string, () => Promise<Dataset<any>>, RegExp, string[]]>([
  ['texts', async () => texts.fromRows(Array.from({ length: 60 }, (_, i) => ({ text: `${'word '.repeat(1 + i)}${i}`, label: i % 2 ? 'a' : 'b', note: i === 4 ? null : i }))), /missing values: note 1/, ['classes', 'characters', 'words']],
  ['pairs', async () => pairs.fromRows(Array.from({ length: 60 }, (_, i) => ({ source: `one ${'x'.repeat(i)}`, target: `um ${i}` }))), /60 pairs/, ['characters of the source', 'characters of the target']],
  ['interactions', async () => interactions.fromRows(Array.from({ length: 60 }, (_, i) => ({ user: i % 7, item: i % 11, rating: 1 + (i % 5) }))), /60 interactions/, ['interactions per user', 'interactions per item', 'rating']],
])('%s: counts, sizes, samples, figures and frame', async (_, load, text, figures) => {
  const data = await load(), bundle = await shown(data)
  expect(bundle['text/plain']).toMatch(text)
  expect(bundle['text/html']).toContain('<table')
  const plots = await plotData(data)
  expect(Object.keys(plots)).toEqual(figures)
  for (const { data: [first] } of Object.values(plots)) expect((first!['y'] as unknown[]).length).toBeGreaterThan(0)
  const d = await data.describe()
  for (const { histogram } of Object.values(d.sizes)) expect(histogram.counts.reduce((a, b) => a + b, 0)).toBeGreaterThan(0)
  expect((await data.frame()).shape[0]).toBe(60)
})

test('recordings can be played, copies at another rate and loudness are near duplicates, a silent one is named', async () => {
  const tone = (rate: number, hz: number, gain: number) => Float32Array.from({ length: Math.round(rate * 0.5) }, (_, i) => gain * Math.sin((2 * Math.PI * hz * (1 + i / rate) * i) / rate) * Math.exp((-3 * i) / rate))
  for (let i = 0; i < 30; i++) put(`voices/${i % 2 ? 'high' : 'low'}/${i}.wav`, encodeWav(tone(8000, (i % 2 ? 900 : 200) + 13 * i, 0.6), 8000))
  put('voices/low/copy.wav', encodeWav(tone(16000, 200 + 13 * 4, 0.3), 16000))
  put('voices/low/silent.wav', encodeWav(new Float32Array(4000), 8000))
  const data = await sounds.fromFolder(join(root, 'voices'), { split: false })
  expect((await shown(data))['text/html']).toMatch(/<audio controls/)
  const report = await data.audit()
  expect(report.findings.find(({ check }) => check === 'near duplicates')!.rows.map(({ what, detail }) => `${what} ${detail}`).join()).toMatch(/(low\/copy.wav .*low\/4.wav|low\/4.wav .*low\/copy.wav)/)
  expect(report.findings.map(({ text }) => text).join()).toMatch(/1 recordings? (is|are) silent/)
})

test('translations out of step and ratings that surprise are doubted, by the right rows', async () => {
  const nouns = ['cell:célula', 'file:arquivo', 'kernel:núcleo', 'window:janela', 'server:servidor', 'page:página', 'name:nome', 'folder:pasta'], verbs = ['open:abrir', 'close:fechar', 'save:salvar', 'delete:apagar', 'move:mover', 'show:mostrar'], whens = ['now:agora', 'later:depois', 'again:novamente', 'first:primeiro']
  const all = verbs.flatMap((verb) => nouns.flatMap((noun) => whens.map((when) => [verb, noun, when].map((word) => word.split(':')))))
  const rows = Array.from({ length: 384 }, (_, i) => { const words = all[(i * 7) % all.length]!; return { source: `${words.map(([en]) => en).join(' ')} ${i}`, target: `${words.map(([, pt]) => pt).join(' ')} ${i}` } })
  const wrong = [10, 77, 200, 301, 350]
  for (const row of wrong) rows[row]!.target = rows[(row + 45) % 384]!.target
  const data = pairs.fromRows(rows, { split: false }), found = (await data.audit()).findings.find(({ check }) => check === 'label errors')!
  expect(found.rows.slice(0, 5).map(({ row }) => row).sort((a, b) => a - b)).toEqual(wrong)
  const ratings = Array.from({ length: 600 }, (_, i) => ({ user: i % 20, item: Math.floor(i / 20), rating: Math.min(5, Math.max(1, 2 + (i % 20) / 10 + (Math.floor(i / 20) % 3) / 2 + Math.sin(i * i) * 0.2)) }))
  ratings[123]!.rating = 1 + (ratings[123]!.rating < 3 ? 4 : 0)
  const odd = (await interactions.fromRows([...ratings, { ...ratings[7]!, rating: 5 }], { split: false }).audit()).findings
  expect(odd.find(({ check }) => check === 'label errors')!.rows.map(({ row }) => row)).toContain(123)
  expect(odd.find(({ check }) => check === 'conflicting labels')!.rows).toHaveLength(2)
})

/** A zip of stored entries. */
function zipOf(files: Record<string, Buffer>): Buffer {
  const local: Buffer[] = [], central: Buffer[] = []
  let at = 0
  for (const [name, data] of Object.entries(files)) {
    const head = Buffer.alloc(30), entry = Buffer.alloc(46), title = Buffer.from(name)
    head.writeUInt32LE(0x04034b50, 0); head.writeUInt16LE(20, 4); head.writeUInt32LE(crc(data), 14); head.writeUInt32LE(data.length, 18); head.writeUInt32LE(data.length, 22); head.writeUInt16LE(title.length, 26)
    entry.writeUInt32LE(0x02014b50, 0); entry.writeUInt16LE(20, 4); entry.writeUInt16LE(20, 6); entry.writeUInt32LE(crc(data), 16); entry.writeUInt32LE(data.length, 20); entry.writeUInt32LE(data.length, 24); entry.writeUInt16LE(title.length, 28); entry.writeUInt32LE(at, 42)
    local.push(head, title, data)
    central.push(entry, title)
    at += 30 + title.length + data.length
  }
  const end = Buffer.alloc(22), size = central.reduce((sum, { length }) => sum + length, 0)
  end.writeUInt32LE(0x06054b50, 0); end.writeUInt16LE(Object.keys(files).length, 8); end.writeUInt16LE(Object.keys(files).length, 10); end.writeUInt32LE(size, 12); end.writeUInt32LE(at, 16)
  return Buffer.concat([...local, ...central, end])
}

test('pictures and recordings in a zip; one that leads out is refused and leaves nothing', async () => {
  process.env['AFINAR_CACHE'] = join(root, 'cache')
  const some = await Promise.all(Array.from({ length: 8 }, async (_, i) => [`${i % 2 ? 'a' : 'b'}/${i}.png`, await png(8, 8, i * 30)] as const))
  put('good.zip', zipOf(Object.fromEntries(some)))
  const data = await images.fromFolder(join(root, 'good.zip'), { split: false })
  expect([data.train.size, data.classes]).toEqual([8, ['a', 'b']])
  put('evil.zip', zipOf({ ...Object.fromEntries(some), '../../evil.png': some[0]![1] }))
  await expect(images.fromFolder(join(root, 'evil.zip'))).rejects.toThrow(/Cannot unpack/)
  expect(existsSync(join(root, 'evil.png'))).toBe(false)
})
