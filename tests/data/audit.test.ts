// The audit against planted faults, with precision and recall: copies, changed copies, a torn group, flipped labels, strays, parts that differ.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, jest, test } from '@jest/globals'
import sharp from 'sharp'
import { auditFeatures, images, interactions, pairs, samples, texts } from '../../lib/data/index.js'
import { parsePo } from '../../lib/data/pairs/gettext.js'
import { normal, randomStream } from '../../lib/data/random.js'

jest.setTimeout(120_000)
const root = mkdtempSync(join(tmpdir(), 'afinar-audit-'))
process.env['AFINAR_CACHE'] = join(root, 'cache')
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Blobs of colour, each picture its own. */
async function scene(seed: number): Promise<Buffer> {
  const random = randomStream(seed)
  const shapes = Array.from({ length: 7 }, () => `<circle cx="${random() * 64}" cy="${random() * 64}" r="${5 + random() * 18}" fill="hsl(${Math.round(random() * 360)},70%,${30 + Math.round(random() * 50)}%)"/>`)
  return sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="hsl(${Math.round(random() * 360)},40%,60%)"/>${shapes.join('')}</svg>`)).png().toBuffer()
}

test('finds copies, copies that were recompressed and resized, and a torn group; nothing else', async () => {
  const lines = ['file,label,patient,split'], put = (name: string, bytes: Buffer, split: string, patient: string) => {
    writeFileSync(join(root, name), bytes)
    lines.push(`${name},${lines.length % 2 ? 'a' : 'b'},${patient},${split}`)
  }
  mkdirSync(root, { recursive: true })
  for (let i = 0; i < 120; i++) put(`train${i}.png`, await scene(i), 'train', `p${i}`)
  for (let i = 0; i < 30; i++) put(`val${i}.png`, await scene(1000 + i), 'validation', `v${i}`)
  for (let i = 0; i < 30; i++) put(`test${i}.png`, await scene(2000 + i), 'test', i === 0 ? 'p0' : `t${i}`)
  for (let i = 0; i < 5; i++) put(`copy${i}.png`, await scene(i), 'test', `c${i}`)
  for (let i = 10; i < 20; i++) put(`changed${i}.jpg`, await sharp(await scene(i)).resize(96, 96).jpeg({ quality: 75 }).toBuffer(), 'test', `d${i}`)
  writeFileSync(join(root, 'index.csv'), lines.join('\n'))
  const report = await (await images.fromTable(join(root, 'index.csv'), { group: 'patient' })).audit()
  const leaks = report.findings.filter(({ check }) => check === 'leak between splits')
  expect(leaks.find(({ severity }) => severity === 'error')!.rows.map(({ what }) => what).sort()).toEqual(['copy0.png', 'copy1.png', 'copy2.png', 'copy3.png', 'copy4.png'])
  const near = leaks.find(({ severity }) => severity === 'warning')!.rows.map(({ what }) => what)
  expect(near.filter((what) => !what.startsWith('changed'))).toEqual([]) // precision 1
  expect(near.length).toBeGreaterThanOrEqual(9) // recall at least 0.9
  expect(report.findings.find(({ check }) => check === 'leaked group')!.rows.map(({ what }) => what)).toEqual(['test0.png'])
  expect(report.clean).toBe(false)
})

test('finds copies of drawings on white, whose hashes change most when they are enlarged and packed', async () => {
  const folder = join(root, 'drawings')
  for (const part of ['train/a', 'train/b', 'test/a', 'test/b']) mkdirSync(join(folder, part), { recursive: true })
  const drawing = (seed: number) => { const random = randomStream(seed, 4); return sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="#fff"/>${Array.from({ length: 4 }, () => `<path d="M${20 + random() * 24} ${20 + random() * 24} l${random() * 20 - 10} ${random() * 20 - 10} l${random() * 20 - 10} ${random() * 20 - 10} z" fill="hsl(${Math.floor(random() * 360)},80%,50%)"/>`).join('')}</svg>`)).png().toBuffer() }
  for (let i = 0; i < 80; i++) writeFileSync(join(folder, 'train', i % 2 ? 'a' : 'b', `${i}.png`), await drawing(i))
  for (let i = 0; i < 40; i++) writeFileSync(join(folder, 'test', i % 2 ? 'a' : 'b', `${i}.jpg`), i < 20 ? await sharp(await drawing(i)).resize(83, 83).jpeg({ quality: 80 }).toBuffer() : await drawing(1000 + i))
  const found = (await (await images.fromFolder(folder)).audit()).findings.filter(({ check }) => check === 'leak between splits').flatMap(({ rows }) => rows).filter(({ split }) => split === 'test').map(({ what }) => Number(/(\d+)\.jpg/.exec(what)![1]))
  expect(found.filter((i) => i >= 20)).toEqual([]) // precision 1
  expect(found.length).toBeGreaterThanOrEqual(17) // recall at least 0.85
})

