// Every example of the public API, as a cell of a notebook in the kernel, types checked: it runs, and is what its comment says it is.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { examples, expected, given, imports } from './examples.js'

jest.setTimeout(600_000) // trainings, and the pre-trained models that examples load

interface Cell { source: string | string[]; outputs: { output_type: string; ename?: string; evalue?: string; text?: string | string[]; data?: Record<string, string | string[]> }[] }

const folder = mkdtempSync(join(tmpdir(), 'afinar-examples-')), all = examples()
const ran = new Map<string, Cell[]>()
const one = (text: string | string[] | undefined) => [text ?? ''].flat().join('')
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))

/** Runs each example after what it takes as given; returns the cells of each, outputs and all. */
async function runAll() {
  const cells = all.flatMap(({ file, name, code }, i) => [imports(file), ...(given[name] ?? []), code].map((source) => ({ cell_type: 'code', id: `cell-${Math.random().toString(36).slice(2)}`, metadata: { example: i }, source, outputs: [], execution_count: null })))
  writeFileSync(join(folder, 'examples.ipynb'), JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec: { name: 'afinar', display_name: 'TypeScript (afinar)', language: 'typescript' } }, cells }))
  const child = spawn(process.execPath, ['dist/kernel/cli/index.js', 'run', join(folder, 'examples.ipynb'), '--allow-errors'], { stdio: 'ignore' })
  await new Promise((resolve) => child.on('exit', resolve))
  const done = JSON.parse(readFileSync(join(folder, 'examples.ipynb'), 'utf8')).cells as (Cell & { metadata: { example: number } })[]
  all.forEach((example, i) => ran.set(example.code, done.filter(({ metadata }) => metadata.example === i)))
}

beforeAll(async () => {
  const made = spawnSync(process.execPath, ['tests/api/world.mjs', folder], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(made.stderr)
  await runAll()
})

test('there are examples, and each has one name and one place', () => {
  expect(all.length).toBeGreaterThan(80)
  expect(Object.keys(given).filter((name) => !all.some((example) => example.name === name))).toEqual([])
})

for (const { file, name, code } of all) test(`${name} (${file}): ${code.split('\n')[0]!.slice(0, 60)}`, () => {
  const cells = ran.get(code)!
  for (const { source, outputs } of cells) {
    const error = outputs.find(({ output_type }) => output_type === 'error')
    if (error) throw new Error(`${one(source)}\n\n${error.ename}: ${error.evalue}`)
  }
  const value = expected(code)
  if (value !== undefined) expect(one(cells.at(-1)!.outputs.at(-1)?.data?.['text/plain']).replace(/\s|'/g, '')).toBe(value.replace(/\s/g, ''))
})
