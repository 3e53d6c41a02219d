// A fine-tuning run as its user holds it: to await, to iterate, to stop, to look at. What it does is training.ts and the training room.
import { displaySymbol, session } from '../display/index.js'
import { shown, TrainError, type EventStream, type TrainEvent } from '../train/index.js'
import type { CurveOptions } from '../plots/index.js'
import { RunView } from './live-view.js'
import type { FineTuneResult } from './result.js'

/** What the loop listens to. */
export interface RunControls { stop(): void; lowerRate(factor: number): void }

/**
 * Started already. `await run` gives the result; `for await (const event of run)` the stream of events from its beginning.
 *
 * @example
 * const run = fineTune(model, photos, { epochs: 5 })
 * run                      // last expression of a cell: bars, curves and verdict, live
 * const result = await run // Stop ends it after the current step and still gives the result so far
 */
export class FineTuneRun implements PromiseLike<FineTuneResult>, AsyncIterable<TrainEvent> {
  readonly #stream: EventStream
  readonly #result: Promise<FineTuneResult>
  readonly #stop: () => void
  readonly #lowerRate: (factor: number) => void
  readonly #view: RunView
  readonly #curves: CurveOptions
  /** The signals of Stop that the run follows: of the cell that started it, and of those that await it. */
  readonly #followed = new Set<AbortSignal>()
  #ended = false
  /** Ids of the cells that show the run already. */
  readonly #shownIn = new Set<number | undefined>()

  /**
   * @param work starts the training; called at once
   * @internal
   */
  constructor(stream: EventStream, { stop, lowerRate }: RunControls, { live, curves }: { live: boolean; curves: CurveOptions }, work: () => Promise<FineTuneResult>) {
    this.#stream = stream
    this.#stop = stop
    this.#lowerRate = lowerRate
    this.#view = new RunView(stream, { stop: () => this.stop(), lowerRate: () => this.lowerRate() })
    this.#curves = curves
    this.#followStop()
    this.#result = work().finally(async () => {
      stream.close()
      this.#unfollow()
      clearTimeout(timer)
      if (live && this.#shownIn.size === 0 && stream.events.length > 0) this.#show()
      await this.#view.finish()
    })
    this.#result.catch(() => {}) // whoever awaits the run hears of it
    // A run that is a cell's last expression shows itself there; one that is awaited shows itself after a moment.
    const timer = setTimeout(() => { if (live && this.#shownIn.size === 0) this.#show() }, 150)
  }

  /** All events so far. */
  get events(): readonly TrainEvent[] { return this.#stream.events }

  /** Ends the run after the current step; the best weights are restored and `await run` gives the result so far. */
  stop(): void {
    this.#view.stopping()
    this.#stop()
  }

  /**
   * Multiplies the rates of all further steps, once more at every call; a checkpoint keeps it.
   * @param factor default 0.5
   * @example run.lowerRate() // half, from the next step on
   */
  lowerRate(factor = 0.5): void {
    if (!(Number.isFinite(factor) && factor > 0)) throw new TrainError(`Cannot change the learning rate by a factor of ${shown(factor)}: it must be a number above 0. Use for example 0.5.`)
    this.#lowerRate(factor)
  }

  /**
   * Shows the run in this cell, also while it is shown elsewhere, with the curves that are asked for.
   * @example run.view({ learningRate: true, gradNorm: true })
   */
  view(curves: CurveOptions = this.#curves): void { this.#view.open(curves) }

  then<A = FineTuneResult, B = never>(fulfilled?: ((value: FineTuneResult) => A | PromiseLike<A>) | null, rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    this.#followStop() // in a later cell: its Stop ends the run too, and the cell gets the result so far
    return this.#result.then(fulfilled, rejected)
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<FineTuneResult | B> { return this.then(undefined, rejected) }

  finally(done?: (() => void) | null): Promise<FineTuneResult> {
    this.#followStop()
    return this.#result.finally(done)
  }

  [Symbol.asyncIterator](): AsyncIterator<TrainEvent> {
    this.#followStop()
    return this.#stream[Symbol.asyncIterator]()
  }

  /** Shows the live view; in a second cell the same run once more. */
  [displaySymbol](): Record<string, unknown> {
    if (!this.#shownIn.has(session()?.cell)) this.#show() // a slow start may have let the timer be first
    return {}
  }

  #show(): void {
    this.#shownIn.add(session()?.cell)
    this.#view.open(this.#curves)
  }

  readonly #onStop = () => this.stop()

  #followStop(): void {
    const signal = session()?.signal
    if (!signal || this.#ended || this.#followed.has(signal)) return
    this.#followed.add(signal)
    if (signal.aborted) this.stop()
    signal.addEventListener('abort', this.#onStop)
  }

  #unfollow(): void {
    this.#ended = true
    for (const signal of this.#followed) signal.removeEventListener('abort', this.#onStop)
    this.#followed.clear()
  }
}
