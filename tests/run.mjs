// `npm test`: every part in turn, each with its own count; the last line sums them up.
//   node tests/run.mjs [--quick | --full] [--only PART[,PART]]
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const has = (flag) => process.argv.includes(flag)
const only = has('--only') ? process.argv[process.argv.indexOf('--only') + 1].split(',') : undefined
const scratch = mkdtempSync(join(tmpdir(), 'afinar-test-'))
const data = process.env.AFINAR_DATA ?? (existsSync('../shared/data') ? join(process.cwd(), '../shared/data') : undefined)
const env = { ...process.env, ...(data ? { AFINAR_DATA: data } : {}), ...(has('--full') ? { AFINAR_FULL: '1' } : {}) }

function run(command, args, extra = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...env, ...extra } })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => { output += text; process.stdout.write(text) })
    child.on('error', (error) => resolve({ code: 127, output: output + error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** Jest, counted by its own report. */
async function jest(paths, workers = 2) {
  const report = join(scratch, `jest-${Math.random().toString(36).slice(2)}.json`)
  const { code } = await run(process.execPath, ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', `--maxWorkers=${workers}`, '--json', `--outputFile=${report}`, ...paths])
  if (!existsSync(report)) return { passed: 0, failed: 1 }
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(report, 'utf8'))
  const failed = numFailedTests + numRuntimeErrorTestSuites
  return { passed: numPassedTests, failed: failed || (code === 0 ? 0 : 1) }
}

/** A script that closes with a line "N passed, N failed". */
async function script(file, ...args) {
  const { code, output } = await run(process.execPath, [file, ...args])
  const [, passed, failed] = [...output.matchAll(/^(?:\w+: )?(\d+) passed, (\d+) failed/gm)].at(-1) ?? []
  if (passed === undefined) return { passed: 0, failed: 1 }
  return { passed: Number(passed), failed: Number(failed) || (code === 0 ? 0 : 1) }
}

const folders = readdirSync('tests', { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
const quick = ['architecture', 'language', 'plots', 'display', 'data']
const parts = {
  units: () => jest(folders.filter((name) => !['browser', 'bench', 'kernel', 'support', 'fixtures'].includes(name)).map((name) => `tests/${name}/`)),
  kernel: () => jest(['tests/kernel/'], 1), // Jupyter's own client, and jupyter_kernel_test; one at a time, they measure
  notebooks: () => script('tests/notebooks/run.mjs', ...(has('--full') ? ['--full'] : [])),
  browser: () => script('tests/browser/run.mjs'),
  package: () => script('tests/package/run.mjs'),
}

const chosen = has('--quick') ? { units: () => jest(quick.map((name) => `tests/${name}/`)) } : only ? Object.fromEntries(only.map((name) => [name, parts[name]])) : parts
const total = { passed: 0, failed: 0 }
const table = []
for (const [name, part] of Object.entries(chosen)) {
  process.stdout.write(`\n━━ ${name}\n`)
  const start = performance.now()
  const { passed, failed } = await part()
  table.push(`${name.padEnd(12)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed ${((performance.now() - start) / 1000).toFixed(0).padStart(5)} s`)
  total.passed += passed
  total.failed += failed
}
rmSync(scratch, { recursive: true, force: true })
process.stdout.write(`\n${table.join('\n')}\n${total.passed} passed, ${total.failed} failed\n`)
process.exitCode = total.failed ? 1 : 0
