// A run written for MLflow, read back by MLflow's own client: out of the folder, and from a real server. Skipped by name where there is no Python with it:
// AFINAR_MLFLOW_PYTHON names one (`pip install mlflow`), or it is .venv's or the PATH's.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, jest, test } from '@jest/globals'
import { EventStream, writeMLflow, type TrainEvent } from '../../lib/train/index.js'

jest.setTimeout(300_000)

const python = [process.env['AFINAR_MLFLOW_PYTHON'], '.venv/bin/python', 'python3'].find((name) => name && spawnSync(name, ['-c', 'import mlflow.server'], { timeout: 120_000 }).status === 0)
if (!python) console.warn('Skipped: MLflow reading its runs, because no Python has it (pip install mlflow, then AFINAR_MLFLOW_PYTHON=…/bin/python).')
const withMLflow = python ? test : test.skip
const folder = mkdtempSync(join(tmpdir(), 'afinar-mlflow-'))
let server: ChildProcess | undefined
afterAll(async () => {
  if (server?.pid) { const gone = new Promise((done) => server!.once('close', done)); process.kill(-server.pid, 'SIGTERM'); await gone }
  rmSync(folder, { recursive: true, force: true })
})

const time = 1_795_000_000_000
const events: TrainEvent[] = [
  { type: 'start', time, run: { id: 'run-1', model: 'new small-cnn', data: 'stripes', classes: ['a', 'b'], rows: { train: 4, validation: 2 }, epochs: 2, stepsPerEpoch: 2, batchSize: 2, learningRate: 1e-3, optimizer: 'adamw', schedule: 'one-cycle', parameters: 10, trainable: 10, defaults: [{ name: 'clipNorm', value: '1', reason: 'odd batches' }, { name: 'batchSize', value: '2', reason: 'few rows' }], metric: 'accuracy' } },
  ...[1, 2, 3, 4].map((step): TrainEvent => ({ type: 'step', time: time + step * 100, epoch: Math.ceil(step / 2), step, loss: 1 / step, learningRate: 1e-3 * step, gradNorm: step === 4 ? NaN : 2, examplesPerSecond: 50 })),
  { type: 'epoch', time: time + 500, epoch: 1, step: 2, train: { loss: 0.75, 'precision@1': 0.5 }, validation: { loss: 0.8, accuracy: 0.25 }, seconds: 1.5, learningRate: 1e-3, best: true },
  { type: 'epoch', time: time + 900, epoch: 2, step: 4, train: { loss: 0.3 }, validation: { loss: 0.4, accuracy: 0.75 }, seconds: 1.25, learningRate: 1e-4, best: true },
  { type: 'verdict', time: time + 901, epoch: 2, verdict: { verdict: 'good fit', evidence: 'Both fall: "fine"\nand more.', remedies: [] } },
  { type: 'end', time: time + 1000, reason: 'finished', epochs: 2, steps: 4, seconds: 3, best: { epoch: 2, metric: 'accuracy', value: 0.75 } },
]

const reader = `
import os, sys, json, math
os.environ['MLFLOW_ALLOW_FILE_STORE'] = 'true'
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
run = client.get_run(sys.argv[2])
plain = lambda x: 'nan' if math.isnan(x) else x
print(json.dumps({'experiment': client.get_experiment(run.info.experiment_id).name, 'name': run.info.run_name, 'status': run.info.status, 'start': run.info.start_time, 'end': run.info.end_time,
  'params': run.data.params, 'tags': run.data.tags, 'last': {k: plain(v) for k, v in run.data.metrics.items()},
  'history': {name: [[m.step, plain(m.value), m.timestamp] for m in client.get_metric_history(sys.argv[2], name)] for name in run.data.metrics},
  'found': len(client.search_runs([run.info.experiment_id], "metrics.\`accuracy/validation\` > 0.7"))}))
`
function read(target: string, run: string): any {
  const { stdout, stderr, status } = spawnSync(python!, ['-c', reader, target, run], { encoding: 'utf8', env: { ...process.env, MLFLOW_ALLOW_FILE_STORE: 'true' } })
  if (status !== 0) throw new Error(stderr.slice(-3000))
  return JSON.parse(stdout)
}

function checkRead(found: any): void {
  expect(found).toMatchObject({ experiment: 'ants "and" bees', name: 'run-1', status: 'FINISHED', start: time, end: time + 1000, found: 1 })
  expect(found.params).toMatchObject({ model: 'new small-cnn', data: 'stripes', batchSize: '2', clipNorm: '1', classes: '2', rows_train: '4', optimizer: 'adamw' })
  expect(found.tags).toMatchObject({ verdict: 'good fit', evidence: 'Both fall: "fine"\nand more.', reason: 'finished', classes: 'a, b' })
  expect(found.history['loss/validation']).toEqual([[2, 0.8, time + 500], [4, 0.4, time + 900]])
  expect(found.history['loss/step'].map(([step, value]: [number, number]) => [step, value])).toEqual([1, 2, 3, 4].map((step) => [step, 1 / step]))
  expect(found.history['precision_1/train']).toEqual([[2, 0.5, time + 500]])
  expect(found.history.gradient_norm.at(-1)[1]).toBe('nan')
  expect(found.last['best/accuracy']).toBe(0.75)
}

