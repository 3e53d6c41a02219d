// What a sweep leaves behind: its trials as a table, the best of them, what mattered, and the pictures of both.
import type { DataFrame } from 'danfojs-node'
import { table } from '../../data/index.js'
import { displaySymbol } from '../../display/index.js'
import { barComparison, figureBundle, parallelCoordinates, type Figure } from '../../plots/index.js'
import { TrainError } from '../../train/index.js'
import { importanceOf, type Importance } from './importance.js'
import type { Params, Range, Space } from './space.js'
import type { Trial } from './trials.js'

export type SweepEnd = 'finished' | 'stopped' | 'budget used up'

export class SweepResult<S extends Space = Space> {
  /**
   * @param trials in the order of their numbers
   * @internal
   */
  constructor(readonly space: S, readonly trials: readonly Trial[], readonly goal: 'max' | 'min', readonly reason: SweepEnd, readonly seconds: number) {}

  /** The best trial that ended by itself; undefined when there is none. */
  get best(): { params: Params<S>; value: number; number: number } | undefined {
    const ended = this.trials.filter(({ state, value }) => state === 'finished' && Number.isFinite(value)).sort((a, b) => (this.goal === 'max' ? -1 : 1) * (a.value! - b.value!))[0]
    return ended && { params: ended.params as Params<S>, value: ended.value!, number: ended.number }
  }

  /** Number, parameters, state, value, seconds, attempts and error of every trial, as rows. */
  get rows(): Record<string, unknown>[] {
    return this.trials.map(({ number, params, state, value, reports, seconds, attempts, error }) => ({ trial: number, ...params, state, value: value ?? null, reports: reports.length, seconds: Math.round(seconds * 1000) / 1000, attempts, error: error ?? null }))
  }

  /** The rows as a danfojs DataFrame. */
  frame(): Promise<DataFrame> { return table.rows(this.rows) }

  /** How much of the value's variance each parameter explains by itself; empty with fewer than eight trials. */
  importance(): Importance[] {
    return importanceOf(this.space, this.trials.flatMap(({ params, value }) => value === undefined ? [] : [{ params, value }]))
  }

  /** Every trial as a line across its parameters, coloured by its value. */
  plot(): Figure {
    const known = this.trials.filter(({ value }) => Number.isFinite(value))
    if (known.length === 0) throw new TrainError('Cannot draw the sweep: no trial has a value.')
    return parallelCoordinates(known.map(({ params, value, state }) => ({ params, value: value!, whole: state === 'finished' })), {
      goal: this.goal, dimensions: Object.entries(this.space).map(([name, dimension]) => Array.isArray(dimension) ? { name, values: dimension as readonly (string | number | boolean | null)[] } : { name, ...(dimension as Range) }),
    })
  }

  /** Importance as a figure. */
  importancePlot(): Figure {
    const rows = this.importance()
    if (rows.length === 0) throw new TrainError(`Cannot tell what matters from ${this.trials.length} trials: eight with a value are the least.`)
    return barComparison(rows, { title: 'What matters', metric: 'share of the variance explained' })
  }

  toString(): string {
    const { best, trials } = this, count = (state: Trial['state']) => trials.filter((trial) => trial.state === state).length
    const parts = [`${count('finished')} trials finished`, ...(['stopped early', 'failed'] as const).flatMap((state) => count(state) ? [`${count(state)} ${state}`] : [])]
    return `Sweep (${this.reason}): ${parts.join(', ')} in ${this.seconds.toFixed(1)} s. ${best ? `Best: ${best.value.toPrecision(4)} in trial ${best.number} with ${JSON.stringify(best.params)}` : 'No trial has a value'}.`
  }

  async [displaySymbol](): Promise<Record<string, unknown>> {
    return this.trials.some(({ value }) => Number.isFinite(value)) ? { ...await figureBundle(this.plot()), 'text/plain': String(this) } : { 'text/plain': String(this) }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}
