// A run in MLflow: parameters, metrics and tags, written into its file store or to its server (REST API 2.0) while the run goes on.
import { randomUUID } from 'node:crypto'
import { appendFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TrainError } from '../errors.js'
import type { RunFacts, TrainEvent } from '../events.js'

export interface MLflowOptions {
  /** Default 'afinar'; made where it is not there. */
  experiment?: string
  /** Default: the run's id. */
  runName?: string
  /** For a server that wants more, such as { Authorization: 'Bearer …' }. */
  headers?: Readonly<Record<string, string>>
  fetch?: typeof fetch
}

interface Metric { key: string; value: number; timestamp: number; step: number }
type Status = 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED'
interface Batch { metrics?: Metric[]; params?: Record<string, string>; tags?: Record<string, string> }

/** A run that is open, in whichever store. */
interface Store { id: string; log(batch: Batch): Promise<void>; end(status: Status, time: number): Promise<void> }

/**
 * Hyper-parameters and facts as parameters; loss and metrics of training and validation by epoch, loss, learning rate, gradient norm and speed by step;
 * the verdict as tags. Look at a folder with `mlflow ui --backend-store-uri FOLDER`.
 *
 * @param target a folder (MLflow's file store, usually `mlruns`), or the address of a server such as 'http://localhost:5000'
 * @returns the id of MLflow's run
 * @throws TrainError when the server refuses, or the run has no events
 * @example void writeMLflow(run, 'mlruns', { experiment: 'ants and bees' })
 */
export async function writeMLflow(events: AsyncIterable<TrainEvent> | Iterable<TrainEvent>, target: string, o: MLflowOptions = {}): Promise<string> {
  let store: Store | undefined, time = 0, ended = false, waiting: Metric[] = []
  const flush = async (more: Batch = {}): Promise<void> => {
    const metrics = [...waiting, ...more.metrics ?? []]
    waiting = []
    for (let from = 0; from === 0 || from < metrics.length; from += mostMetrics) await store!.log({ ...(from === 0 ? more : {}), metrics: metrics.slice(from, from + mostMetrics) })
  }
  try {
    for await (const event of events) {
      time = event.time
      if (!store) {
        const facts = event.type === 'start' ? event.run : undefined
        store = await (/^https?:/.test(target) ? onServer : inFolder)(target, o.experiment ?? 'afinar', o.runName ?? facts?.id ?? `run ${new Date(time).toISOString()}`, time, o)
        if (facts) await store.log({ params: paramsOf(facts), tags: { classes: facts.classes.join(', ').slice(0, longestValue) } })
      }
      if (event.type === 'step') waiting.push(...metricsOf({ 'loss/step': event.loss, learning_rate: event.learningRate, gradient_norm: event.gradNorm, examples_per_second: event.examplesPerSecond }, event))
      if (event.type === 'epoch') await flush({ metrics: metricsOf({ ...named('train', event.train), ...named('validation', event.validation), epoch: event.epoch, epoch_seconds: event.seconds }, event) })
      if (event.type === 'verdict') await store.log({ tags: { verdict: event.verdict.verdict, evidence: event.verdict.evidence.slice(0, longestValue) } })
      if (event.type === 'end') {
        await flush({ metrics: metricsOf({ [`best/${event.best.metric}`]: event.best.value, best_epoch: event.best.epoch, seconds: event.seconds }, { time, step: event.steps }), tags: { reason: event.reason } })
        await store.end(event.reason === 'stopped' ? 'KILLED' : event.reason === 'diverged' ? 'FAILED' : 'FINISHED', time)
        ended = true
      }
      if (waiting.length >= mostMetrics / 2) await flush()
    }
  } finally {
    if (store && !ended) { await flush(); await store.end('FAILED', time) } // the run broke off
  }
  if (!store) throw new TrainError('Cannot write the run to MLflow: it has no events. Pass what fineTune returns.')
  return store.id
}

/** As many as a request of log-batch may hold; and the characters of a parameter's value. */
const mostMetrics = 1000, longestValue = 500

const named = (part: string, figures: Record<string, number> = {}) => Object.fromEntries(Object.entries(figures).map(([metric, value]) => [`${metric}/${part}`, value]))

/** MLflow's names hold letters, digits, _ - . / and spaces. */
const metricsOf = (figures: Record<string, number>, { time, step }: { time: number; step: number }): Metric[] => Object.entries(figures).map(([key, value]) => ({ key: plainName(key), value, timestamp: Math.round(time), step }))

const plainName = (name: string): string => name.replace(/[^\w\-. /]/g, '_')

function paramsOf({ defaults, rows, classes, ...facts }: RunFacts): Record<string, string> {
  const { id: _, ...plain } = facts
  const all = { ...plain, classes: classes.length, rows_train: rows.train, rows_validation: rows.validation, ...Object.fromEntries(defaults.filter(({ name }) => !(name in plain)).map(({ name, value }) => [name, value])) }
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [plainName(name), String(value).slice(0, longestValue)]))
}

/** Numbers as MLflow's own code writes them. */
const written = (value: number): string => Number.isNaN(value) ? 'nan' : value === Infinity ? 'inf' : value === -Infinity ? '-inf' : String(value)

