// Trials as jobs of a Ray cluster, through its HTTP job API (the dashboard's port). What a job says comes out of its log, line by line.
import http from 'node:http'
import https from 'node:https'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import { TrainError } from '../../train/index.js'
import type { ModuleObjective } from './objective.js'
import type { Job, JobEnd, Place } from './places.js'
import { moduleURL } from './processes.js'
import { mark, type FromWorker, type RunMessage } from './messages.js'

export interface RayOptions {
  /** Where Ray's dashboard answers, e.g. 'http://10.0.0.1:8265'. */
  ray: string
  /** Trials at a time. Default 8; Ray lets those wait for which there is no room. */
  workers?: number | undefined
  /** Of Ray's resources, for each trial. Default 1 and 0. */
  cpus?: number
  gpus?: number
  /** More of them, as Ray's machines name theirs: { highmem: 1 }. */
  resources?: Readonly<Record<string, number>>
  /** How Node is called on Ray's machines, where this package and the objective lie at the same paths as here. Default 'node'. */
  node?: string
  /** Milliseconds between two looks. Default 1000. */
  interval?: number
}

type Status = 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'STOPPED'
interface JobInfo { status: Status; message?: string | null }

/** Not by fetch: Node's sends headers of a browser, and Ray lets browsers start nothing. */
function ask(method: string, url: string, body?: unknown): Promise<{ status: number; text: string }> {
  const content = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const sent = (url.startsWith('https:') ? https : http).request(url, { method, timeout: 30_000, headers: content === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => { text += part }).on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', reject)
    })
    sent.on('timeout', () => sent.destroy(new Error('it does not answer'))).on('error', reject).end(content)
  })
}

/** Looks that may fail one after the other before Ray itself counts as gone. */
const misses = 30

export function rayJobs(objective: ModuleObjective, { ray, workers = 8, cpus = 1, gpus = 0, resources = {}, node = 'node', interval = 1000 }: RayOptions): Place {
  const base = ray.replace(/\/+$/, ''), program = fileURLToPath(new URL('./worker.js', import.meta.url))
  const running = new Set<string>()

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    let answer: { status: number; text: string }
    try {
      answer = await ask(method, `${base}${path}`, body)
    } catch (cause) {
      throw new TrainError(`Cannot reach Ray at ${base}: ${(cause as Error).message || (cause as NodeJS.ErrnoException).code}. Start it with "ray start --head", and give the address of its dashboard.`, { cause })
    }
    if (answer.status !== 200) throw new TrainError(`Cannot use Ray at ${base}: ${method} ${path} answered ${answer.status} (${answer.text.slice(0, 200)}).`)
    return JSON.parse(answer.text) as T
  }

  /** A Ray that has just begun answers before it can take a job. */
  async function submit(job: unknown): Promise<{ submission_id: string }> {
    for (let failures = 0; ; failures++) {
      try { return await call('POST', '/api/jobs/', job) } catch (error) {
        if (failures >= misses || !/answered 5\d\d/.test((error as Error).message)) throw error
        await pause(interval)
      }
    }
  }

  const stop = (id: string) => call('POST', `/api/jobs/${id}/stop`).catch(() => undefined)

  async function follow(id: string, job: Job): Promise<JobEnd> {
    let heard = 0, value: number | undefined, failed: string | undefined, failures = 0, logs = '', told = false
    const listen = async () => {
      ({ logs = '' } = await call<{ logs?: string }>('GET', `/api/jobs/${id}/logs`))
      const messages = logs.split('\n').slice(0, -1).filter((line) => line.startsWith(mark)).map((line) => JSON.parse(line.slice(mark.length)) as FromWorker)
      for (const message of messages.slice(heard)) {
        heard++
        if (message.type === 'value') value = message.value ?? NaN
        else if (message.type === 'failed') failed = message.reason
        else if (!await job.report(message.value) && !told) { told = true; void stop(id) }
      }
    }
    for (;;) {
      let info: JobInfo
      try {
        info = await call<JobInfo>('GET', `/api/jobs/${id}`)
        const over = info.status === 'FAILED' || info.status === 'STOPPED'
        // With its machine a job's log is gone too.
        if (info.status !== 'PENDING') await listen().catch((error: unknown) => { if (!over) throw error })
        failures = 0
      } catch (error) {
        if (++failures > misses) return { lost: (error as Error).message }
        await pause(interval)
        continue
      }
      if (value !== undefined) return { value }
      if (failed !== undefined) return { failed }
      if (told && info.status !== 'RUNNING' && info.status !== 'PENDING') return { value: NaN } // its last report counts
      if (info.status === 'STOPPED') return job.signal.aborted ? { failed: 'stopped' } : { lost: 'somebody stopped its job' }
      if (info.status === 'FAILED' || info.status === 'SUCCEEDED') return { lost: `its job ended without an answer (${(info.message ?? logs.trim().split('\n').at(-1) ?? info.status).trim().slice(0, 300)})` }
      await pause(interval)
    }
  }

  return {
    width: workers,
    async run(job) {
      const message: RunMessage = { type: 'run', module: moduleURL(objective.module), name: objective.name ?? 'default', number: job.number, seed: job.seed, params: job.params }
      const entrypoint = [node, program, '--trial', Buffer.from(JSON.stringify(message)).toString('base64')].map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
      const { submission_id: id } = await submit({ entrypoint, entrypoint_num_cpus: cpus, entrypoint_num_gpus: gpus, entrypoint_resources: resources, metadata: { sweep: 'afinar', trial: String(job.number) } })
      running.add(id)
      const abort = () => void stop(id)
      job.signal.addEventListener('abort', abort)
      if (job.signal.aborted) abort()
      try {
        const end = await follow(id, job)
        if ('lost' in end && !job.signal.aborted) await pause(10 * interval)                // until Ray has noticed that a machine is gone, it would send the next one there
        return end
      } finally {
        running.delete(id)
        job.signal.removeEventListener('abort', abort)
      }
    },
    async close() { await Promise.all([...running].map(stop)) },
  }
}
