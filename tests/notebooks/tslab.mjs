// tslab beside our kernel: its display API gives the same outputs here as there, a notebook in its manner runs here unchanged,
// and this project's notebooks run there, with its CommonJS and its older TypeScript, as far as it goes:
//   - `{ seed }`, a variable of an earlier cell as a shorthand property, is compiled to a name that does not exist at run time
//     (tslab puts `exports.` before names, and forgets these): the copy that runs there says `{ seed: seed }`.
//   - the value of a last expression is printed, not displayed: tables, audits and single figures appear as text there. What the
//     library displays by itself, the live view of a training, appears with its figure.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import MagicString from 'magic-string'
import { parseSync } from 'oxc-parser'

const root = resolve(import.meta.dirname, '../..')
const code = (source) => ({ cell_type: 'code', id: Math.random().toString(36).slice(2), metadata: {}, source, outputs: [], execution_count: null })

/** A folder in which 'afinar' is installed as in somebody else's project; the other packages are found further up. */
function makeFolder() {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, '.cache/tslab-')), installed = join(folder, 'node_modules/afinar')
  cpSync(join(root, 'dist/lib'), join(installed, 'dist/lib'), { recursive: true })
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  symlinkSync(join(root, 'notebooks/data'), join(folder, 'data'))
  const spec = join(folder, 'jupyter/kernels/tslab')
  mkdirSync(spec, { recursive: true })
  writeFileSync(join(spec, 'kernel.json'), JSON.stringify({ argv: [process.execPath, join(root, 'node_modules/tslab/bin/tslab'), 'kernel', '--config-path', '{connection_file}'], display_name: 'tslab', language: 'typescript' }))
  return folder
}

/** Runs a notebook and returns it with its outputs, or throws what the command printed. */
function run(folder, cells, kernel, parameters = [], metadata = {}) {
  const given = join(folder, `${kernel}.ipynb`), out = join(folder, `${kernel}.out.ipynb`)
  writeFileSync(given, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec: { name: 'tslab', display_name: 'TypeScript', language: 'typescript' }, ...metadata }, cells }))
  const start = () => spawnSync(process.execPath, [join(root, 'dist/kernel/cli/index.js'), 'run', given, '--out', out, '--kernel', kernel, ...parameters], {
    encoding: 'utf8', maxBuffer: 1 << 28, cwd: folder, env: { ...process.env, JUPYTER_PATH: join(folder, 'jupyter'), AFINAR_TENSORFLOW: process.env.AFINAR_TENSORFLOW ?? join(root, '.venv/share/afinar/tensorflow') },
  })
  let { status, stdout, stderr } = start()
  if (/does not answer after/.test(stderr)) ({ status, stdout, stderr } = start()) // tslab reads all types before it says a word: on a busy machine that can take a minute
  if (status !== 0) throw new Error(`${stdout}${stderr}`.slice(-5000))
  return JSON.parse(readFileSync(out, 'utf8')).cells.filter(({ cell_type }) => cell_type === 'code')
}

function withoutShorthand(source) {
  const changed = new MagicString(source)
  const walk = (node) => {
    if (Array.isArray(node)) return node.forEach(walk)
    if (typeof node !== 'object' || node === null) return
    if (node.type === 'ObjectExpression') for (const property of node.properties) if (property.shorthand) changed.overwrite(property.start, property.end, `${property.key.name}: ${property.key.name}`)
    Object.values(node).forEach(walk)
  }
  walk(parseSync('cell.ts', source).program.body)
  return changed.toString()
}

