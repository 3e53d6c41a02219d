// `afinar run` by its door: real notebooks, real kernels.
import { afterAll, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runNotebook, type RunEvent } from '../../kernel/cli/run/index.js'
import { readArguments } from '../../kernel/cli/run/arguments.js'
import { textOf, type Cell, type Notebook } from '../../kernel/cli/run/notebook.js'
import { notebookPage } from '../../kernel/cli/run/page.js'
import { injectParameters, parameterValue } from '../../kernel/cli/run/parameters.js'
import { loadSparkline, TrainingFollower } from '../../kernel/cli/run/training.js'

const root = process.cwd()
const folder = mkdtempSync(join(tmpdir(), 'afinar-run-test-'))
const TRAIN_EVENT = 'application/vnd.afinar.train-event+json'
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Draft = string | Partial<Cell>

function draft(cells: Draft[], language = 'typescript', name = 'afinar'): Notebook {
  return {
    nbformat: 4, nbformat_minor: 5, metadata: { kernelspec: { name, display_name: name, language } },
    cells: cells.map((cell, index) => ({ id: `c${index}`, cell_type: 'code', metadata: {}, source: '', ...(typeof cell === 'string' ? { source: cell } : cell) })),
  }
}

function write(name: string, cells: Draft[], language?: string, kernel?: string): string {
  const file = join(folder, name)
  writeFileSync(file, JSON.stringify(draft(cells, language, kernel)))
  return file
}

const read = (file: string): Notebook => JSON.parse(readFileSync(file, 'utf8')) as Notebook
const outputsOf = (cell: Cell | undefined): string => JSON.stringify(cell?.outputs)

test('parameters are read as papermill reads them', () => {
  expect(['3', '-0.5', '1e-3', 'true', 'False', 'null', '[1, "a"]', '{"a": 1}', 'text', '1.2.3', '[broken'].map(parameterValue))
    .toEqual([3, -0.5, 0.001, true, false, null, [1, 'a'], { a: 1 }, 'text', '1.2.3', '[broken'])
})

test('parameters go behind the tagged cell, over an earlier injection, or first', () => {
  const tagged = draft(['1', { source: 'const epochs = 1', metadata: { tags: ['parameters'] } }, '2'])
  expect(injectParameters(tagged, { epochs: 5, lost: null }, 'typescript')).toEqual(['lost'])
  expect(tagged.cells.map(cell => textOf(cell.source))).toEqual(['1', 'const epochs = 1', '// Parameters\nlet epochs = 5\nlet lost: any = null', '2'])
  injectParameters(tagged, { epochs: 6 }, 'typescript')
  expect(tagged.cells.map(cell => textOf(cell.source))).toEqual(['1', 'const epochs = 1', '// Parameters\nlet epochs = 6', '2'])
  const bare = draft(['1'])
  injectParameters(bare, { quick: true }, 'python')
  expect(textOf(bare.cells[0]?.source)).toBe('# Parameters\nquick = True')
  expect(() => injectParameters(draft([]), { 'a b': 1 }, 'typescript')).toThrow("Cannot set the parameter 'a b'")
})

test('arguments', () => {
  expect(readArguments(['a.ipynb', '--html', '-p', 'n=1', '-r', 'v=1', '--out', 'b.ipynb', '--timeout', '5']).options)
    .toEqual({ notebook: 'a.ipynb', html: true, parameters: { n: 1, v: '1' }, out: 'b.ipynb', timeout: 5 })
  expect(readArguments(['--html', 'page.html', 'a.ipynb']).options).toMatchObject({ html: 'page.html', notebook: 'a.ipynb' })
  expect(readArguments(['--html', 'a.ipynb']).options).toMatchObject({ html: true, notebook: 'a.ipynb' })
  for (const [args, message] of [[[], 'name a notebook'], [['a', '-p', 'x'], 'name=value'], [['a', '--nope'], '--nope'], [['a', 'b'], 'one notebook'], [['a', '--timeout', '-'], 'timeout']] as const) {
    expect(() => readArguments(args)).toThrow(message)
  }
})

test('files that are no notebooks are named', async () => {
  writeFileSync(join(folder, 'text.ipynb'), 'hello')
  writeFileSync(join(folder, 'old.ipynb'), '{ "nbformat": 3, "cells": [] }')
  await expect(runNotebook({ notebook: join(folder, 'none.ipynb') })).rejects.toThrow('there is no such file')
  await expect(runNotebook({ notebook: join(folder, 'text.ipynb') })).rejects.toThrow('not a notebook')
  await expect(runNotebook({ notebook: join(folder, 'old.ipynb') })).rejects.toThrow('got format 3')
  await expect(runNotebook({ notebook: write('a.ipynb', []), kernel: 'none-such' })).rejects.toThrow("'none-such': Jupyter does not know it")
})

