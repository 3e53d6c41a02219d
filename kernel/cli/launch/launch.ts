// Several workers of one program on this machine: their TF_CONFIG, their logs, their end. What they share is the engine's business.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, type WriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { packageRoot } from '../places.js'
import { freePorts, gpuCount, shareCores, usableCores } from './place.js'

export interface LaunchOptions {
  program: string
  args: readonly string[]
  workers: number
  pin: boolean
  isolate: boolean
  logs?: string
  port?: number
}

export interface Ended { worker: number; code: number | null; signal: NodeJS.Signals | null; log: string }

/** How long the others may take to notice that one has failed, to save and to say so. */
const graceful = 20_000

interface Streams { out: NodeJS.WritableStream; err: NodeJS.WritableStream }

/**
 * Runs all workers to their end. The first worker's output is passed on, everybody's goes to a log.
 * @returns the exit code: 0 when all ended well, 130 after Ctrl-C, else that of the worker that failed first
 */
export async function launch(options: LaunchOptions, { out, err }: Streams = { out: process.stdout, err: process.stderr }): Promise<number> {
  const program = resolve(options.program)
  if (!existsSync(program)) throw new Error(`Cannot launch ${options.program}: there is no such file.`)
  if (options.isolate && !process.env['AFINAR_ISOLATED']) return isolated(options, err)
  const logs = options.logs === undefined ? mkdtempSync(join(tmpdir(), 'afinar-launch-')) : resolve(options.logs)
  mkdirSync(logs, { recursive: true })
  const ports = options.port === undefined ? await freePorts(options.workers) : Array.from({ length: options.workers }, (_, i) => options.port! + i)
  const addresses = ports.map((port) => `127.0.0.1:${port}`)
  const cores = options.pin ? shareCores(usableCores(), options.workers) : undefined
  const several = options.workers > 1
  if (several) err.write(`${options.workers} workers${cores ? `, ${cores.map((mine) => mine.length).join(' and ')} cores` : ''}; logs in ${logs}\n${several && !process.env['AFINAR_ISOLATED'] ? `TensorFlow's servers listen on ports ${ports.join(', ')} of every network interface, without a password. --isolate keeps them to themselves.\n` : ''}`)

  const workers = addresses.map((_, worker) => new Worker(worker, program, options, { addresses, cores: cores?.[worker], logs, pass: worker === 0 ? { out, err } : undefined }))
  let interrupts = 0
  const all = (signal: NodeJS.Signals) => { for (const worker of workers) worker.signal(signal) }
  const onSignal = (): void => {
    interrupts++
    err.write(interrupts === 1 ? '\nstopping the workers (Ctrl-C again ends them at once)\n' : '\n')
    all(interrupts === 1 ? 'SIGINT' : 'SIGKILL')
  }
  const onTerminate = (): void => { interrupts++; all('SIGTERM') }
  const onExit = (): void => all('SIGKILL')
  process.on('SIGINT', onSignal).on('SIGTERM', onTerminate).on('SIGHUP', onTerminate).on('exit', onExit)
  let first: Ended | undefined, timer: NodeJS.Timeout | undefined
  try {
    await Promise.all(workers.map(async (worker) => {
      const ended = await worker.ended
      if (ended.code === 0 || interrupts > 0 || first) return
      first = ended
      err.write(`${said(ended)}\n`)
      timer = setTimeout(() => { all('SIGTERM'); timer = setTimeout(() => all('SIGKILL'), 5000) }, graceful)
    }))
  } finally {
    clearTimeout(timer)
    process.off('SIGINT', onSignal).off('SIGTERM', onTerminate).off('SIGHUP', onTerminate).off('exit', onExit)
  }
  if (interrupts > 0) return 130
  return first ? first.code ?? 128 + (signalNumbers[first.signal ?? ''] ?? 0) : 0
}

const signalNumbers: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }

function said({ worker, code, signal, log }: Ended): string {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-8) : []
  return `Worker ${worker} failed first: ${signal ? `ended by ${signal}` : `exit code ${code}`}. Its log, ${log}, ends with\n${lines.map((line) => `  ${line}`).join('\n')}`
}