/** Three classes around their own centres in 16 dimensions. */
function clusters(rows: number, seed = 0) {
  const random = randomStream(seed), width = 16
  const centres = Array.from({ length: 3 * width }, () => normal(random) * 1.2)
  const labels = Int32Array.from({ length: rows }, (_, row) => row % 3)
  const data = Float32Array.from({ length: rows * width }, (_, i) => centres[(labels[Math.floor(i / width)]!) * width + (i % width)]! + normal(random))
  return { features: { data, rows, width }, labels, random, splits: Array.from({ length: rows }, (_, row) => row % 5 === 0 ? 'test' : 'train') }
}
const classes = ['a', 'b', 'c']

test('finds 5 % flipped labels: precision above 0.9, recall above 0.8', () => {
  const { features, labels, random, splits } = clusters(600)
  const flipped = new Set<number>()
  while (flipped.size < 30) {
    const row = Math.floor(random() * 600)
    if (!flipped.has(row)) { flipped.add(row); labels[row] = (labels[row]! + 1) % 3 }
  }
  const rowOf = (split: string, place: number) => splits.map((_, row) => row).filter((row) => splits[row] === split)[place]!
  const found = auditFeatures(features, labels, splits, { classes }).findings.find(({ check }) => check === 'label errors')!.rows.map(({ split, row }) => rowOf(split, row))
  const right = found.filter((row) => flipped.has(row)).length
  expect(right / found.length).toBeGreaterThan(0.9)
  expect(right / flipped.size).toBeGreaterThan(0.8)
})

test('finds strays and a part that differs, and neither where there is none', () => {
  const clean = auditFeatures(clusters(600).features, clusters(600).labels, clusters(600).splits, { classes })
  expect(clean.findings.filter(({ check }) => check !== 'label errors')).toEqual([])
  expect(Math.abs(clean.separability['test']! - 0.5)).toBeLessThan(0.15)
  const { features, labels, splits } = clusters(600)
  for (let k = 0; k < 16; k++) features.data[7 * 16 + k]! += k % 2 ? 12 : -12
  for (let row = 0; row < 600; row += 5) features.data[row * 16]! += 2.5
  const { findings, separability } = auditFeatures(features, labels, splits, { classes })
  expect(findings.find(({ check }) => check === 'outliers')!.rows[0]).toMatchObject({ split: 'train', row: 5 })
  expect(separability['test']).toBeGreaterThan(0.8)
  expect(findings.some(({ check }) => check === 'non-representative split')).toBe(true)
  const noise = { ...features, data: features.data.map((_, i) => Math.sin(i * i)) }
  expect(auditFeatures(noise, labels, splits, { classes }).findings.find(({ check }) => check === 'label errors')).toMatchObject({ severity: 'note', rows: [], text: expect.stringMatching(/too badly to judge labels/) })
  features.data[3] = NaN
  expect(() => auditFeatures(features, labels, splits, { classes })).toThrow(/must be finite, got NaN in row 0/)
})

