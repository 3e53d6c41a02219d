// A fine-tuning run as its user holds it: to await, to iterate, to stop, to look at. What it does is training.ts and the training room.
import { displaySymbol, session } from '../display/index.js'
import type { EventStream, TrainEvent } from '../train/index.js'
import { RunView } from './live-view.js'
import type { FineTuneResult } from './result.js'

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
  readonly #view: RunView
  /** Ids of the cells that show the run already. */
  readonly #shownIn = new Set<number | undefined>()

  /** @param work starts the training; called at once */
  constructor(stream: EventStream, stop: () => void, live: boolean, work: () => Promise<FineTuneResult>) {
    this.#stream = stream
    this.#stop = stop
    this.#view = new RunView(stream, () => this.stop())
    const release = this.#listenToStop()
    this.#result = work().finally(async () => {
      stream.close()
      release()
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

  then<A = FineTuneResult, B = never>(fulfilled?: ((value: FineTuneResult) => A | PromiseLike<A>) | null, rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return this.#result.then(fulfilled, rejected)
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<FineTuneResult | B> { return this.#result.catch(rejected) }

  finally(done?: (() => void) | null): Promise<FineTuneResult> { return this.#result.finally(done) }

  [Symbol.asyncIterator](): AsyncIterator<TrainEvent> { return this.#stream[Symbol.asyncIterator]() }

  /** Shows the live view; in a second cell the same run once more. */
  [displaySymbol](): Record<string, unknown> {
    if (!this.#shownIn.has(session()?.cell)) this.#show() // a slow start may have let the timer be first
    return {}
  }

  #show(): void {
    this.#shownIn.add(session()?.cell)
    this.#view.open()
  }

  #listenToStop(): () => void {
    const signal = session()?.signal
    if (!signal) return () => {}
    const stop = () => this.stop()
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    return () => signal.removeEventListener('abort', stop)
  }
}
