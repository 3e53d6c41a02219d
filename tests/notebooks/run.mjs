// node tests/notebooks/run.mjs [--full] [notebooks | tslab]
// Every notebook executed from a clean state, as a reader would: by `afinar run`, quick unless --full.
// A notebook checks its own claims by throwing; here its figures must be drawn and no cell may end in an error.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tests as translations } from './translations.mjs'
import { tests as tslab } from './tslab.mjs'

const full = process.argv.includes('--full'), part = process.argv.slice(2).find((word) => !word.startsWith('-'))
const scratch = mkdtempSync(join(tmpdir(), 'afinar-notebooks-'))
let passed = 0, failed = 0
const report = (ok, name, detail) => { ok ? passed++ : failed++; console.log(`  ${ok ? '✓' : '✕'} ${name}${detail ? `\n${detail}` : ''}`) }

if (part !== 'tslab') for (const [name, test] of translations) {
  try { test(); report(true, name) } catch (error) { report(false, name, error.message) }
}
if (part !== 'tslab') for (const file of readdirSync('notebooks').filter((name) => /^\d\d-.*\.ipynb$/.test(name)).sort()) {
  const start = performance.now()
  const out = join(scratch, file), page = out.replace(/ipynb$/, 'html')
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/kernel/cli/index.js', 'run', join('notebooks', file), '--out', out, '--html', ...(full ? [] : ['-p', 'quick=true'])], { encoding: 'utf8', maxBuffer: 1 << 28 })
  report(status === 0, `${file} runs ${full ? 'whole' : 'quick'} (${((performance.now() - start) / 1000).toFixed(0)} s)`, status === 0 ? '' : `${stdout}${stderr}`.slice(-6000))
  if (status !== 0) continue
  const source = JSON.parse(readFileSync(join('notebooks', file), 'utf8')), done = JSON.parse(readFileSync(out, 'utf8'))
  const outputs = done.cells.flatMap((cell) => cell.outputs ?? [])
  const plots = (notebook) => notebook.cells.flatMap((cell) => cell.outputs ?? []).filter((output) => output.data?.['application/vnd.plotly.v1+json']).length
  report(plots(done) > 0 && plots(done) === plots(source), `${file} draws the ${plots(source)} figures that the committed one shows`, plots(done) === plots(source) ? '' : `drew ${plots(done)}`)
  report(outputs.filter((output) => output.data?.['application/vnd.plotly.v1+json']).every((output) => output.data['image/svg+xml'] || output.data['text/html']), `${file}: every figure has a static picture`)
  report(/Plotly/.test(readFileSync(page, 'utf8')), `${file}: the HTML page holds its plots`)
}
if (part !== 'notebooks') {
  const { tests, prepare, close } = tslab({ full })
  try {
    prepare()
    for (const [name, test] of tests) {
      const start = performance.now()
      try { test(); report(true, `tslab: ${name} (${((performance.now() - start) / 1000).toFixed(0)} s)`) } catch (error) { report(false, `tslab: ${name}`, error.stack) }
    }
  } finally { close() }
}
rmSync(scratch, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
