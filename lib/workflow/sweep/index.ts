// sweep: hyper-parameters by search. What is searched is space.ts, how is search.ts, where trials run is here.ts, processes.ts and ray.ts.
import { didYouMean, shown, TrainError } from '../../train/index.js'
import type { Stopping } from './asha.js'
import { here } from './here.js'
import type { ModuleObjective, Objective } from './objective.js'
import { processes } from './processes.js'
import { rayJobs, type RayOptions } from './ray.js'
import { SweepRun } from './run.js'
import type { Search } from './search.js'
import { checkSpace, type Space } from './space.js'

export { SweepResult, type SweepEnd } from './result.js'
export { SweepRun } from './run.js'
export { type Importance, importanceOf } from './importance.js'
export { sobol } from './sobol.js'
export type { Stopping } from './asha.js'
export type { ModuleObjective, Objective as TrialObjective, TrialContext } from './objective.js'
export type { RayOptions } from './ray.js'
export type { Search } from './search.js'
export type { Dimension, Params, Range, Space, Value as ParameterValue, ValueOf } from './space.js'
export type { Trial, TrialState } from './trials.js'

export interface SweepOptions {
  /** How many. Default 20. */
  trials?: number
  /** Seconds after which nothing more begins and what runs is stopped. Default: none. */
  budget?: number
  /** 'random'; 'sobol', evenly spread; 'tpe' (default), which after ten spread trials looks where good ones were. */
  search?: Search
  /** Default 'max'. */
  goal?: 'max' | 'min'
  /** When trials that report are stopped early (successive halving); `false` never. Default { first: 1, factor: 3 }. */
  stopping?: Stopping | false
  /** Default 0. */
  seed?: number
  /** A file of JSON lines. Where it exists the sweep goes on from it; more trials than before may be asked for. */
  records?: string
  /** Trials at a time in other processes. Default: half as many as there are cores; on Ray 8. */
  workers?: number
  /** Run trials as jobs of a Ray cluster: the address of its dashboard, or more. */
  ray?: string | RayOptions
  /** How often a trial runs again whose process or machine was lost. Default 2. */
  retries?: number
  /** Aborting stops the sweep and keeps what there is. */
  signal?: AbortSignal
  /** Show progress without being asked to. Default true. */
  live?: boolean
}

const names = ['trials', 'budget', 'search', 'goal', 'stopping', 'seed', 'records', 'workers', 'ray', 'retries', 'signal', 'live'] as const satisfies readonly (keyof SweepOptions)[]

function checkOptions(o: SweepOptions, objective: unknown): void {
  const unknown = Object.keys(o).find((name) => !(names as readonly string[]).includes(name))
  if (unknown !== undefined) throw new TrainError(`Cannot sweep: there is no option "${unknown}".${didYouMean(unknown, names)} There are ${names.join(', ')}.`)
  const whole = (name: 'trials' | 'workers' | 'retries', least: number) => { if (o[name] !== undefined && !(Number.isSafeInteger(o[name]) && o[name] >= least)) throw new TrainError(`Cannot sweep: ${name} must be a whole number of at least ${least}, got ${shown(o[name])}.`) }
  whole('trials', 1); whole('workers', 1); whole('retries', 0)
  if (o.budget !== undefined && !(o.budget > 0)) throw new TrainError(`Cannot sweep: budget must be a number of seconds above 0, got ${shown(o.budget)}.`)
  if (o.search !== undefined && !['random', 'sobol', 'tpe'].includes(o.search)) throw new TrainError(`Cannot sweep: search must be 'random', 'sobol' or 'tpe', got ${shown(o.search)}.`)
  if (o.goal !== undefined && !['max', 'min'].includes(o.goal)) throw new TrainError(`Cannot sweep: goal must be 'max' or 'min', got ${shown(o.goal)}.`)
  if (o.stopping && !((o.stopping.first ?? 1) >= 1 && (o.stopping.factor ?? 3) > 1)) throw new TrainError(`Cannot sweep: stopping needs first ≥ 1 and factor > 1, got ${shown(o.stopping)}.`)
  const module = typeof objective === 'object' && objective !== null && typeof (objective as ModuleObjective).module === 'string'
  if (typeof objective !== 'function' && !module) throw new TrainError(`Cannot sweep: the objective must be a function (params, trial) => number, or { module, name } of an exported one, got ${shown(objective)}.`)
  if (typeof objective === 'function' && (o.ray !== undefined || (o.workers ?? 1) > 1)) throw new TrainError(`Cannot sweep ${o.ray === undefined ? `with ${o.workers} workers` : 'on Ray'} over a closure: another process cannot see it. Export the function from a module and give { module: './objective.ts', name: 'objective' }.`)
}

/**
 * Searches for the parameters with the best value of `objective`. Starts at once.
 *
 * A function runs here, one trial after the other; `{ module, name }`, an exported function of a module, in worker processes of this machine
 * or, with `ray`, as jobs of a Ray cluster. A trial may report after each epoch (`trial.report(value)`, or `trial.follow(run)` for a fineTune), and is
 * stopped when it is not among the best third of those that came as far.
 *
 * @throws TrainError at once for a space, an objective or options that make no sense
 * @example
 * const result = await sweep({ learningRate: { from: 1e-5, to: 1e-2, log: true }, batchSize: [8, 16, 32] }, async ({ learningRate, batchSize }, trial) => {
 *   const model = await loadModel(source, { classes: photos.classes })
 *   return trial.follow(fineTune(model, photos, { learningRate, batchSize, live: false })) // its validation accuracy
 * }, { trials: 20 })
 * result.best?.params
 */
export function sweep<const S extends Space>(space: S, objective: Objective<S> | ModuleObjective, options: SweepOptions = {}): SweepRun<S> {
  const o = options
  checkSpace(space)
  checkOptions(o, objective)
  const ray = typeof o.ray === 'string' ? { ray: o.ray } : o.ray
  const place = typeof objective === 'function' ? here(objective as Objective<never>) : ray ? rayJobs(objective, { workers: o.workers, ...ray }) : processes(objective, { workers: o.workers })
  const run = new SweepRun<S>({
    space, trials: o.trials ?? 20, budget: o.budget, search: o.search ?? 'tpe', goal: o.goal ?? 'max', stopping: o.stopping ?? {}, seed: o.seed ?? 0, records: o.records, retries: o.retries ?? 2,
  }, place, o.live ?? true)
  const stop = () => run.stop()
  if (o.signal?.aborted) stop()
  o.signal?.addEventListener('abort', stop)
  void run.finally(() => o.signal?.removeEventListener('abort', stop)).catch(() => {})
  return run
}
