// Trials as jobs of a real Ray: a head of this machine's own, from PyPI (`pip install "ray[default]"`). Skipped by name where there is none:
// AFINAR_RAY names the `ray` program, or it is on the PATH.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { sweep as Sweep } from '../../../lib/workflow/index.js'

jest.setTimeout(900_000)

const ray = process.env['AFINAR_RAY'] ?? 'ray', there = spawnSync(ray, ['--version'], { encoding: 'utf8' }).status === 0
const withRay = there ? test : test.skip
const module = resolve('dist/tests/workflow/sweep/objectives.js'), folder = mkdtempSync(join(tmpdir(), 'afinar-ray-'))
const { sweep } = await import(resolve('dist/lib/workflow/sweep/index.js')) as { sweep: typeof Sweep }
const env = { ...process.env, RAY_USAGE_STATS_ENABLED: '0' }
let address = '', port = 0
const nodes: { child: ChildProcess; gone: Promise<void> }[] = []

/** `ray start WORDS`, until it is ended. */
async function start(...words: string[]): Promise<ChildProcess> {
  const child = spawn(ray, ['start', '--block', '--node-ip-address=127.0.0.1', '--disable-usage-stats', '--object-store-memory=100000000', `--dashboard-agent-listen-port=${await freePort()}`, ...words], { stdio: 'ignore', env })
  nodes.push({ child, gone: new Promise((done) => { child.once('close', () => done()) }) })
  return child
}

const freePort = () => new Promise<number>((done) => {
  // Below 10000, where Ray's workers do not listen.
  const attempt = (): void => {
    const wanted = 7000 + Math.floor(Math.random() * 2900)
    const server = createServer().once('error', attempt).listen(wanted, '127.0.0.1', () => server.close(() => done(wanted)))
  }
  attempt()
})

beforeAll(async () => {
  if (!there) { console.warn('Skipped: sweeps on Ray, because there is no program `ray` (pip install "ray[default]", then AFINAR_RAY=…/bin/ray).'); return }
  port = await freePort()
  const dashboard = await freePort()
  address = `http://127.0.0.1:${dashboard}`
  await start('--head', '--num-cpus=2', '--dashboard-host=127.0.0.1', `--dashboard-port=${dashboard}`, `--port=${port}`, `--temp-dir=${folder}`)
  for (let i = 0; i < 200; i++) {
    if (await fetch(`${address}/api/version`).then(({ ok }) => ok, () => false)) return
    await new Promise((wait) => { setTimeout(wait, 500) })
  }
})

afterAll(async () => {
  if (!there) return
  for (const { child, gone } of nodes.toReversed()) {
    child.kill('SIGTERM')                                                                 // with --block it ends what it started
    await gone
  }
  rmSync(folder, { recursive: true, force: true })
})

withRay('trials run as jobs; one whose job is killed runs again; reports and early stops come through the logs', async () => {
  const options = { ray: { ray: address, node: process.execPath, cpus: 1 }, workers: 2, live: false } as const
  const result = await sweep({ x: { from: 0, to: 1 }, folder: [folder] }, { module, name: 'diesOnce' }, { ...options, trials: 3, search: 'sobol' })
  expect(result.trials.map(({ state, attempts }) => [state, attempts])).toEqual([['finished', 1], ['finished', 1], ['finished', 2]])
  expect(result.trials.every(({ params, value }) => value === params['x'])).toBe(true)
  const reported = await sweep({ x: { from: 0, to: 1 }, folder: [folder] }, { module, name: 'steps' }, { ...options, trials: 1 })
  expect(reported.trials[0]!.reports).toHaveLength(9)
})

/** A process and all that it started. */
function treeOf(pid: number): number[] {
  const all = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  const below = (parent: number): number[] => [parent, ...all.filter(([, of]) => of === parent).flatMap(([child]) => below(child))]
  return below(pid)
}

withRay('a trial whose machine is lost runs again on another one', async () => {
  const node = () => start(`--address=127.0.0.1:${port}`, '--num-cpus=1', '--resources={"lent": 1}')
  const lost = await node()
  const run = sweep({ x: { from: 0, to: 1 }, folder: [folder] }, { module, name: 'waitsOnce' }, { ray: { ray: address, node: process.execPath, resources: { lent: 1 } }, trials: 1, retries: 5, live: false })
  while (!existsSync(join(folder, 'waiting'))) await new Promise((wait) => { setTimeout(wait, 200) })
  for (const pid of treeOf(lost.pid!)) try { process.kill(pid, 'SIGKILL') } catch { /* it went with another */ }
  await node()
  const { trials: [trial] } = await run
  expect(trial!.state).toBe('finished')
  expect(trial!.attempts).toBeGreaterThan(1)
  expect(trial!.value).toBe(trial!.params['x'])
})
