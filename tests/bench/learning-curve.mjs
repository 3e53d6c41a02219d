// Whether the learning curve's forecast is right: drawn from an eighth and a quarter of the rows, held against what twice, four and eight times as many bring.
//   npm run bench -- learning-curve [--json]
import { pictureFeatures } from '../../dist/lib/data/images/features.js'
import { decodePicture } from '../../dist/lib/data/images/decode.js'
import { resize } from '../../dist/lib/data/images/resize.js'
import { openFolder } from '../../dist/lib/data/folders.js'
import { findSample } from '../../dist/lib/data/samples/find.js'
import { soundFeatures } from '../../dist/lib/data/sounds/fingerprint.js'
import { decodeSound } from '../../dist/lib/data/sounds/decode.js'
import { randomStream, permutation } from '../../dist/lib/data/random.js'
import { curveOf } from '../../dist/lib/workflow/learning-curve.js'
import { asMatrix } from '../../dist/lib/workflow/features.js'
import { linearProbe } from '../../dist/lib/models/index.js'
import { samples } from '../../dist/lib/index.js'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const json = process.argv.includes('--json')
const record = (name, value, unit, detail = '') => console.log(json ? JSON.stringify({ name, system: 'afinar', value, unit, ...(detail ? { detail } : {}) }) : `${name.padEnd(56)} ${Number(value.toFixed(3))} ${unit}  ${detail}`)
const rowsOf = (data) => Object.values(data.splits).flatMap(({ rows }) => rows)

async function pictures(data, file) {
  const folder = await openFolder(await findSample({ file, advice: '' }), 'images')
  return Promise.all(rowsOf(data).map(async (row) => { const picture = await decodePicture(join(folder, row.file), [255, 255, 255]); return { label: row.label, features: pictureFeatures(resize(picture, 32, 32, 'bilinear'), picture) } }))
}
async function digits() {
  const folder = await openFolder(await findSample({ file: 'free-spoken-digit-dataset.tar.gz', advice: '' }), 'recordings'), rows = rowsOf(await samples.spokenDigits())
  return Promise.all(rows.map(async ({ file, label }) => { const { samples, rate } = await decodeSound(await readFile(join(folder, file)).catch(() => readFile(join(folder, 'recordings', file.split('/').at(-1))))); return { label, features: soundFeatures(samples, rate).features } }))
}
const sets = { pictograms: () => samples.pictograms().then((data) => pictures(data, 'pictograms.tar.gz')), 'blood cells': () => samples.bloodCells().then((data) => pictures(data, 'blood-cells.tar.gz')), digits }

let inside = 0, total = 0, apart = 0
for (const [name, load] of Object.entries(sets)) {
  const all = await load(), classes = [...new Set(all.map(({ label }) => label))].sort(), order = permutation(all.length, randomStream(0, all.length))
  const some = (n) => { const rows = Array.from(order.slice(0, n), (row) => all[row]); return [{ data: Float32Array.from(rows.flatMap(({ features }) => [...features])), rows: n, width: all[0].features.length }, Int32Array.from(rows, ({ label }) => classes.indexOf(label))] }
  const most = Math.min(all.length, 1600), truth = new Map([1 / 4, 1 / 2, 1].map((share) => { const n = Math.floor(share * most), [matrix, labels] = some(n); return [n, linearProbe(asMatrix(matrix), labels).accuracy] }))
  for (const share of [1 / 8, 1 / 4]) {
    const curve = curveOf(...some(Math.floor(share * most))), from = curve.points.at(-1).rows
    for (const [rows, value] of truth) {
      if (rows <= from) continue
      const said = curve.at(rows)
      if (!said) continue
      total++
      apart += Math.abs(said.value - value)
      if (value >= said.interval[0] && value <= said.interval[1]) inside++
      record(`${name}: ${rows} rows, forecast from ${from}`, said.value - value, 'too high', `said ${said.value.toFixed(3)} (${said.interval.map((edge) => edge.toFixed(3)).join(' to ')}), came ${value.toFixed(3)}; as before would be ${(curve.points.at(-1).value - value).toFixed(3)}`)
    }
    const gain = [...truth].at(-1)[1] - curve.points.at(-1).value, needed = gain > 0.005 ? curve.rowsFor(gain * 100) : undefined
    if (needed) record(`${name}: more rows for ${(gain * 100).toFixed(1)} points, from ${from}`, needed.rows, 'rows', `${needed.interval.join(' to ')}; it took ${[...truth].at(-1)[0] - from}`)
  }
}
record('forecasts inside their 95 % interval', inside / total, '', `${inside} of ${total}`)
record('mean distance of forecasts', apart / total, 'accuracy')
