// Workers as real processes, started as a user starts them.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Seen, Task } from './train.js'

export const trainer = resolve('dist/tests/cluster/support/train.js')
const afinar = resolve('dist/kernel/cli/index.js')

export interface Outcome { code: number | null; output: string; seconds: number; folder: string; seen: (Seen | undefined)[] }

export interface Started { child: ChildProcess; folder: string; ended: Promise<Outcome> }

export const newFolder = () => mkdtempSync(join(tmpdir(), 'afinar-cluster-'))

/** `afinar launch WORDS`. */
export function start(words: readonly string[], folder = newFolder(), workers = 2): Started {
  const begin = performance.now()
  const child = spawn(process.execPath, [afinar, 'launch', '--logs', folder, ...words], { env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', TF_CONFIG: '' }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text })
  const ended = new Promise<Outcome>((done) => child.once('close', (code) => done({ code, output, seconds: (performance.now() - begin) / 1000, folder, seen: Array.from({ length: workers }, (_, rank) => seenBy(folder, rank)) })))
  return { child, folder, ended }
}

export function seenBy(folder: string, rank: number): Seen | undefined {
  const file = join(folder, `worker-${rank}.json`)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as Seen : undefined
}

/** Trains on several workers and waits for their end. */
export function trainOn(workers: number, task: Task = {}, flags: readonly string[] = []): Promise<Outcome> {
  const folder = newFolder()
  return start(['--workers', String(workers), ...flags, trainer, folder, JSON.stringify(task)], folder, workers).ended
}

/** The largest distance between two sets of weights. */
export function distance(a: Record<string, number[]>, b: Record<string, number[]>): number {
  return Math.max(...Object.entries(a).map(([name, values]) => values.reduce((most, value, i) => Math.max(most, Math.abs(value - b[name]![i]!)), 0)))
}
