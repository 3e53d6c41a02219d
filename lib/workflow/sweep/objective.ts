// What is searched for: an objective, and what it may say and hear while it runs.
import type { FineTuneRun } from '../run.js'
import type { Params, Space } from './space.js'

export interface TrialContext {
  readonly number: number
  /** Of the sweep and the trial: give it to what draws random numbers. */
  readonly seed: number
  /**
   * Says how far the trial is, usually once an epoch. False when it is not worth going on: return then, whatever you have.
   */
  report(value: number): Promise<boolean>
  /** Aborted when the trial or the whole sweep is stopped. */
  readonly signal: AbortSignal
  /** Reports every epoch of a run, stops it when it is not worth going on, and gives its best value of `metric`. Default: the metric that the run itself goes by. */
  follow(run: FineTuneRun, metric?: string): Promise<number>
}

export type Objective<S extends Space> = (params: Params<S>, trial: TrialContext) => number | Promise<number>

/** An exported function of a module, for trials in other processes and on other machines. */
export interface ModuleObjective { /** A path or file: URL. */ module: string; /** Default 'default'. */ name?: string }

export type Report = (value: number) => boolean | Promise<boolean>

export function contextOf(number: number, seed: number, signal: AbortSignal, report: Report): TrialContext {
  const context: TrialContext = {
    number, seed, signal,
    report: async (value) => await report(value),
    async follow(run, metric) {
      const stop = () => run.stop()
      signal.addEventListener('abort', stop)
      try {
        for await (const event of run) {
          if (event.type !== 'epoch') continue
          const name = metric ?? run.events.find((one) => one.type === 'start')!.run.metric
          const value = event.validation?.[name] ?? event.train[name]
          if (value !== undefined && !await context.report(value)) run.stop()
        }
        const { best, history } = await run
        if (metric === undefined || metric === best.metric) return best.value
        const epoch = history.find((one) => one.epoch === best.epoch)
        return epoch?.validation?.[metric] ?? epoch?.train[metric] ?? NaN
      } finally { signal.removeEventListener('abort', stop) }
    },
  }
  return context
}
