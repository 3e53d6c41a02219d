// Milliseconds of a training step with AdamW: op by op, recorded, recorded with XLA, and with --peers Keras' compiled step and PyTorch.
// node tests/bench/engine.mjs [--json] [--peers] [--cases small-cnn,minilm-16x64] [--steps 10] [--rounds 1]. Needs `npm run build`.
// --peers puts tensorflow-cpu and torch into a Python environment of their own under the system's temporary folder (about 1.5 GB).
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cases } from './engine/cases.mjs'

const option = (name, otherwise) => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1] }
const has = (name) => process.argv.includes(`--${name}`)
const folder = fileURLToPath(new URL('./engine/', import.meta.url))
const steps = option('steps', '10'), rounds = +option('rounds', '1')
const wanted = option('cases', Object.keys(cases).join(',')).split(',')

function pythonWithPeers() {
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
const systems = {
  'op by op': (name) => [process.execPath, [join(folder, 'afinar_step.mjs'), name, 'op by op', String(Math.min(+steps, 3))]],
  "recorded, TensorFlow.js' gradients": (name) => [process.execPath, [join(folder, 'afinar_step.mjs'), name, 'tensorflow.js', steps]],
  recorded: (name) => [process.execPath, [join(folder, 'afinar_step.mjs'), name, 'tensorflow', steps]],
  'recorded, XLA': (name) => [process.execPath, [join(folder, 'afinar_step.mjs'), name, 'tensorflow', steps, 'xla']],
  ...(python ? Object.fromEntries(['keras', 'torch'].map((peer) => [peer, (name) => [python, [join(folder, 'peer_step.py'), peer, JSON.stringify(cases[name]), steps]]])) : {}),
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const units = { wall: 'ms/step', cpu: 'CPU ms/step', first: 'ms first step', firstCpu: 'CPU ms first step', memory: 'MiB peak' }
if (!has('json')) console.log(`${cpus().length} cores (${cpus()[0]?.model}), load ${loadavg()[0].toFixed(1)}, Node ${process.version}; medians of ${steps} steps × ${rounds} rounds`)
for (const name of wanted) {
  for (const [system, command] of Object.entries(systems)) {
    const runs = []
    for (let round = 0; round < rounds; round++) {
      try {
        const [program, values] = command(name)
        const told = execFileSync(program, values, { encoding: 'utf8', env: { ...process.env, OMP_WAIT_POLICY: 'passive', TF_CPP_MIN_LOG_LEVEL: '2' }, stdio: ['ignore', 'pipe', has('json') ? 'ignore' : 'pipe'] })
        runs.push(JSON.parse(told.trim().split('\n').at(-1)))
      } catch (error) {
        console.error(`${name}, ${system}: failed (${String(error.stderr ?? error.message).trim().split('\n').at(-1)})`)
      }
    }
    if (!runs.length) continue
    const values = Object.fromEntries(Object.keys(units).map((key) => [key, median(runs.map((run) => run[key]))]))
    if (has('json')) for (const [key, unit] of Object.entries(units)) console.log(JSON.stringify({ name: `engine ${name}`, system, value: Math.round(values[key] * 10) / 10, unit }))
    else console.log(`${name.padEnd(24)}${system.padEnd(36)}${Object.entries(units).map(([key, unit]) => `${values[key].toFixed(values[key] < 100 ? 1 : 0).padStart(8)} ${unit}`).join('')}`)
  }
}
