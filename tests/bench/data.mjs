// What loading costs: a million rows beside DuckDB's own time, and the memory of 1,000 and of 100,000 pictures.
//   npm run bench -- data [--rows 1000000] [--pictures 100000] [--json]
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import sharp from 'sharp'
import { images, table } from '../../dist/lib/index.js'

const option = (name, otherwise) => process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : otherwise
const json = process.argv.includes('--json'), work = process.argv.includes('--work') ? process.argv[process.argv.indexOf('--work') + 1] : mkdtempSync(join(tmpdir(), 'afinar-bench-data-'))
const record = (name, value, unit, system = 'afinar') => console.log(json ? JSON.stringify({ name, system, value, unit }) : `${name.padEnd(52)} ${system.padEnd(8)} ${Number(value.toFixed(2))} ${unit}`)

const preprocessing = { kind: 'image', height: 32, width: 32, channels: 3, scale: { mean: [127, 127, 127], std: [128, 128, 128] } }

/** One process, of its own memory (what getrusage says begins with the parent's), that loads so many pictures and goes through them once. */
if (process.argv.includes('--child')) {
  const folder = process.argv[process.argv.indexOf('--child') + 1], began = performance.now()
  const { disposeBatch } = await import('../../dist/lib/data/batches.js')
  const data = await images.fromFolder(folder, { split: false }), loaded = performance.now()
  let rows = 0
  for await (const batch of data.train.batches({ batchSize: 64, preprocessing, shuffle: { seed: 0, epoch: 1 } })) { rows += batch.size; disposeBatch(batch) }
  console.log(JSON.stringify({ rows, load: (loaded - began) / 1000, epoch: (performance.now() - loaded) / 1000, peak: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024 }))
  process.exit(0)
}
process.on('exit', () => rmSync(work, { recursive: true, force: true }))

const rows = option('--rows', 1_000_000)
if (rows > 0) {
  const db = await (await DuckDBInstance.create(':memory:')).connect(), csv = join(work, 'big.csv'), parquet = join(work, 'big.parquet')
  await db.run(`CREATE TABLE t AS SELECT i AS id, (i * 7919) % 100000 / 7.0 AS value, 'user ' || (i % 5000) AS name, i % 3 = 0 AS flag, DATE '2020-01-01' + CAST(i % 2000 AS INTEGER) AS day FROM range(${rows}) r(i)`)
  await db.run(`COPY t TO '${csv}'`)
  await db.run(`COPY t TO '${parquet}'`)
  for (const [format, file] of [['CSV', csv], ['Parquet', parquet]]) {
    const own = [], ours = [], byRow = []
    for (let turn = 0; turn < 3; turn++) {
      let began = performance.now()
      const reader = await db.runAndReadAll(`SELECT * FROM '${file}'`), columns = reader.getColumnsJS()
      own.push(performance.now() - began)
      if (columns[0].length !== rows) throw new Error('DuckDB read another number of rows')
      began = performance.now()
      const values = await (await table.lazy(file)).values()
      ours.push(performance.now() - began)
      if (values.id.length !== rows) throw new Error('another number of rows was read')
      began = performance.now()
      if ((await (await table.lazy(file)).rows()).length !== rows) throw new Error('another number of rows was read')
      byRow.push(performance.now() - began)
    }
    const best = (times) => Math.min(...times) / 1000
    record(`${rows.toLocaleString('en')} rows of ${format}, as columns`, best(own), 's', 'DuckDB')
    record(`${rows.toLocaleString('en')} rows of ${format}, as columns`, best(ours), 's')
    record(`${rows.toLocaleString('en')} rows of ${format}, as columns: ratio`, best(ours) / best(own), '× DuckDB')
    record(`${rows.toLocaleString('en')} rows of ${format}, as objects: ratio`, best(byRow) / best(own), '× DuckDB')
  }
}

const most = option('--pictures', 100_000), found = []
for (const count of most > 0 ? [1000, most] : []) {
  const folder = join(work, `pictures${count}`)
  const originals = await Promise.all(Array.from({ length: 200 }, (_, i) => sharp(Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, k) => (k * 31 + i * 97 * (k % 7)) % 256)), { raw: { width: 64, height: 64, channels: 3 } }).jpeg().toBuffer()))
  for (const label of ['a', 'b']) mkdirSync(join(folder, label), { recursive: true })
  originals.forEach((bytes, i) => writeFileSync(join(folder, `original${i}`), bytes))
  for (let i = 0; i < count; i++) {
    const from = join(folder, `original${i % 200}`), to = join(folder, i % 2 ? 'a' : 'b', `${i}.jpg`)
    if (statSync(from).nlink > 60_000) copyFileSync(from, to); else linkSync(from, to)
  }
  const child = spawnSync(process.execPath, [import.meta.filename, '--child', folder], { encoding: 'utf8', env: { ...process.env, AFINAR_CACHE: join(work, 'cache') }, stdio: ['ignore', 'pipe', 'inherit'] })
  const facts = JSON.parse(child.stdout.trim().split('\n').at(-1))
  found.push(facts.peak)
  record(`${count.toLocaleString('en')} pictures: load`, facts.load, 's')
  record(`${count.toLocaleString('en')} pictures: one epoch`, facts.epoch, 's')
  record(`${count.toLocaleString('en')} pictures: peak memory`, facts.peak, 'MiB')
  if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
}
if (found.length === 2) record('peak memory, many pictures beside few', found[1] / found[0], '×')