/** Every function of tslab's interface `Display`, as its own types list them. */
const displayFunctions = () => [...readFileSync(join(root, 'node_modules/tslab/dist/public.d.ts'), 'utf8').match(/interface Display \{([\s\S]*?)\n\}/)[1].matchAll(/^\s+(\w+)\((\w+)/gm)].map(([, name, first]) => ({ name, bytes: first === 'b' }))
const bundles = (cells) => cells.map(({ outputs }) => outputs.map(({ output_type, data, text }) => data ? { output_type, data: Object.fromEntries(Object.entries(data).map(([type, value]) => [type, [value].flat().join('')])) } : { text: [text].flat().join('') }))

/** The project's notebooks that run under tslab; true: always tried, false: only with --full. README.md says what keeps the others from it. */
const notebooks = {
  '01-fine-tune-images': true, '02-medical-diagnosis': false, '03-text-understanding': false, '04-machine-translation': false,
  '06-content-recommendation': false, '07-overfitting-and-its-cures': false,
}
const says = { '01-fine-tune-images': [/Loaded again: \d+\.\d %/, /Noto \d+\.\d %/, /430 motifs, 0 of them/] }

export function tests({ full, all = full }) {
  const folder = makeFolder()
  const close = () => rmSync(folder, { recursive: true, force: true })
  return { close, tests: [
    ['every function of tslab.display shows the same here as under tslab', () => {
      const functions = displayFunctions()
      if (functions.length < 11) throw new Error(`read ${functions.length} functions from tslab's types`)
      const cells = [
        "import * as tslab from 'tslab'\nconst bytes = new Uint8Array([137, 80, 78, 71, 1, 2, 3])",
        ...functions.filter(({ name }) => name !== 'raw').map(({ name, bytes }) => `tslab.display.${name}(${bytes ? 'bytes' : `'a < b\\n${name}'`})`),
        "tslab.display.raw('application/x-own', 'as it is')\ntslab.display.raw('image/png', bytes)",
        "const shown = tslab.newDisplay()\nshown.html('<b>0 %</b>')\nshown.html('<b>100 %</b>')\nshown.png(bytes)",
        'console.log(Object.keys(tslab.versions).sort(), typeof tslab.versions.typescript)',
        "import { display, newDisplay } from 'tslab'\ndisplay.markdown('*x*')",
        "const again = require('tslab')\nagain.display.text('required')",
      ].map(code)
      const here = bundles(run(folder, cells, 'afinar')), there = bundles(run(folder, cells, 'tslab'))
      for (const [i, cell] of here.entries()) if (JSON.stringify(cell) !== JSON.stringify(there[i])) throw new Error(`${cells[i].source}\n  here  ${JSON.stringify(cell)}\n  tslab ${JSON.stringify(there[i])}`)
    }],
    ['a notebook in tslab\'s manner runs here unchanged: looser types, CommonJS, redeclared names, promises shown', () => {
      const outputs = bundles(run(folder, [
        "import * as tslab from 'tslab'\nimport fs from 'fs'\nimport * as path from 'path'\nlet name: string = null\nconsole.log(tslab.versions.node === process.version, fs.existsSync(path.resolve('.')))",
        'const twice = (n) => 2 * n\nlet value = { x: null }\nvalue?.x?.z ?? twice(4)',
        "const name = 'again'\nlet sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))\nawait sleep(5)\nsleep(5)",
        "const os = require('os')\ntypeof os.cpus()[0].model",
        "import { Point } from './point'\nnew Point(1, 2)",
      ].map(code), 'afinar'))
      const text = JSON.stringify(outputs.map((cell) => cell.filter(({ output_type, text }) => output_type || /true/.test(text))))
      for (const expected of ['true true', '"8"', 'Promise { <pending> }', "'string'", 'Point { x: 1, y: 2 }']) if (!text.includes(expected)) throw new Error(`no ${expected} in ${text}`)
    }],
    ...Object.entries(notebooks).filter(([, always]) => all || always).map(([name]) => [`${name} runs under tslab`, () => {
      const { cells } = JSON.parse(readFileSync(join(root, `notebooks/${name}.ipynb`), 'utf8'))
      const done = run(folder, cells.map((cell) => cell.cell_type === 'code' ? { ...cell, source: withoutShorthand([cell.source].flat().join('')), outputs: [], execution_count: null } : cell), 'tslab', ['--allow-errors', ...(full ? [] : ['-p', 'quick=true'])])
      // tslab loses a message now and then, a cell's result with it; what it does say must not be an error. Its watcher of type
      // files speaks of itself when a package is installed or built meanwhile.
      const ofItself = (output) => /converter\.js/.test([output.text ?? ''].flat().join('')) && /rebuildTimer/.test([output.text ?? ''].flat().join(''))
      const said = done.flatMap(({ source, outputs }) => outputs.filter((output) => (output.name === 'stderr' || output.output_type === 'error') && !ofItself(output)).map((output) => `${[source].flat().join('')}\n${JSON.stringify(output)}`))
      if (said.length > 0) throw new Error(said[0])
      const outputs = done.flatMap(({ outputs }) => outputs), figures = outputs.filter(({ data }) => data?.['application/vnd.plotly.v1+json'] && data['image/svg+xml'])
      if (figures.length === 0) throw new Error('no training drew its curve')
      const text = outputs.map(({ text }) => [text ?? ''].flat().join('')).join('')
      for (const pattern of says[name] ?? []) if (!pattern.test(text)) throw new Error(`no ${pattern} in ${text.slice(-3000)}`)
    }]),
  ], prepare: () => writeFileSync(join(folder, 'point.ts'), 'export class Point { constructor(readonly x: number, readonly y: number) {} }\n') }
}
