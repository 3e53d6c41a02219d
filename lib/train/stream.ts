// The stream of a run's events: whoever reads late gets it from its beginning. Knows nothing of training.
import type { TrainEvent } from './events.js'

/**
 * @example for await (const event of stream) if (event.type === 'epoch') console.log(event.train.loss)
 */
export class EventStream implements AsyncIterable<TrainEvent> {
  readonly #events: TrainEvent[] = []
  readonly #listeners = new Set<(event: TrainEvent) => void>()
  #wake: (() => void)[] = []
  #closed = false

  /** All events so far. */
  get events(): readonly TrainEvent[] { return this.#events }
  get closed(): boolean { return this.#closed }

  emit(event: TrainEvent): void {
    if (this.#closed) return
    this.#events.push(event)
    for (const listener of this.#listeners) listener(event)
    this.#rouse()
  }

  /** No event comes after this. */
  close(): void {
    this.#closed = true
    this.#rouse()
  }

  /** Calls `listener` for every event from now on. @returns a function that ends it */
  listen(listener: (event: TrainEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TrainEvent, void, undefined> {
    for (let next = 0; ;) {
      while (next < this.#events.length) yield this.#events[next++]!
      if (this.#closed) return
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  #rouse(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const resolve of waiting) resolve()
  }
}
