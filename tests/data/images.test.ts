// Pictures from folders, tables and archives, the broken ones and the odd ones among them; batches and their order.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import sharp from 'sharp'
import * as tar from 'tar'
import { disposeBatch, images, samples, type Batch, type ImagePreprocessing, type Split } from '../../lib/data/index.js'
import { jupyterDisplay } from '../../lib/data/look/symbols.js'

jest.setTimeout(120_000)
const root = mkdtempSync(join(tmpdir(), 'afinar-images-'))
process.env['AFINAR_CACHE'] = join(root, 'cache')
afterAll(() => rmSync(root, { recursive: true, force: true }))

const bmp = () => Buffer.from((JSON.parse(readFileSync('tests/fixtures/data/pictures.json', 'utf8')) as { bitmaps: Record<string, { file: string }> }).bitmaps['24 bits']!.file, 'base64')
const picture = (n: number, format: 'jpeg' | 'png' | 'webp' | 'gif' = 'png') =>
  sharp(Buffer.from(Array.from({ length: 12 * 10 * 3 }, (_, i) => (i * 31 + n * 97 * (i % 7)) % 256)), { raw: { width: 12, height: 10, channels: 3 } }).toFormat(format).toBuffer()

async function write(folder: string, files: Record<string, Buffer | string | Promise<Buffer>>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, await content)
  }
  return join(root, folder)
}

const many = (prefix: string, n: number, first = 0) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`${prefix}/${i}.png`, picture(i + first)]))
const small: ImagePreprocessing = { kind: 'image', height: 6, width: 8, channels: 3, scale: { mean: [127, 127, 127], std: [128, 128, 128] } }

async function collect<Row extends object>(split: Split<Row>, o: Partial<Parameters<Split['batches']>[0]> = {}): Promise<{ rows: number[][]; images: Float32Array[]; batches: { size: number; shape: number[]; weights: number[]; labels: number[]; mixed: boolean }[] }> {
  const out = { rows: [] as number[][], images: [] as Float32Array[], batches: [] as { size: number; shape: number[]; weights: number[]; labels: number[]; mixed: boolean }[] }
  for await (const batch of split.batches({ batchSize: 4, preprocessing: small, ...o })) {
    out.rows.push(batch.rows)
    out.images.push(batch.inputs['images']!.dataSync() as Float32Array)
    out.batches.push(facts(batch))
    disposeBatch(batch)
  }
  return out
}

const facts = (batch: Batch) => ({ size: batch.size, shape: batch.inputs['images']!.shape, weights: Array.from(batch.weights.dataSync()), labels: Array.from(batch.labels.dataSync()), mixed: batch.mixed !== undefined })

let mixed: string
beforeAll(async () => {
  mixed = await write('mixed', {
    ...many('ant', 8), ...many('bee', 8, 20),
    'ant/a.jpg': picture(50, 'jpeg'), 'ant/b.webp': picture(51, 'webp'), 'ant/c.gif': picture(52, 'gif'), 'bee/d.bmp': bmp(),
    'ant/text.jpg': 'this is no picture at all', 'bee/cut.png': (await picture(60)).subarray(0, 60), 'bee/nothing.png': '', 'wasp/readme.txt': 'none yet', 'ant/.DS_Store': 'x',
  })
})

test('reads every format, names broken files and empty classes, and goes on', async () => {
  const data = await images.fromFolder(mixed)
  expect(data.classes).toEqual(['ant', 'bee'])
  expect(Object.values(data.splits).reduce((sum, { size }) => sum + size, 0)).toBe(20)
  expect(data.problems.map(({ file, rule }) => [file, rule]).sort()).toEqual([['ant/text.jpg', 'unknown format'], ['bee/cut.png', 'unreadable file'], ['bee/nothing.png', 'unreadable file'], ['wasp', 'empty class']])
  expect(data.problems.find(({ file }) => file === 'ant/text.jpg')!.detail).toContain('this is no pict')
  expect(data.train.rows.find(({ file }) => file === 'bee/d.bmp') ?? data.test!.rows.find(({ file }) => file === 'bee/d.bmp') ?? data.validation!.rows.find(({ file }) => file === 'bee/d.bmp')).toMatchObject({ width: 37, height: 29, label: 'bee' })
})

