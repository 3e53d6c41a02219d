// Learning-rate schedules: a schedule says what share of the highest learning rate is in force at a step. Plain values, no state.
import { didYouMean, TrainError } from '../errors.js'
import { cosine, cosineRestarts, linear } from './decay.js'
import { oneCycle, type OneCycleOptions } from './one-cycle.js'
import { plateauFactor, type PlateauOptions } from './plateau.js'

/** Where a run stands when a rate is needed. */
export interface SchedulePlace {
  /** Steps done before this one, from 0. */
  step: number
  /** Steps planned. */
  total: number
  /** Validation loss (training loss where there is no validation) of the epochs so far. */
  losses: readonly number[]
}

export interface Schedule {
  readonly name: string
  /** Share of the highest rate, usually 0 to 1. */
  factor(place: SchedulePlace): number
}

export type ScheduleName = 'constant' | 'linear' | 'cosine' | 'cosine-restarts' | 'one-cycle' | 'reduce-on-plateau'

export interface ScheduleOptions extends PlateauOptions {
  name: ScheduleName
  /** Steps of linear warm-up from 0; a number below 1 is a share of all steps. Default 0, for 'one-cycle' 0.3. */
  warmup?: number
  /** 'cosine-restarts': steps of the first cycle, how much longer each next one is, and the lowest share. Defaults: a quarter of all steps, 2, 0. */
  cycle?: number
  growth?: number
  lowest?: number
}

/** A name, a name with settings, or your own function of the place. */
export type ScheduleSpec = ScheduleName | ScheduleOptions | ((place: SchedulePlace) => number)

export const scheduleNames: readonly ScheduleName[] = ['constant', 'linear', 'cosine', 'cosine-restarts', 'one-cycle', 'reduce-on-plateau']

/**
 * @throws TrainError for an unknown name
 * @example createSchedule({ name: 'cosine', warmup: 0.1 }).factor({ step: 0, total: 100, losses: [] }) // 0
 */
export function createSchedule(spec: ScheduleSpec): Schedule {
  if (typeof spec === 'function') return { name: spec.name || 'custom', factor: spec }
  const o: ScheduleOptions = typeof spec === 'string' ? { name: spec } : spec
  if (!scheduleNames.includes(o.name)) throw new TrainError(`Cannot use schedule ${JSON.stringify(o.name)}: it is one of ${scheduleNames.join(', ')}.${didYouMean(String(o.name), scheduleNames)}`)
  const warmup = o.warmup ?? (o.name === 'one-cycle' ? 0.3 : 0)
  if (!(warmup >= 0) || !Number.isFinite(warmup)) throw new TrainError(`Cannot use schedule '${o.name}': warmup must be a number of steps, or a share of them below 1, got ${warmup}.`)
  const steps = (total: number) => warmup < 1 ? warmup * total : warmup
  return {
    name: o.name,
    factor: ({ step, total, losses }) => {
      switch (o.name) {
        case 'one-cycle': return oneCycle(step, total, { start: steps(total) / total })
        case 'linear': return linear(step, total, steps(total))
        case 'cosine': return cosine(step, total, steps(total))
        case 'cosine-restarts': return warmUp(step, steps(total)) * cosineRestarts(step, { cycle: o.cycle ?? Math.max(1, Math.round(total / 4)), growth: o.growth ?? 2, lowest: o.lowest ?? 0 })
        case 'reduce-on-plateau': return warmUp(step, steps(total)) * plateauFactor(losses, o)
        case 'constant': return warmUp(step, steps(total))
      }
    },
  }
}

const warmUp = (step: number, steps: number) => step < steps ? (step + 1) / Math.ceil(steps + 1) : 1

export { cosine, cosineRestarts, linear, oneCycle, type OneCycleOptions, plateauFactor, type PlateauOptions }
