// Trials in worker processes of this machine. A process is used again and again; one that dies takes nothing but its trial's time with it.
import { fork, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isAbsolute, resolve } from 'node:path'
import type { ModuleObjective } from './objective.js'
import type { Job, JobEnd, Place } from './places.js'
import type { FromWorker, ToWorker } from './messages.js'

/** Milliseconds that a stopped trial has to return before its process is ended. */
const patience = 10_000

const program = fileURLToPath(new URL('./worker.js', import.meta.url))

/** 'train.ts' and './train.ts' are of the current folder. */
export const moduleURL = (module: string): string => /^(file|data):/.test(module) ? module : pathToFileURL(isAbsolute(module) ? module : resolve(module)).href

export interface ProcessOptions { /** Trials at a time. Default: half as many as there are cores. */ workers?: number | undefined }

export function processes(objective: ModuleObjective, { workers = Math.max(1, Math.floor(availableParallelism() / 2)) }: ProcessOptions = {}): Place {
  const idle: ChildProcess[] = [], all = new Set<ChildProcess>(), threads = String(Math.max(1, Math.floor(availableParallelism() / workers)))
  const begin = (): ChildProcess => {
    const child = fork(program, [], {
      execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // The processes share the cores instead of each using all.
      env: { TF_NUM_INTRAOP_THREADS: threads, OMP_NUM_THREADS: threads, ...process.env, TF_CONFIG: '' },
    })
    all.add(child)
    child.once('exit', () => all.delete(child))
    return child
  }
  const run = (job: Job): Promise<JobEnd> => new Promise((done) => {
    const child = idle.pop() ?? begin()
    let last = '', timer: NodeJS.Timeout | undefined
    const say = (message: ToWorker) => { if (child.connected) child.send(message, () => {}) }
    const end = (how: JobEnd) => {
      clearTimeout(timer)
      job.signal.removeEventListener('abort', stop)
      child.off('message', hear).off('exit', lose)
      child.stderr!.off('data', complain)
      if (child.connected && child.exitCode === null && !('lost' in how)) idle.push(child)
      done(how)
    }
    const stop = () => {
      say({ type: 'stop' })
      timer = setTimeout(() => child.kill('SIGKILL'), patience)
    }
    const hear = (message: FromWorker) => {
      if (message.type === 'value') end({ value: message.value ?? NaN })
      else if (message.type === 'failed') end({ failed: message.reason })
      else void Promise.resolve(job.report(message.value)).then((on) => say({ type: 'report', on }))
    }
    const lose = (code: number | null, signal: string | null) => end({ lost: `its process ended ${signal ? `by ${signal}` : `with exit code ${code}`}${last ? `: ${last.trim().split('\n').at(-1)}` : ''}` })
    const complain = (text: Buffer) => { last = (last + text.toString()).slice(-2000) }
    child.on('message', hear).on('exit', lose)
    child.stderr!.on('data', complain)
    child.stdout!.resume()
    job.signal.addEventListener('abort', stop)
    if (job.signal.aborted) stop()
    say({ type: 'run', module: moduleURL(objective.module), name: objective.name ?? 'default', number: job.number, seed: job.seed, params: job.params })
  })
  return {
    width: workers,
    run,
    async close() {
      await Promise.all([...all].map((child) => new Promise<void>((gone) => { child.once('exit', () => gone()); child.kill('SIGKILL') })))
    },
  }
}