test('refuses folders that cannot teach anything, and says why', async () => {
  await expect(images.fromFolder(await write('single', many('ant', 3)))).rejects.toThrow(/needs at least 2 with examples, got 1 \("ant"\)/)
  await expect(images.fromFolder(join(root, 'nowhere'))).rejects.toThrow(/there is no such file or folder/)
  await expect(images.fromFolder(await write('flat', { 'a.png': picture(1) }))).rejects.toThrow(/classes are read from subfolders, and it has none \(it holds a.png\)/)
  await expect(images.fromFolder(await write('textonly', { 'a/x.jpg': 'no', 'b/y.jpg': 'no' }))).rejects.toThrow(/not one usable row was found \(2 problems/)
  await expect(images.fromFolder(mixed, { classes: ['ant', 'moth'] })).rejects.toThrow(/no.* called "moth"/)
})

test('one picture per class: all of it is training data, and a problem says so', async () => {
  const data = await images.fromFolder(await write('one', { ...many('a', 1), ...many('b', 1, 5) }))
  expect([data.train.size, data.validation, data.test]).toEqual([2, undefined, undefined])
  expect(data.problems).toMatchObject([{ rule: 'too few rows' }])
})

test('takes parts from folders; of two parts the other is the test part and validation is cut from training', async () => {
  const folder = await write('parts', { ...many('train/a', 20), ...many('train/b', 20, 30), ...many('val/a', 4, 60), ...many('val/b', 4, 70) })
  const data = await images.fromFolder(folder)
  expect(data.test!.size).toBe(8)
  expect(data.train.size + data.validation!.size).toBe(40)
  expect(data.notes.join()).toMatch(/validation is 15 % of training/)
})

test('an archive gives what its folder gives, and one that leads out is refused', async () => {
  const archive = join(root, 'mixed.tar.gz')
  await tar.create({ file: archive, gzip: true, cwd: root }, ['mixed'])
  const data = await images.fromFolder(archive)
  expect(data.train.rows).toEqual((await images.fromFolder(mixed)).train.rows)
  await write('', { 'evil/x.txt': 'x' })
  await tar.create({ file: join(root, 'evil.tar.gz'), gzip: true, cwd: join(root, 'evil'), preservePaths: true }, ['../evil/x.txt'])
  await expect(images.fromFolder(join(root, 'evil.tar.gz'))).rejects.toThrow(/leads out of the folder/)
  writeFileSync(join(root, 'damaged.zip'), 'PK nothing')
  await expect(images.fromFolder(join(root, 'damaged.zip'))).rejects.toThrow(/Cannot unpack .*damaged/)
})

test('reads a table with its other columns, and names the columns when one is missing', async () => {
  await write('table', { ...many('p', 12), 'index.csv': `path,kind,patient\n${Array.from({ length: 12 }, (_, i) => `p/${i}.png,${i % 2 ? 'sick' : 'well'},${i >> 1}`).join('\n')}\np/99.png,sick,7\n,sick,8\np/0.png,,9\n` })
  const data = await images.fromTable<{ patient: number }>(join(root, 'table/index.csv'), { file: 'path', label: 'kind', group: 'patient' })
  expect(data.train.rows[0]!.patient).toEqual(expect.any(Number))
  expect(data.problems.map(({ rule }) => rule).sort()).toEqual(['missing file', 'missing label', 'missing value'])
  const seen = Object.values(data.splits).map(({ rows }) => new Set(rows.map(({ patient }) => patient)))
  expect(seen.reduce((sum, patients) => sum + patients.size, 0)).toBe(6)
  await expect(images.fromTable(join(root, 'table/index.csv'))).rejects.toThrow(/the column for file is "file".*Columns are path, kind, patient/)
})

test('batches: the same order for the same seed and epoch, padding has weight 0, values are scaled', async () => {
  const { train } = await images.fromFolder(await write('batches', { ...many('a', 5), ...many('b', 5, 20) }), { split: false })
  const plain = await collect(train)
  expect(plain.rows).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
  expect(plain.batches[2]).toMatchObject({ size: 2, shape: [4, 6, 8, 3], weights: [1, 1, 0, 0] })
  expect(plain.images[0]!.every((value) => value >= -1 && value <= 1)).toBe(true)
  expect((await collect(train, { padLast: false })).batches[2]!.shape).toEqual([2, 6, 8, 3])
  const shuffled = await collect(train, { shuffle: { seed: 1, epoch: 1 } })
  expect(shuffled.rows.flat().sort((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect((await collect(train, { shuffle: { seed: 1, epoch: 1 } })).rows).toEqual(shuffled.rows)
  expect((await collect(train, { shuffle: { seed: 1, epoch: 2 } })).rows).not.toEqual(shuffled.rows)
  const changed = await collect(train, { shuffle: { seed: 1, epoch: 1 }, augment: { flip: true, shift: 0.2, mixup: 0.4, seed: 5 } })
  expect(changed.batches[0]!.mixed).toBe(true)
  expect((await collect(train, { shuffle: { seed: 1, epoch: 1 }, augment: { flip: true, shift: 0.2, mixup: 0.4, seed: 5 } })).images).toEqual(changed.images)
})

test.each([0, 1.5, -3, NaN])('refuses batchSize %s', async (batchSize) => {
  const { train } = await images.fromFolder(join(root, 'batches'), { split: false })
  await expect(collect(train, { batchSize })).rejects.toThrow(/batchSize must be a whole number of at least 1/)
})

test('a batch size larger than the data gives one padded batch, and balanced draws classes equally', async () => {
  const { train } = await images.fromFolder(await write('uneven', { ...many('a', 18), ...many('b', 2, 30) }), { split: false })
  expect((await collect(train, { batchSize: 64 })).batches).toMatchObject([{ size: 20, shape: [64, 6, 8, 3] }])
  const labels = (await collect(train, { batchSize: 20, balanced: true, shuffle: { seed: 0, epoch: 1 } })).batches[0]!.labels
  expect(labels.filter((label) => label === 1)).toHaveLength(10)
})

test('a file that breaks after loading costs its weight, not the run', async () => {
  const folder = await write('breaks', { ...many('a', 3), ...many('b', 3, 9) })
  const data = await images.fromFolder(folder, { split: false })
  writeFileSync(join(folder, 'a/1.png'), 'gone')
  const { batches } = await collect(data.train, { batchSize: 6 })
  expect(batches[0]!.weights).toEqual([1, 0, 1, 1, 1, 1])
  expect(data.problems.at(-1)).toMatchObject({ file: 'a/1.png', rule: 'unknown format' })
})

test('arrays: shapes and labels are checked', () => {
  const part = { images: new Uint8Array(4 * 4 * 4), shape: [4, 4, 4], labels: [0, 1, 0, 1] }
  expect(images.fromArrays({ train: part }, { classes: ['a', 'b'] }).train.size + 0).toBeGreaterThan(0)
  expect(() => images.fromArrays({ train: { ...part, shape: [5, 4, 4] } })).toThrow(/match the 64 values, got \[5, 4, 4\]/)
  expect(() => images.fromArrays({ train: { ...part, labels: [0, 1, 2, 0] } }, { classes: ['a', 'b'] })).toThrow(/from 0 to 1 .*got 2/)
  expect(() => images.fromArrays({ train: { ...part, labels: [0, 1, NaN, 0] } })).toThrow(/got NaN/)
})

test('the pictograms: no motif in two parts, shown with thumbnails, clean; filter keeps the parts', async () => {
  const data = await samples.pictograms()
  expect([data.train.size, data.validation!.size, data.test!.size]).toEqual([516, 130, 214])
  const noto = data.filter(({ artist }) => artist === 'noto')
  expect(noto.train.size).toBe(258)
  const bundle = await (data as never as Record<symbol, () => Promise<Record<string, string>>>)[jupyterDisplay]!()
  expect(bundle['text/plain']).toMatch(/animal +190 +60 +68 +318/)
  expect(bundle['text/html']!.match(/data:image\/webp/g)!.length).toBe(30)
  const report = await data.audit()
  expect(report.clean).toBe(true)
  expect(report.checks).toContain('leaked group')
})
