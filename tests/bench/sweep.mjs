// How good the searches are: the best value found on standard test functions, medians over seeds. Needs `npm run build`.
//   npm run bench -- sweep [--json] [--seeds 25] [--trials 30,60]
import { sweep } from '../../dist/lib/index.js'

const option = (name, otherwise) => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1] }
const json = process.argv.includes('--json'), seeds = +option('seeds', '25'), lengths = option('trials', '30,60').split(',').map(Number)
const cube = (names, from, to) => Object.fromEntries([...names].map((name) => [name, { from, to }]))

// Hartmann's function of six dimensions (Dixon & Szegö 1978).
const A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]], c = [1, 1.2, 3, 3.2]
const P = [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991], [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]

/** Name → space, function to make small, its least value. */
const functions = {
  Branin: [{ x: { from: -5, to: 10 }, y: { from: 0, to: 15 } }, ({ x, y }) => (y - 5.1 / (4 * Math.PI ** 2) * x * x + 5 / Math.PI * x - 6) ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10, 0.397887],
  'Hartmann 6': [cube('abcdef', 0, 1), (p) => -c.reduce((sum, ci, i) => sum + ci * Math.exp(-Object.values(p).reduce((t, v, j) => t + A[i][j] * (v - P[i][j] * 1e-4) ** 2, 0)), 0), -3.32237],
  'Rosenbrock 4': [cube('abcd', -2, 2), (p) => { const x = Object.values(p); return [0, 1, 2].reduce((sum, i) => sum + 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, 0) }, 0],
  'Ackley 5': [cube('abcde', -5, 5), (p) => { const x = Object.values(p); return -20 * Math.exp(-0.2 * Math.sqrt(x.reduce((s, v) => s + v * v, 0) / 5)) - Math.exp(x.reduce((s, v) => s + Math.cos(2 * Math.PI * v), 0) / 5) + 20 + Math.E }, 0],
  'mixed, as in training': [
    { learningRate: { from: 1e-5, to: 1, log: true }, batchSize: [8, 16, 32, 64], freeze: ['none', 'half', 'backbone'], depth: { from: 1, to: 8, integer: true } },
    ({ learningRate, batchSize, freeze, depth }) => (Math.log10(learningRate) + 2.7) ** 2 + Math.abs(Math.log2(batchSize) - 5) * 0.2 + { none: 0.3, half: 0, backbone: 0.8 }[freeze] + 0.05 * Math.abs(depth - 5), 0,
  ],
}

for (const [name, [space, f, least]] of Object.entries(functions)) for (const trials of lengths) {
  const found = {}
  for (const search of ['random', 'sobol', 'tpe']) {
    found[search] = []
    for (let seed = 0; seed < seeds; seed++) found[search].push((await sweep(space, f, { trials, search, seed, goal: 'min', live: false })).best.value - least)
  }
  for (const search of ['random', 'sobol', 'tpe']) {
    const sorted = found[search].toSorted((a, b) => a - b), median = sorted[Math.floor(seeds / 2)], wins = found[search].filter((value, seed) => value < found.random[seed]).length / seeds
    if (json) {
      console.log(JSON.stringify({ name: `sweep ${name}, ${trials} trials`, system: search, value: +median.toPrecision(4), unit: 'above the least value, median' }))
      if (search !== 'random') console.log(JSON.stringify({ name: `sweep ${name}, ${trials} trials, better than random search`, system: search, value: +wins.toFixed(3), unit: 'share of seeds' }))
    } else console.log(`${name.padEnd(24)}${String(trials).padStart(4)} trials  ${search.padEnd(8)}${median.toPrecision(4).padStart(10)} above the least value (median of ${seeds})${search === 'random' ? '' : `, better than random search in ${Math.round(100 * wins)} %`}`)
  }
}
