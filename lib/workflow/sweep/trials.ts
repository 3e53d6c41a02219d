// Trials and their file: one JSON line when a trial begins and one when it ends, so that a sweep that was killed goes on.
import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TrainError } from '../../train/index.js'
import type { Value } from './space.js'

export type TrialState = 'running' | 'finished' | 'stopped early' | 'failed'

export interface Trial {
  /** Counts from 0. */
  number: number
  params: Record<string, Value>
  state: TrialState
  /** What the objective returned; of a trial that was stopped early, what it reported last. */
  value?: number
  /** What it reported on the way. */
  reports: number[]
  seconds: number
  /** How often it was begun: more than once where a process or a machine was lost. */
  attempts: number
  /** Why it failed. */
  error?: string
}

interface Header { format: 1; space: unknown; goal: string; search: string; seed: number }
type Line = { sweep: Header } | { trial: Trial }

export class Records {
  #written: Promise<void> = Promise.resolve()

  private constructor(readonly path: string | undefined) {}

  /**
   * Opens the file, where there is one to be. Trials that had begun and not ended are not among `ended`: they run again.
   * @throws TrainError when the file is of another sweep, or no such file
   */
  static async open(path: string | undefined, header: Header): Promise<{ records: Records; ended: Trial[] }> {
    const records = new Records(path)
    if (path === undefined) return { records, ended: [] }
    const whole = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return ''; throw new TrainError(`Cannot read the sweep's records at ${path}: ${error.message}.`) })
    // What comes after the last end of a line was cut off when the sweep was killed.
    const text = whole.slice(0, whole.lastIndexOf('\n') + 1)
    if (text.length < whole.length) await truncate(path, Buffer.byteLength(text))
    const lines = text.split('\n').filter(Boolean).map((line, i): Line => {
      try { return JSON.parse(line) as Line } catch {
        throw new TrainError(`Cannot go on with the sweep in ${path}: line ${i + 1} is not JSON. Mend it, or give another file.`)
      }
    })
    const [first] = lines
    if (!first) {
      await mkdir(dirname(path), { recursive: true })
      await records.#append({ sweep: header })
      return { records, ended: [] }
    }
    const before = 'sweep' in first ? first.sweep : undefined
    const different = (['space', 'goal', 'search', 'seed'] as const).filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(header[name]))
    if (!before || different.length > 0) throw new TrainError(`Cannot go on with the sweep in ${path}: ${before ? `its ${different.join(', its ')} ${different.length > 1 ? 'are' : 'is'} not what it was` : 'it is not a file of a sweep'}. Use the same ones, or another file.`)
    const byNumber = new Map<number, Trial>()
    for (const line of lines) if ('trial' in line && line.trial.state !== 'running') byNumber.set(line.trial.number, line.trial)
    return { records, ended: [...byNumber.values()].sort((a, b) => a.number - b.number) }
  }

  add(trial: Trial): Promise<void> { return this.#append({ trial }) }

  #append(line: Line): Promise<void> {
    const { path } = this
    if (path === undefined) return Promise.resolve()
    return this.#written = this.#written.catch(() => {}).then(() => appendFile(path, `${JSON.stringify(line)}\n`))
  }
}
