// sweep by its door: trials here and in processes, what fails, what dies, Stop, budgets, and going on from a file.
import { existsSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { fork } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, jest, test } from '@jest/globals'
import { startEngine } from '../../../lib/engine/index.js'
import { fineTune, sweep, type SweepOptions } from '../../../lib/workflow/index.js'
import { stripes, tinyModel } from '../support/stripes.js'

jest.setTimeout(120_000)

const newFolder = () => mkdtempSync(join(tmpdir(), 'afinar-sweep-'))
const module = resolve('dist/tests/workflow/sweep/objectives.js')
const space = (folder = '') => ({ x: { from: 0, to: 1 }, folder: [folder] })
// Worker processes run the built files, as a user's do.
const { sweep: built } = await import(resolve('dist/lib/workflow/sweep/index.js')) as { sweep: typeof sweep }
const inProcesses = (name: string, folder: string, o: SweepOptions = {}) => built(space(folder), { module, name }, { workers: 2, live: false, ...o })

test('learning rates of a real training: what diverges is left behind, the best is told', async () => {
  startEngine()
  const data = stripes({ train: 64, validation: 32 })
  const run = sweep({ learningRate: { from: 1e-5, to: 1e-1, log: true }, batchSize: [8, 16] }, async (params, trial) => {
    const model = tinyModel({ seed: trial.seed })
    try { return await trial.follow(fineTune(model, data, { ...params, epochs: 4, frozenEpochs: 0, augment: false, live: false })) } finally { model.dispose() }
  }, { trials: 8, search: 'sobol', live: false })
  const result = await run
  expect(result.trials).toHaveLength(8)
  expect(result.trials.some(({ state }) => state === 'stopped early')).toBe(true)
  expect(result.best!.value).toBeGreaterThan(0.8)
  expect(result.best!.params.learningRate).toBeGreaterThan(1e-3)
  const frame = await result.frame()
  expect(frame.shape).toEqual([8, 9])
  expect(frame.columns).toEqual(['trial', 'learningRate', 'batchSize', 'state', 'value', 'reports', 'seconds', 'attempts', 'error'])
  expect(String(result)).toMatch(/^Sweep \(finished\): \d trials finished, \d stopped early in .*Best: /)
})

test('trials in processes: early stopping, seeds as here, results as rows', async () => {
  const folder = newFolder(), result = await inProcesses('steps', folder, { trials: 12, search: 'sobol', seed: 4 })
  expect(result.trials.filter(({ state }) => state === 'stopped early').length).toBeGreaterThan(2)
  expect(result.trials.every(({ state, reports }) => state === 'stopped early' || reports.length === 9)).toBe(true)
  expect(Math.abs(result.best!.params.x - 0.3)).toBeLessThan(0.2)
  const here = await sweep(space(folder), ({ x }) => x, { trials: 12, search: 'sobol', seed: 4, live: false })
  expect(here.trials.map(({ params }) => params)).toEqual(result.trials.map(({ params }) => params))
})

test('a process that dies costs its trial another attempt; one that always dies fails by name; the others are not touched', async () => {
  const once = await inProcesses('diesOnce', newFolder(), { trials: 4 })
  expect(once.trials.map(({ state, attempts }) => [state, attempts])).toEqual([['finished', 1], ['finished', 1], ['finished', 2], ['finished', 1]])
  const always = await inProcesses('diesAlways', newFolder(), { trials: 3, retries: 1, workers: 1 })
  expect(always.trials.map(({ state }) => state)).toEqual(['finished', 'failed', 'finished'])
  expect(always.trials[1]!.error).toBe('its process ended with exit code 3, 2 times')
})

test('an objective that always fails ends the sweep with what it said', async () => {
  await expect(inProcesses('throws', newFolder(), { trials: 50 })).rejects.toThrow(/^Cannot sweep: [34] trials failed and none gave a value\. The first said: bad idea/)
  await expect(sweep(space(), () => NaN, { trials: 50, live: false })).rejects.toThrow('the objective gave NaN')
  await expect(inProcesses('nothing', newFolder(), { trials: 1 })).rejects.toThrow('exports no function "nothing"')
})