withMLflow('MLflow reads the folder', async () => {
  const target = join(folder, 'mlruns'), stream = new EventStream(), writing = writeMLflow(stream, target, { experiment: 'ants "and" bees' })
  for (const event of events) { stream.emit(event); await new Promise((resolve) => { setTimeout(resolve, 1) }) }
  stream.close()
  checkRead(read(target, await writing))
  // A second run stands in the same experiment; one that broke off is marked as failed, with what it had.
  const second = await writeMLflow(events.slice(0, 6), target, { experiment: 'ants "and" bees', runName: 'again' })
  expect(readdirSync(target).filter((name) => name !== '.trash')).toHaveLength(1)
  const broken = read(target, second)
  expect(broken).toMatchObject({ name: 'again', status: 'FAILED', found: 1 })
  expect(broken.history['loss/validation']).toHaveLength(1)
})

withMLflow('MLflow\'s server takes the run and gives it back', async () => {
  const port = await new Promise<number>((done) => { const one = createServer().listen(0, '127.0.0.1', () => { const { port } = one.address() as { port: number }; one.close(() => done(port)) }) })
  const log: string[] = []
  server = spawn(python!, ['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1', '--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`, '--default-artifact-root', join(folder, 'artifacts')], { cwd: folder, detached: true, env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' } })
  for (const stream of [server.stdout!, server.stderr!]) stream.on('data', (text: Buffer) => log.push(String(text)))
  const address = `http://127.0.0.1:${port}`
  for (let i = 0; i < 240 && !await fetch(`${address}/health`).then(({ ok }) => ok, () => false); i++) {
    if (server.exitCode !== null) throw new Error(log.join('').slice(-3000))
    await new Promise((wait) => { setTimeout(wait, 500) })
  }
  checkRead(read(address, await writeMLflow(events, address, { experiment: 'ants "and" bees' })))
  const many = Array.from({ length: 700 }, (_, i): TrainEvent => ({ type: 'step', time: time + i, epoch: 1, step: i + 1, loss: i, learningRate: 1, gradNorm: 1, examplesPerSecond: 1 }))
  const long = await writeMLflow([events[0]!, ...many, events.at(-1)!], address, { experiment: 'ants "and" bees' })
  expect(read(address, long).history['loss/step']).toHaveLength(700)
  await expect(writeMLflow(events, `${address}/nowhere`)).rejects.toThrow(/Cannot write to MLflow at http:\/\/127\.0\.0\.1:\d+\/nowhere: experiments\/.* was answered with 404/)
})

test('the files are MLflow\'s, without MLflow to say so; what cannot be is refused', async () => {
  const target = join(folder, 'by hand'), id = await writeMLflow(events, target)
  const [experiment] = readdirSync(target), at = join(target, experiment!, id)
  expect(readFileSync(join(target, experiment!, 'meta.yaml'), 'utf8')).toContain('name: "afinar"\n')
  expect(readFileSync(join(at, 'metrics/accuracy/validation'), 'utf8')).toBe(`${time + 500} 0.25 2\n${time + 900} 0.75 4\n`)
  expect(readFileSync(join(at, 'params/batchSize'), 'utf8')).toBe('2')
  expect(readFileSync(join(at, 'meta.yaml'), 'utf8')).toContain('status: 3\n')
  expect(existsSync(join(at, 'artifacts'))).toBe(true)
  await expect(writeMLflow([], target)).rejects.toThrow('it has no events')
  await expect(writeMLflow(events, 'http://127.0.0.1:9')).rejects.toThrow('nothing answers there')
})

test('a connection that the server closed between two epochs costs nothing', async () => {
  const asked: string[] = []
  let closed = 0
  const send = (async (url: string | URL) => {
    asked.push(String(url).replace(/^.*mlflow\//, '').replace(/\?.*/, ''))
    if (asked.length === 4 && closed++ === 0) throw new TypeError('fetch failed', { cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }) })
    return new Response(JSON.stringify({ experiment: { experiment_id: '7' }, run: { info: { run_id: 'abc' } } }))
  }) as typeof fetch
  expect(await writeMLflow(events, 'http://mlflow.example', { fetch: send })).toBe('abc')
  expect(asked.filter((path, i) => path === asked[i - 1] && i === 4)).toHaveLength(1)
  expect(asked[0]).toBe('experiments/get-by-name')
  expect(asked.at(-1)).toBe('runs/update')
})
