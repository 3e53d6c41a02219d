// A sweep as its user holds it: to await, to stop, to look at. It hands out trials, listens to them and writes them down.
import { displaySymbol, liveDisplay, session } from '../../display/index.js'
import { TrainError } from '../../train/index.js'
import { SuccessiveHalving } from './asha.js'
import type { Place } from './places.js'
import { SweepResult, type SweepEnd } from './result.js'
import { suggest, type Search } from './search.js'
import type { Space } from './space.js'
import { Records, type Trial } from './trials.js'
import type { Stopping } from './asha.js'

export interface SweepPlan<S extends Space> {
  space: S
  trials: number
  /** Seconds. */
  budget: number | undefined
  search: Search
  goal: 'max' | 'min'
  stopping: Stopping | false
  seed: number
  records: string | undefined
  retries: number
}

/** After so many failures and no success the objective is broken. */
const hopeless = 3

/** Started already. `await run` gives the result; Stop, `stop()` or the budget end it and keep what there is. */
export class SweepRun<S extends Space = Space> implements PromiseLike<SweepResult<S>> {
  readonly #plan: SweepPlan<S>
  readonly #result: Promise<SweepResult<S>>
  readonly #stopped = new AbortController()
  readonly #trials = new Map<number, Trial>()
  readonly #began = performance.now()
  readonly #halving: SuccessiveHalving | undefined
  #reason: SweepEnd = 'finished'
  readonly #live: ReturnType<typeof liveDisplay> | undefined

  /** @internal */
  constructor(plan: SweepPlan<S>, place: Place, live: boolean) {
    this.#plan = plan
    this.#halving = plan.stopping === false ? undefined : new SuccessiveHalving(plan.stopping)
    this.#live = live && session() ? liveDisplay({ interval: 500 }) : undefined
    const signal = session()?.signal, stop = () => this.stop()
    if (signal?.aborted) this.stop()
    signal?.addEventListener('abort', stop)
    const timer = plan.budget === undefined ? undefined : setTimeout(() => this.#end('budget used up'), plan.budget * 1000)
    this.#result = this.#work(place).finally(async () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      await place.close()
    })
    this.#result.catch(() => {})                                                          // whoever awaits the run hears of it
  }

  /** All trials so far, in the order of their numbers. */
  get trials(): readonly Trial[] { return [...this.#trials.values()].sort((a, b) => a.number - b.number) }

  /** Ends the trials that are under way and begins no more; `await run` gives the result so far. */
  stop(): void { this.#end('stopped') }

  #end(reason: SweepEnd): void {
    if (this.#stopped.signal.aborted) return
    this.#reason = reason
    this.#stopped.abort()
  }

  async #work(place: Place): Promise<SweepResult<S>> {
    const plan = this.#plan
    await Promise.resolve()
    const { records, ended } = await Records.open(plan.records, { format: 1, space: plan.space, goal: plan.goal, search: plan.search, seed: plan.seed })
    for (const trial of ended) {
      this.#trials.set(trial.number, trial)
      trial.reports.forEach((value, i) => this.#halving?.goesOn(trial.number, i + 1, this.#loss(value)))
    }
    let next = 0
    const take = (): number | undefined => {
      while (this.#trials.has(next)) next++
      return next < plan.trials && !this.#stopped.signal.aborted ? next++ : undefined
    }
    await Promise.all(Array.from({ length: Math.min(place.width, plan.trials) }, async () => {
      for (let number = take(); number !== undefined; number = take()) await this.#trial(number, place, records)
    }))
    const whole = this.trials.filter(({ state }) => state !== 'running')
    const failed = whole.filter(({ state }) => state === 'failed')
    if (failed.length >= Math.min(hopeless, plan.trials) && failed.length === whole.length && this.#reason === 'finished') throw new TrainError(`Cannot sweep: ${failed.length} trials failed and none gave a value. The first said: ${failed[0]!.error}`)
    const result = new SweepResult(plan.space, whole, plan.goal, this.#reason, (performance.now() - this.#began) / 1000)
    await this.#live?.close(result)
    return result
  }

  #loss(value: number): number { return Number.isNaN(value) ? Infinity : this.#plan.goal === 'max' ? -value : value }

  async #trial(number: number, place: Place, records: Records): Promise<void> {
    const plan = this.#plan, others = this.trials
    const tried = others.filter(({ state }) => state !== 'running').map(({ params, value, state }) => ({ params, loss: state === 'failed' || value === undefined ? Infinity : this.#loss(value) }))
    const finite = tried.filter(({ loss }) => loss < Infinity), worst = Math.max(0, ...finite.map(({ loss }) => loss))
    const params = suggest(plan.search, plan.space, number, plan.seed, tried.map((one) => one.loss < Infinity ? one : { ...one, loss: worst }), others.filter(({ state }) => state === 'running').map((one) => one.params))
    const trial: Trial = { number, params, state: 'running', reports: [], seconds: 0, attempts: 0 }
    this.#trials.set(number, trial)
    const began = performance.now()
    for (let again = true; again;) {
      again = false
      trial.attempts++
      trial.reports = []
      await records.add({ ...trial })
      this.#show()
      let early = false
      const end = await place.run({
        number, params, seed: plan.seed * 100_003 + number, signal: this.#stopped.signal,
        report: (value) => {
          trial.reports.push(value)
          this.#show()
          if (!(this.#halving?.goesOn(number, trial.reports.length, this.#loss(value)) ?? true)) early = true
          return !early && !this.#stopped.signal.aborted
        },
      })
      trial.seconds = (performance.now() - began) / 1000
      if (this.#stopped.signal.aborted) { this.#trials.delete(number); return }       // cut short: its value would say little
      if ('value' in end) {
        const last = trial.reports.at(-1), value = early && last !== undefined ? last : end.value
        trial.state = early ? 'stopped early' : Number.isFinite(value) ? 'finished' : 'failed'
        if (Number.isFinite(value)) trial.value = value
        else trial.error = `the objective gave ${value}`
      } else if ('failed' in end) {
        trial.state = 'failed'
        trial.error = end.failed
      } else if (trial.attempts <= plan.retries) again = true
      else {
        trial.state = 'failed'
        trial.error = `${end.lost}, ${trial.attempts} times`
      }
    }
    await records.add(trial)
    this.#show()
    const all = this.trials.filter(({ state }) => state !== 'running')
    if (all.length >= hopeless && all.every((one) => one.state === 'failed')) this.#stopped.abort()
  }

  #show(): void {
    this.#live?.update(() => ({ 'text/plain': this.toString() }))
  }

  toString(): string {
    const done = this.trials.filter(({ state }) => state !== 'running'), sign = this.#plan.goal === 'max' ? -1 : 1
    const best = done.filter(({ value, state }) => value !== undefined && state === 'finished').sort((a, b) => sign * (a.value! - b.value!)).slice(0, 3)
    return [`${done.length} of ${this.#plan.trials} trials, ${this.#trials.size - done.length} under way`, ...best.map(({ number, value, params }) => `  ${value!.toPrecision(4)}  trial ${number}  ${JSON.stringify(params)}`)].join('\n')
  }

  then<A = SweepResult<S>, B = never>(fulfilled?: ((value: SweepResult<S>) => A | PromiseLike<A>) | null, rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> { return this.#result.then(fulfilled, rejected) }
  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<SweepResult<S> | B> { return this.#result.catch(rejected) }
  finally(done?: (() => void) | null): Promise<SweepResult<S>> { return this.#result.finally(done) }

  [displaySymbol](): Record<string, unknown> { return { 'text/plain': this.toString() } }
}