test('a training is told from its events, however they are packed', async () => {
  await loadSparkline()
  const follower = new TrainingFollower()
  follower.take({ [TRAIN_EVENT]: { type: 'start', run: { epochs: 2, stepsPerEpoch: 4, metric: 'accuracy' } } })
  for (let step = 1; step <= 4; step++) follower.take({ [TRAIN_EVENT]: { events: [{ type: 'step', epoch: 1, step, loss: 1 / step, examplesPerSecond: 50 }] } })
  expect(follower.line).toBe('epoch 1/2 step 4/4  loss 0.250 █▃▂▁  50/s')
  const epoch = { type: 'epoch', epoch: 1, step: 4, train: { loss: 0.25 }, validation: { loss: 0.5, accuracy: 0.75 }, seconds: 2 }
  expect(follower.take({ [TRAIN_EVENT]: [epoch] })).toEqual(['epoch 1/2  loss 0.250  val loss 0.500  val accuracy 0.750  █▃▂▁  2.0 s'])
  expect(follower.take({ [TRAIN_EVENT]: [epoch, null, 5] })).toEqual([])
})

test('a notebook runs: outputs, displays that are updated, parameters, a page', async () => {
  const notebook = write('whole.ipynb', [
    { cell_type: 'markdown', source: '# A *page*\n\n| a |\n|---|\n| <b>1</b> |' },
    { source: 'const epochs: number = 1', metadata: { tags: ['parameters'] } },
    'console.log("a"); console.log("b"); console.error("c"); epochs * 2',
    `const show = (globalThis as any)[Symbol.for('afinar.session')].display
show({ 'text/plain': 'first', '${TRAIN_EVENT}': { type: 'start', run: { epochs } } }, { id: 'live' })`,
    "show({ 'text/plain': 'second' }, { id: 'live', update: true }); show({ 'application/vnd.plotly.v1+json': { data: [{ y: [1, 2], name: '</script><b>' }], layout: {} }, 'text/plain': 'figure' })",
  ])
  const events: RunEvent[] = []
  const out = join(folder, 'whole.out.ipynb')
  const result = await runNotebook({ notebook, out, html: true, parameters: { epochs: 4 }, report: event => events.push(event) })
  expect(result.status).toBe('ok')
  expect(result.cells.map(cell => cell.status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
  const { cells, metadata } = read(out)
  expect(metadata.language_info).toMatchObject({ name: 'typescript' })
  const printed = cells[3]?.outputs ?? []
  expect(printed.map(output => output.output_type === 'stream' ? [output.name, output.text] : output.output_type)).toEqual([['stdout', ['a\n', 'b\n']], ['stderr', ['c\n']], 'execute_result'])
  expect(outputsOf(cells[3])).toContain('"text/plain":["8"]')
  expect(outputsOf(cells[4])).toContain('second')
  expect(outputsOf(cells[4])).not.toContain('first')
  expect(events.map(event => event.type).filter(type => type === 'cell')).toHaveLength(5)
  expect(read(notebook).cells[2]?.outputs).toBeUndefined()
  const page = readFileSync(join(folder, 'whole.out.html'), 'utf8')
  expect(page).toContain('<h1>A <em>page</em></h1>')
  expect(page).toContain('Plotly.newPlot(')
  expect(page).toContain('\\u003c/script>\\u003cb>')
  expect(page.length).toBeGreaterThan(4_000_000)
  expect(page).not.toMatch(/<script[^>]+src=/)
}, 30_000)

test('a cell that fails ends the run and is told; with allowErrors the run goes on', async () => {
  const notebook = write('fails.ipynb', ['const before = 1', 'const nothing: any = null\nnothing.property', 'before'])
  const result = await runNotebook({ notebook })
  expect(result).toMatchObject({ status: 'error', failed: { number: 2, name: 'TypeError' } })
  expect(result.failed?.traceback.join('\n')).toContain('nothing.property')
  expect(read(notebook).cells.map(cell => cell.outputs?.[0]?.output_type)).toEqual([undefined, 'error', undefined])
  const tolerant = await runNotebook({ notebook, allowErrors: true })
  expect(tolerant.status).toBe('ok')
  expect(outputsOf(read(notebook).cells[2])).toContain('"text/plain":["1"]')
}, 30_000)

test('a cell that takes too long is stopped', async () => {
  const result = await runNotebook({ notebook: write('slow.ipynb', ['for (;;) {}', '1']), timeout: 1 })
  expect(result).toMatchObject({ status: 'error', failed: { number: 1, name: 'Timeout' } })
  expect(result.cells).toHaveLength(1)
}, 30_000)

test('a kernel that dies is told, and the notebook is written', async () => {
  const notebook = write('dies.ipynb', ['1', 'process.kill(process.ppid, "SIGKILL")'])
  const result = await runNotebook({ notebook })
  expect(result).toMatchObject({ status: 'error', failed: { number: 2, name: 'KernelDied' } })
  expect(outputsOf(read(notebook).cells[0])).toContain('"1"')
}, 30_000)

test('Ctrl-C stops the cell, saves, and leaves no process behind', async () => {
  const notebook = write('stop.ipynb', ['console.log(process.pid); console.log("before")', 'await new Promise(() => {})', '"never"'])
  const command = spawn(process.execPath, [join(root, 'dist/kernel/cli/index.js'), 'run', notebook], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [command.stdout, command.stderr]) stream.on('data', (chunk: Buffer) => { text += chunk.toString() })
  while (!text.includes('1/3')) await new Promise(done => setTimeout(done, 50))
  await new Promise(done => setTimeout(done, 300))
  command.kill('SIGINT')
  const code = await new Promise(done => command.once('exit', done))
  expect(code).toBe(130)
  expect(text).toContain('interrupted after')
  const { cells } = read(notebook)
  expect(outputsOf(cells[0])).toContain('before')
  expect(outputsOf(cells[2])).toBe('[]')
  const pid = Number(/(\d+)\\n/.exec(outputsOf(cells[0]))?.[1])
  expect(pid).toBeGreaterThan(1)
  const alive = (): boolean => {
    try {
      process.kill(pid, 0)
      return !existsSync('/proc/self/stat') || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) // a zombie has ended
    } catch {
      return false
    }
  }
  for (let wait = 0; wait < 20 && alive(); wait++) await new Promise(done => setTimeout(done, 50))
  expect(alive()).toBe(false)
}, 30_000)

test('the page shows every kind of output and escapes what is text', async () => {
  const page = await notebookPage(draft([
    { outputs: [{ output_type: 'stream', name: 'stdout', text: '\u001b[31mred\u001b[0m <i>\n10%\r100%\n' }] },
    { outputs: [{ output_type: 'display_data', data: { 'image/png': 'QUJD\n', 'text/plain': 'x' }, metadata: {} }, { output_type: 'display_data', data: { 'text/html': ['<table>', '</table>'], 'text/plain': 'x' }, metadata: {} }] },
    { outputs: [{ output_type: 'error', ename: 'E', evalue: 'v', traceback: ['\u001b[1mE\u001b[22m: v'] }, { output_type: 'display_data', data: { 'text/markdown': '**bold**' }, metadata: {} }, { output_type: 'display_data', data: { 'application/json': { a: '<' } }, metadata: {} }] },
    { cell_type: 'markdown', source: '![x](attachment:a.png)', attachments: { 'a.png': { 'image/png': 'QUJD' } } },
  ]), { title: 'x.ipynb' })
  expect(page).toContain('100%')
  expect(page).not.toContain('10%\r')
  for (const part of ['<span style="color:#d33c3c">', '<table></table>', 'src="data:image/png;base64,QUJD"', '<strong>bold</strong>', '&quot;a&quot;: &quot;&lt;&quot;', '<span style="font-weight:bold">E</span>: v']) expect(page).toContain(part)
  expect(page).not.toContain('Plotly')
})

const environment = join(root, '.venv/share/jupyter')
test.each([
  ['tslab', 'typescript', [process.execPath, resolve('node_modules/tslab/bin/tslab'), 'kernel', '--config-path', '{connection_file}'], existsSync(resolve('node_modules/tslab/bin/tslab')), 'const a: number = 20\nconsole.log(a)'],
  ['python3', 'python', undefined, existsSync(join(environment, 'kernels/python3')), 'a = 20\nprint(a)'],
] as const)('the kernel %s runs a notebook too', async (name, language, argv, there, code) => {
  if (!there) return console.warn(`not tried: ${name} is not installed here`)
  const own = join(folder, 'jupyter/kernels', name)
  if (argv !== undefined) {
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, 'kernel.json'), JSON.stringify({ argv, display_name: name, language }))
  }
  process.env.JUPYTER_PATH = `${join(folder, 'jupyter')}:${environment}`
  const notebook = write(`${name}.ipynb`, [code, 'a + 1'], language, name)
  const result = await runNotebook({ notebook, kernel: name, parameters: {} })
  expect(result.failed).toBeUndefined()
  expect(outputsOf(read(notebook).cells[0])).toContain('20')
  expect(outputsOf(read(notebook).cells[1])).toContain('21')
}, 60_000)