/** YAML takes JSON's strings. */
const yaml = (record: Record<string, string | number | null | readonly never[]>): string => Object.entries(record).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`).join('')

/** mlruns/EXPERIMENT/RUN/{meta.yaml, params/NAME, metrics/NAME, tags/NAME, artifacts/}: one line "time value step" for each value of a metric. */
async function inFolder(folder: string, experiment: string, runName: string, time: number): Promise<Store> {
  const root = resolve(folder.replace(/^file:(\/\/)?/, '')), experimentId = await experimentIn(root, experiment, time), id = randomUUID().replaceAll('-', ''), at = join(root, experimentId, id)
  for (const part of ['params', 'metrics', 'tags', 'artifacts']) await mkdir(join(at, part), { recursive: true })
  const user = userInfo().username
  const describe = async (status: number, end: number | null): Promise<void> => {
    const path = join(at, 'meta.yaml')
    await writeFile(`${path}.partial`, yaml({ artifact_uri: pathToFileURL(join(at, 'artifacts')).href, end_time: end, entry_point_name: '', experiment_id: experimentId, lifecycle_stage: 'active', run_id: id, run_name: runName, run_uuid: id, source_name: '', source_type: 4, source_version: '', start_time: Math.round(time), status, tags: [], user_id: user }))
    await rename(`${path}.partial`, path)
  }
  const write = async (kind: string, values: Record<string, string> = {}): Promise<void> => { for (const [name, value] of Object.entries(values)) { await mkdir(join(at, kind, name, '..'), { recursive: true }); await writeFile(join(at, kind, name), value) } }
  await describe(1, null)
  await write('tags', { 'mlflow.runName': runName, 'mlflow.user': user, 'mlflow.source.type': 'LOCAL', 'mlflow.source.name': 'afinar' })
  return {
    id,
    async log({ metrics = [], params, tags }) {
      const lines = new Map<string, string>()
      for (const { key, value, timestamp, step } of metrics) lines.set(key, `${lines.get(key) ?? ''}${timestamp} ${written(value)} ${step}\n`)
      for (const [key, text] of lines) { await mkdir(join(at, 'metrics', key, '..'), { recursive: true }); await appendFile(join(at, 'metrics', key), text) }
      await write('params', params)
      await write('tags', tags)
    },
    end: (status, end) => describe({ RUNNING: 1, FINISHED: 3, FAILED: 4, KILLED: 5 }[status], Math.round(end)),
  }
}

async function experimentIn(root: string, name: string, time: number): Promise<string> {
  await mkdir(root, { recursive: true })
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue
    const meta = await readFile(join(root, entry.name, 'meta.yaml'), 'utf8').catch(() => '')
    const found = /^name: (.*)$/m.exec(meta)?.[1]?.trim()
    if (found !== undefined && [name, JSON.stringify(name), `'${name.replaceAll("'", "''")}'`].includes(found)) return entry.name
  }
  const id = String(BigInt(`0x${randomUUID().replaceAll('-', '').slice(0, 15)}`)).padStart(18, '1').slice(0, 18), at = join(root, id), now = Math.round(time)
  await mkdir(at, { recursive: true })
  await writeFile(join(at, 'meta.yaml'), yaml({ artifact_location: pathToFileURL(at).href, creation_time: now, experiment_id: id, last_update_time: now, lifecycle_stage: 'active', name }))
  return id
}

/** A server closes a connection that was idle for some seconds, as between epochs; what was sent into it then has not been read. */
const closedMeanwhile = (error: unknown): boolean => ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(((error as Error).cause as { code?: string } | undefined)?.code))

async function onServer(address: string, experiment: string, runName: string, time: number, { headers, fetch: send = fetch }: MLflowOptions): Promise<Store> {
  const call = async (method: 'GET' | 'POST', path: string, body: Record<string, unknown>): Promise<Record<string, any> | undefined> => {
    const url = `${address.replace(/\/+$/, '')}/api/2.0/mlflow/${path}${method === 'GET' ? `?${new URLSearchParams(body as Record<string, string>)}` : ''}`
    const ask = () => send(url, { method, headers: { 'Content-Type': 'application/json', ...headers }, ...(method === 'POST' ? { body: JSON.stringify(body) } : {}), signal: AbortSignal.timeout(60_000) })
    const answer = await ask().catch((error: unknown) => closedMeanwhile(error) ? ask() : Promise.reject(error as Error))
      .catch((cause: unknown) => { throw new TrainError(`Cannot write to MLflow at ${address}: nothing answers there (${(cause as Error).message}). Start it with: mlflow server.`, { cause }) })
    const text = await answer.text()
    if (answer.ok) return JSON.parse(text || '{}') as Record<string, any>
    if (text.includes('RESOURCE_DOES_NOT_EXIST')) return undefined
    throw new TrainError(`Cannot write to MLflow at ${address}: ${path} was answered with ${answer.status}: ${text.slice(0, 300)}.`)
  }
  const known = await call('GET', 'experiments/get-by-name', { experiment_name: experiment })
  const experimentId = String(known?.['experiment'].experiment_id ?? (await call('POST', 'experiments/create', { name: experiment }))!['experiment_id'])
  const tags = (record: Record<string, string> = {}) => Object.entries(record).map(([key, value]) => ({ key, value }))
  const made = await call('POST', 'runs/create', { experiment_id: experimentId, run_name: runName, start_time: Math.round(time), tags: tags({ 'mlflow.source.name': 'afinar', 'mlflow.source.type': 'LOCAL', 'mlflow.user': userInfo().username }) })
  const id = String(made!['run'].info.run_id)
  return {
    id,
    async log({ metrics = [], params, tags: more }) {
      // JSON knows no NaN and no infinity; MLflow reads them as words.
      await call('POST', 'runs/log-batch', { run_id: id, metrics: metrics.map((metric) => ({ ...metric, value: Number.isFinite(metric.value) ? metric.value : { nan: 'NaN', inf: 'Infinity', '-inf': '-Infinity' }[written(metric.value)] })), params: tags(params), tags: tags(more) })
    },
    async end(status, end) { await call('POST', 'runs/update', { run_id: id, status, end_time: Math.round(end) }) },
  }
}