interface Surroundings { addresses: readonly string[]; cores: readonly number[] | undefined; logs: string; pass: Streams | undefined }

class Worker {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess

  constructor(readonly rank: number, program: string, { args, workers }: LaunchOptions, { addresses, cores, logs, pass }: Surroundings) {
    const log = join(logs, `worker-${rank}.log`), file = createWriteStream(log), gpus = gpuCount()
    const words = [process.execPath, ...command(program, args, rank, logs)]
    const [name, ...rest] = cores ? ['taskset', '-c', cores.join(','), ...words] : words
    // A process group of its own: Ctrl-C is ours to pass on, and the end reaches what a worker started.
    this.#child = spawn(name!, rest, {
      detached: process.platform !== 'win32', stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...(workers > 1 ? { TF_CONFIG: JSON.stringify({ cluster: { worker: addresses }, task: { type: 'worker', index: rank } }) } : {}),
        ...(gpus > 0 && !process.env['CUDA_VISIBLE_DEVICES'] ? { CUDA_VISIBLE_DEVICES: String(rank % gpus) } : {}),
      },
    })
    const pipes = [[this.#child.stdout, pass?.out], [this.#child.stderr, pass?.err]] as const
    for (const [from, to] of pipes) from!.on('data', (chunk: Buffer) => { file.write(chunk); to?.write(chunk) })
    this.ended = this.#end(file, log)
  }

  #end(file: WriteStream, log: string): Promise<Ended> {
    return new Promise((resolvePromise) => {
      const end = async (code: number | null, signal: NodeJS.Signals | null): Promise<void> => {
        this.signal('SIGKILL')                                                            // what it left running in its group
        file.end()
        await finished(file).catch(() => {})
        resolvePromise({ worker: this.rank, code, signal, log })
      }
      this.#child.once('error', (error) => { file.write(`${error.message}\n`); void end(127, null) })
      this.#child.once('close', (code, signal) => void end(code, signal))
    })
  }

  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      if (process.platform === 'win32') this.#child.kill(signal)
      else process.kill(-pid, signal)
    } catch { /* it is gone */ }
  }
}

/** What Node runs. Only the first worker's notebook is the user's; the others leave theirs beside the logs. */
function command(program: string, args: readonly string[], rank: number, logs: string): string[] {
  const built = (path: string) => join(packageRoot, 'dist/kernel/cli', path)
  if (!program.endsWith('.ipynb')) return [built('launch/script.js'), program, ...args]
  return [built('index.js'), 'run', program, ...args, ...(rank === 0 ? [] : ['--out', join(logs, `worker-${rank}.ipynb`)])]
}

/** The same command in a user and network namespace of its own: its loopback is nobody else's. */
async function isolated({ program, args, workers, pin, logs, port }: LaunchOptions, err: NodeJS.WritableStream): Promise<number> {
  const tried = spawnSync('unshare', ['--user', '--map-root-user', '--net', 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' })
  if (tried.status !== 0) throw new Error(`Cannot isolate the workers: this system does not let a process have a network of its own (${(tried.error?.message ?? tried.stderr).trim()}). Launch without --isolate, behind a firewall.`)
  const again = [join(packageRoot, 'dist/kernel/cli/index.js'), 'launch', '--workers', String(workers), ...(pin ? [] : ['--no-pin']), ...(logs === undefined ? [] : ['--logs', logs]), ...(port === undefined ? [] : ['--port', String(port)]), '--', program, ...args]
  err.write('The workers have a network of their own.\n')
  const child = spawn('unshare', ['--user', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"', process.execPath, ...again], { stdio: 'inherit', env: { ...process.env, AFINAR_ISOLATED: '1' } })
  const pass = (signal: NodeJS.Signals) => () => { child.kill(signal) }
  const [interrupt, terminate] = [pass('SIGINT'), pass('SIGTERM')]
  process.on('SIGINT', interrupt).on('SIGTERM', terminate)
  try {
    return await new Promise<number>((resolvePromise) => child.once('close', (code, signal) => resolvePromise(code ?? 128 + (signalNumbers[signal ?? ''] ?? 0))))
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', terminate)
  }
}