test('Stop and the budget end what runs and keep what has ended', async () => {
  const folder = newFolder(), run = inProcesses('slow', folder, { trials: 9, workers: 1 })
  while (!existsSync(join(folder, 'begun')) || !/^1$/m.test(readFileSync(join(folder, 'begun'), 'utf8'))) await new Promise((wait) => { setTimeout(wait, 50) })
  run.stop()
  const result = await run
  expect([result.reason, result.trials.map(({ number, state }) => [number, state])]).toEqual(['stopped', [[0, 'finished']]])
  const budgeted = await sweep(space(), () => new Promise<number>((done) => { setTimeout(() => done(1), 30) }), { trials: 1000, budget: 0.5, live: false })
  expect(budgeted.reason).toBe('budget used up')
  expect(budgeted.trials.length).toBeGreaterThan(2)
  expect(budgeted.trials.length).toBeLessThan(20)
})

test('a sweep that was killed goes on from its file: ended trials stay, the one under way runs again', async () => {
  const folder = newFolder(), records = join(folder, 'sweep.jsonl')
  const program = join(folder, 'program.mjs')
  writeFileSync(program, `import { sweep } from ${JSON.stringify(`file://${resolve('dist/lib/workflow/sweep/index.js')}`)}
await sweep({ x: { from: 0, to: 1 }, folder: [''] }, ({ x }, trial) => { if (trial.number === 3) process.kill(process.pid, 'SIGKILL'); return x }, { trials: 6, search: 'sobol', records: ${JSON.stringify(records)}, live: false })`)
  await new Promise((ended) => fork(program, [], { execArgv: [] }).once('exit', ended))
  expect(readFileSync(records, 'utf8').trim().split('\n')).toHaveLength(1 + 2 * 3 + 1)
  truncateSync(records, readFileSync(records).length - 20)                                 // and the last line was cut short
  const tried: number[] = []
  const result = await sweep(space(), ({ x }, { number }) => { tried.push(number); return x }, { trials: 8, search: 'sobol', records, live: false })
  expect(tried).toEqual([3, 4, 5, 6, 7])
  const straight = await sweep(space(), ({ x }) => x, { trials: 8, search: 'sobol', live: false })
  expect(result.trials.map(({ number, params, value }) => [number, params, value])).toEqual(straight.trials.map(({ number, params, value }) => [number, params, value]))
  await expect(sweep(space(), ({ x }) => x, { seed: 1, records, search: 'sobol', live: false })).rejects.toThrow(/Cannot go on with the sweep in .*: its seed is not what it was/)
  writeFileSync(records, 'hello\nworld\n')
  await expect(sweep(space(), ({ x }) => x, { records, live: false })).rejects.toThrow(/line 1 is not JSON/)
})

const one = () => 1

test.each<[unknown, unknown, unknown, string]>([
  [{}, one, {}, 'the space has no dimension'],
  [{ x: { from: 1, to: 0 } }, one, {}, 'Cannot sweep over x'],
  [{ x: { from: 0, to: 1, log: true } }, one, {}, 'a logarithmic range must begin above 0'],
  [{ x: [] }, one, {}, 'at least one value'],
  [{ x: [one] }, one, {}, 'travel to other processes'],
  [{ x: [1] }, 'no', {}, 'the objective must be a function'],
  [{ x: [1] }, one, { trials: 0 }, 'trials must be a whole number of at least 1'],
  [{ x: [1] }, one, { budget: -1 }, 'budget must be'],
  [{ x: [1] }, one, { serach: 'tpe' }, 'Did you mean "search"?'],
  [{ x: [1] }, one, { search: 'grid' }, "'random', 'sobol' or 'tpe'"],
  [{ x: [1] }, one, { goal: 'up' }, "'max' or 'min'"],
  [{ x: [1] }, one, { workers: 4 }, 'another process cannot see it'],
  [{ x: [1] }, one, { ray: 'http://localhost:8265' }, 'another process cannot see it'],
])('%j is refused: %#', (bad, objective, options, why) => {
  expect(() => sweep(bad as never, objective as never, options as never)).toThrow(why)
})

test('Ray that is not there is said', async () => {
  await expect(built(space(), { module, name: 'steps' }, { ray: 'http://127.0.0.1:9', trials: 1, live: false })).rejects.toThrow(/^Cannot reach Ray at http:\/\/127\.0\.0\.1:9: .*Start it with "ray start --head"/)
})
