// Where a trial runs, as the sweep sees it: it is given parameters, reports, and ends with a value, a failure or a loss.
import type { Report } from './objective.js'
import type { Value } from './space.js'

export interface Job { number: number; seed: number; params: Readonly<Record<string, Value>>; report: Report; /** Aborted to end the trial. */ signal: AbortSignal }

/** 'lost': the process or machine is gone, and the trial may run again. */
export type JobEnd = { value: number } | { failed: string } | { lost: string }

export interface Place {
  /** Trials at a time. */
  readonly width: number
  run(job: Job): Promise<JobEnd>
  close(): Promise<void>
}
