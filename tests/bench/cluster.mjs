// What several workers cost and bring: the time of a sum by its size, EfficientNet-Lite0's steps on two workers of one core each beside one
// worker with both, and what follows for 8, 64 and 512 machines. Needs `npm run build`, and taskset for the pinning.
//   npm run bench -- cluster [--json] [--steps 8] [--rounds 1] [--bandwidth 1.25e9] [--round-trip 0.0001] [--only costs|train] [--batch-norm frozen,updating]
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const option = (name, otherwise) => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1] }
const json = process.argv.includes('--json'), rounds = +option('rounds', '1'), only = option('only', undefined)
const worker = fileURLToPath(new URL('./cluster/worker.mjs', import.meta.url)), afinar = fileURLToPath(new URL('../../dist/kernel/cli/index.js', import.meta.url))
/** Of the network that is assumed for many machines: bytes a second each way, seconds there and back. */
const bandwidth = +option('bandwidth', '1.25e9'), roundTrip = +option('round-trip', '1e-4')

const launch = (workers, ...words) => {
  const told = execFileSync(process.execPath, [afinar, 'launch', '--workers', String(workers), worker, ...words], { encoding: 'utf8', env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' }, stdio: ['ignore', 'pipe', 'ignore'] })
  return JSON.parse(told.trim().split('\n').at(-1))
}
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const say = (name, system, value, unit) => console.log(json ? JSON.stringify({ name: `cluster ${name}`, system, value: +value.toPrecision(4), unit }) : `${name.padEnd(44)}${system.padEnd(34)}${value.toPrecision(4).padStart(10)} ${unit}`)

/** Wall = a + b · bytes by least squares on relative errors. */
function line(rows) {
  let [s, x, y, xx, xy] = [0, 0, 0, 0, 0]
  for (const { bytes, wall } of rows) { const w = 1 / wall ** 2; s += w; x += w * bytes; y += w * wall; xx += w * bytes * bytes; xy += w * bytes * wall }
  const slope = (s * xy - x * y) / (s * xx - x * x)
  return { fixed: (y - slope * x) / s, slope }
}

let cost = { fixed: 1, slope: 1e-5 }
if (only !== 'train') {
  for (const workers of [2, 4]) {
    const { rows } = launch(workers, 'costs'), fitted = line(rows)
    for (const { bytes, wall, cpu } of rows) { say(`sum of ${bytes} bytes`, `${workers} processes, one machine`, wall, 'ms'); say(`sum of ${bytes} bytes, CPU`, `${workers} processes, one machine`, cpu, 'ms a process') }
    say('sum: fixed', `${workers} processes, one machine`, fitted.fixed, 'ms')
    say('sum: per MB', `${workers} processes, one machine`, fitted.slope * 1e6, 'ms')
    if (workers === 2) cost = fitted
  }
}

let step, parameters = 3.4e6
if (only !== 'costs') {
  for (const batchNorm of option('batch-norm', 'frozen,updating').split(',')) {
    const runs = { one: [], two: [] }
    for (let round = 0; round < rounds; round++) for (const [key, workers] of [['one', 1], ['two', 2]]) runs[key].push(launch(workers, 'train', batchNorm, option('steps', '8')))
    const [one, two] = ['one', 'two'].map((key) => median(runs[key].map(({ wall }) => wall)))
    parameters = runs.one[0].parameters
    say(`EfficientNet-Lite0, batch 64, batch norm ${batchNorm}`, `one worker, ${availableParallelism()} cores`, one, 'ms a step')
    say(`EfficientNet-Lite0, batch 64, batch norm ${batchNorm}`, 'two workers, half of them each', two, 'ms a step')
    say(`EfficientNet-Lite0, batch 64, batch norm ${batchNorm}`, 'throughput of two beside one', one / two, '×')
    if (batchNorm === 'frozen') step = one
  }
}

// A ring of W machines: 2(W − 1) messages one after the other, each of bytes / W. Every message costs the fixed part of two processes
// halved (they exchange two), plus the wire's way there; every byte what it costs here and on the wire. Buckets wait for each other on the wire, not for messages.
const gradients = 4 * parameters, buckets = Math.ceil(gradients / 2 ** 22) + 1
const perMessage = Math.max(cost.fixed, 0.1) / 2 + 1000 * roundTrip / 2, perByte = cost.slope / 1 + 1000 / bandwidth
for (const machines of [2, 8, 64, 512]) {
  const hops = 2 * (machines - 1), exchange = hops * perMessage + (hops / machines) * gradients * perByte
  say(`${machines} machines: a step's exchange`, `${(gradients / 1e6).toFixed(1)} MB, ${buckets} sums`, exchange, 'ms')
  if (step !== undefined) {
    say(`${machines} machines: weak scaling (64 rows each)`, 'as if nothing overlapped', step / (step + exchange), '× of perfect')
    say(`${machines} machines: strong scaling (64 rows in all)`, 'as if nothing overlapped', step / (step / machines + exchange), '× one machine')
  }
}