test('damaged texts, contradicting labels, imbalance and missing values are named', async () => {
  const rows = [...Array.from({ length: 60 }, (_, i) => ({ text: `ordinary words about matter ${String.fromCharCode(97 + (i % 26))}${i}`, label: 'ham', note: i === 3 ? null : 'x' })), ...Array.from({ length: 5 }, (_, i) => ({ text: `special offer thing ${'abcde'[i]}`, label: 'spam', note: 'x' })),
    { text: 'same', label: 'ham', note: 'x' }, { text: 'same', label: 'spam', note: 'x' }, { text: 'cafÃ© olÃ©', label: 'ham', note: 'x' }, { text: 'broken \ufffd here', label: 'ham', note: 'x' }, { text: 'a &amp; b', label: 'ham', note: 'x' }]
  const report = await texts.fromRows(rows, { split: false }).audit()
  expect(report.findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['conflicting labels', 'imbalance', 'too few rows', 'missing values', 'encoding', 'format']))
  expect(String(report)).toMatch(/Checked: .*label errors, outliers, non-representative split/)
})

test('pairs: catalogues are read with contexts, plurals and escapes; fuzzy entries are not', async () => {
  const po = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n#, fuzzy\nmsgid "No"\nmsgstr "Nao"\n\nmsgctxt "menu"\nmsgid "Save \\"%s\\""\nmsgstr "Salvar "\n"\\"%s\\""\n\nmsgid "%d file"\nmsgid_plural "%d files"\nmsgstr[0] "%d arquivo"\nmsgstr[1] "%d arquivos"\n'
  expect(parsePo(po, 'x.po').map(({ source, target }) => [source, target])).toEqual([['Save "%s"', 'Salvar "%s"'], ['%d file', '%d arquivo']])
  const data = pairs.fromRows(Array.from({ length: 60 }, (_, i) => ({ source: `sentence ${i % 50}`, target: i === 7 ? 'x'.repeat(300) : `frase ${i}` })))
  expect(new Set(data.train.rows.map(({ source }) => source)).size + new Set(data.validation!.rows.map(({ source }) => source)).size + new Set(data.test!.rows.map(({ source }) => source)).size).toBe(50)
  expect((await data.audit()).findings.map(({ text }) => text).join()).toMatch(/1 pair has a target more than 4 times/)
  await expect(pairs.fromCatalogues(join(root, 'nothing'))).rejects.toThrow(/no such file or folder/)
})

test('interactions: ids are texts, unknown ones weigh nothing, newest ratings can be the test part', async () => {
  const data = interactions.fromRows(Array.from({ length: 100 }, (_, i) => ({ user: i % 10, item: `i${i % 7}`, rating: i === 5 ? NaN : i % 5, when: i })))
  expect(data.problems).toMatchObject([{ rule: 'missing value' }])
  const byTime = data.split({ time: 'when' as never })
  expect(byTime.test!.rows.every((row) => (row as never as { when: number }).when >= 84)).toBe(true)
  const preprocessing = { ...interactions.preprocessing(data), users: ['0', '1', '2'] }
  for await (const batch of data.train.batches({ batchSize: 128, preprocessing })) {
    const known = data.train.rows.filter(({ user }) => Number(user) < 3).length
    expect(batch.weights.sum().dataSync()[0]).toBe(known)
    expect(batch.labels.dtype).toBe('float32')
  }
})

test('sample data that cannot be found says where it was sought', async () => {
  const { findSample } = await import('../../lib/data/samples/find.js')
  const answers = (status: number) => (async () => new Response('nothing', { status })) as typeof fetch
  await expect(findSample({ file: 'no-such-file', advice: 'Do this.' })).rejects.toThrow(/Cannot find the sample data no-such-file: .* no public address. Do this./)
  await expect(findSample({ file: 'no-such-file', address: 'https://example.org/x', advice: 'Do this.' }, answers(404))).rejects.toThrow(/answered 404/)
  await expect(findSample({ file: 'no-such-file', address: 'https://example.org/x', sha256: 'ab', advice: 'Do this.' }, answers(200))).rejects.toThrow(/its SHA-256 is .*, expected ab/)
  expect(typeof samples.pictograms).toBe('function')
})
