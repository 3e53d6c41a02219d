// Milliseconds of a training step with AdamW: op by op, recorded, recorded with XLA, and with --peers Keras' compiled step and PyTorch.
// node tests/bench/engine.mjs [--json] [--peers] [--cases small-cnn,minilm-16x64] [--systems recorded,keras] [--rounds 5] [--seconds 1] [--starts 1].
// Needs `npm run build`. All systems begin with the same weights, learn from the same batch and take turns, round after round.
// --peers puts tensorflow-cpu and torch into a Python environment of their own under the system's temporary folder (about 1.5 GB);
// AFINAR_BENCH_PYTHON names one that has them already. Where a GPU answers, TensorFlow and PyTorch both use it.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cases } from './engine/cases.mjs'
import { System } from './engine/rounds.mjs'

const option = (name, otherwise) => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1] }
const has = (name) => process.argv.includes(`--${name}`)
const folder = fileURLToPath(new URL('./engine/', import.meta.url))
const rounds = +option('rounds', '5'), seconds = +option('seconds', '1'), starts = +option('starts', '1')
const wantedCases = option('cases', Object.keys(cases).join(',')).split(',')

function pythonWithPeers() {
  if (process.env.AFINAR_BENCH_PYTHON) return process.env.AFINAR_BENCH_PYTHON
  const place = join(tmpdir(), 'afinar-bench-peers'), python = join(place, 'bin', 'python')
  if (!existsSync(join(place, 'ready'))) {
    console.error('Installing tensorflow-cpu and torch for the comparison (once) …')
    execFileSync('python3', ['-m', 'venv', place], { stdio: 'inherit' })
    execFileSync(python, ['-m', 'pip', 'install', '-q', 'tensorflow-cpu==2.21.*', 'torch'], { stdio: 'inherit' })
    execFileSync('touch', [join(place, 'ready')])
  }
  return python
}

const python = has('peers') ? pythonWithPeers() : undefined
const afinar = (...options) => (name, weights) => [process.execPath, [join(folder, 'afinar_step.mjs'), name, weights, ...options]]
const peer = (system) => (name, weights) => [python, [join(folder, 'peer_step.py'), system, JSON.stringify(cases[name]), weights]]
const systems = {
  'op by op': afinar('op by op'), "recorded, TensorFlow.js' gradients": afinar('tensorflow.js'),
  recorded: afinar('tensorflow'), 'recorded, XLA': afinar('tensorflow', 'xla'), 'recorded, mixed': afinar('tensorflow', 'mixed'),
  ...(python ? { keras: peer('keras'), 'keras, XLA': peer('keras-xla'), torch: peer('torch') } : {}),
}
const wantedSystems = option('systems', Object.keys(systems).join('|')).split('|')

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const units = { wall: 'ms/step', cpu: 'CPU ms/step', first: 'ms first step', firstCpu: 'CPU ms first step', memory: 'MiB peak', loss: 'first loss' }
const digits = (key, value) => key === 'loss' ? value.toFixed(4) : value.toFixed(value < 100 ? 1 : 0)

/** All systems of one case, round after round: { system: { wall, cpu, first, firstCpu, memory, loss } }. */
async function compare(name, weights) {
  const running = new Map(), found = {}
  const failed = (system, error) => { console.error(`${name}, ${system}: failed (${error.message})`); running.get(system)?.kill(); running.delete(system) }
  for (const system of wantedSystems) {
    const begun = []
    try {
      for (let i = 0; i < starts; i++) {
        if (i) await running.get(system).end()
        running.set(system, new System(...systems[system](name, weights)))
        begun.push(await running.get(system).started())
      }
      found[system] = { first: median(begun.map(({ first }) => first)), firstCpu: median(begun.map(({ firstCpu }) => firstCpu)), loss: begun[0].loss, rounds: [] }
    } catch (error) { failed(system, error) }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [system, process] of running) await process.round(seconds).then((times) => found[system].rounds.push(times), (error) => failed(system, error))
  }
  for (const [system, process] of running) await process.end().then(({ memory }) => Object.assign(found[system], { memory, wall: median(found[system].rounds.map(({ wall }) => wall)), cpu: median(found[system].rounds.map(({ cpu }) => cpu)) }), (error) => failed(system, error))
  return Object.fromEntries([...running.keys()].map((system) => [system, found[system]]))
}

if (!has('json')) console.log(`${cpus().length} cores (${cpus()[0]?.model}), load ${loadavg()[0].toFixed(1)}, Node ${process.version}; medians of ${rounds} rounds in turn, ${seconds} s each`)
const place = mkdtempSync(join(tmpdir(), 'afinar-bench-'))
try {
  for (const name of wantedCases) {
    const weights = join(place, name)
    execFileSync(process.execPath, [join(folder, 'afinar_step.mjs'), name, weights], { stdio: ['ignore', 'ignore', 'pipe'] })
    for (const [system, values] of Object.entries(await compare(name, weights))) {
      if (has('json')) for (const [key, unit] of Object.entries(units)) console.log(JSON.stringify({ name: `engine ${name}`, system, value: Number(digits(key, values[key])), unit }))
      else console.log(`${name.padEnd(24)}${system.padEnd(36)}${Object.entries(units).map(([key, unit]) => `${digits(key, values[key]).padStart(8)} ${unit}`).join('')}`)
    }
  }
} finally {
  rmSync(place, { recursive: true })
}
