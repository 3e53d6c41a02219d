// `npm run bench -- kernel`: the speed rows of the kernel's table, beside tslab, ipykernel and Deno, in one run.
//   node tests/bench/kernel.mjs [--peers] [--json] [--rounds N] [--only SYSTEM,…]
// Deno is measured where it is installed; with --peers it is fetched from npm into a temporary folder.
// Rounds go through all systems in turn, so that a busy moment of the machine hits them alike; a figure is the median of its rounds.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const option = (name, otherwise) => process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise
const rounds = Number(option('--rounds', 5)), only = option('--only')?.split(',')
const folder = mkdtempSync(join(tmpdir(), 'afinar-bench-')), kernels = join(folder, 'kernels')
const { writeKernelspec } = await import(pathToFileURL(resolve('dist/kernel/host/kernelspec.js')).href)

const specification = (name, content) => {
  mkdirSync(join(kernels, name), { recursive: true })
  writeFileSync(join(kernels, name, 'kernel.json'), JSON.stringify({ display_name: name, ...content }))
}
writeKernelspec(join(kernels, 'afinar'))
const systems = [['afinar', 'afinar'], ['ipykernel', 'python3']]
if (existsSync('node_modules/tslab/bin/tslab')) {
  specification('tslab', { argv: [process.execPath, resolve('node_modules/tslab/bin/tslab'), 'kernel', '--config-path={connection_file}'], language: 'typescript' })
  systems.push(['tslab', 'tslab'])
}
const deno = spawnSync('deno', ['--version']).status === 0 ? 'deno' : process.argv.includes('--peers') ? fetchedDeno() : undefined
if (deno) {
  specification('deno', { argv: [deno, 'jupyter', '--kernel', '--conn', '{connection_file}'], language: 'typescript' })
  systems.push(['deno', 'deno'])
}

/** The program itself, which npm's package carries as an optional dependency for each platform: no install script has to run. */
function fetchedDeno() {
  const { status, stderr } = spawnSync('npm', ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, 'deno@2'], { encoding: 'utf8', cwd: folder })
  const scope = join(folder, 'node_modules/@deno')
  const program = existsSync(scope) ? readdirSync(scope).map((name) => join(scope, name, process.platform === 'win32' ? 'deno.exe' : 'deno')).find(existsSync) : undefined
  if (!program) process.stderr.write(`Cannot measure Deno: npm gave no program for this platform (exit ${status}). ${stderr.trim()}\n`)
  return program
}

const found = new Map()
try {
  for (let round = 0; round < rounds; round++) {
    for (const [system, kernel] of systems) {
      if (only && !only.includes(system)) continue
      const { stdout } = spawnSync('.venv/bin/python', ['tests/bench/kernel.py', system, kernel], {
        encoding: 'utf8', timeout: 180_000, env: { ...process.env, JUPYTER_PATH: folder, JUPYTER_RUNTIME_DIR: join(folder, 'runtime'), XDG_DATA_HOME: join(folder, 'data'), AFINAR_LOG: join(folder, 'log') },
      })
      for (const line of stdout.split('\n').filter((each) => each.startsWith('{'))) {
        const { name, value, unit } = JSON.parse(line)
        const key = `${name}\n${system}`
        if (!found.has(key)) found.set(key, { name, system, unit, values: [] })
        found.get(key).values.push(value)
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

/** A figure that most rounds could not give is none. */
const median = (values) => {
  const sorted = values.map((value) => value ?? Infinity).sort((a, b) => a - b), middle = sorted[sorted.length >> 1]
  return middle === Infinity ? null : middle
}
const figures = [...found.values()].map(({ name, system, unit, values }) => ({ name, system, value: median(values), unit }))
if (process.argv.includes('--json')) for (const figure of figures) process.stdout.write(`${JSON.stringify(figure)}\n`)
else {
  const names = [...new Set(figures.map(({ name }) => name))], columns = systems.map(([system]) => system).filter((system) => !only || only.includes(system))
  const cell = (name, system) => {
    const figure = figures.find((each) => each.name === name && each.system === system)
    return (figure ? figure.value === null ? 'fails' : `${Number(figure.value.toPrecision(3))} ${figure.unit}` : '–').padStart(12)
  }
  process.stdout.write(`${''.padEnd(30)}${columns.map((each) => each.padStart(12)).join('')}\n${names.map((name) => `${name.padEnd(30)}${columns.map((system) => cell(name, system)).join('')}`).join('\n')}\n`)
}
