// Early stopping of trials: asynchronous successive halving (Li et al. 2020), which waits for nobody.

export interface Stopping {
  /** Reports after which a trial is compared for the first time. Default 1. */
  first?: number
  /** One in so many goes on at each comparison. Default 3. */
  factor?: number
}

/** Values at each rung, lower is better. A trial stops when it is not among the best 1/factor of all that have come to the rung so far. */
export class SuccessiveHalving {
  readonly #rungs: { at: number; losses: Map<number, number> }[] = []
  readonly first: number
  readonly factor: number

  constructor({ first = 1, factor = 3 }: Stopping = {}) {
    this.first = first
    this.factor = factor
  }

  #rung(index: number) { return this.#rungs[index] ??= { at: this.first * this.factor ** index, losses: new Map() } }

  /** @param step reports of the trial so far, this one included @returns whether the trial goes on */
  goesOn(trial: number, step: number, loss: number): boolean {
    for (let i = 0; this.#rung(i).at <= step; i++) {
      const { at, losses } = this.#rung(i)
      if (at !== step) continue
      losses.set(trial, loss)
      const sorted = [...losses.values()].sort((a, b) => a - b)
      return loss <= sorted[Math.max(0, Math.ceil(sorted.length / this.factor) - 1)]!
    }
    return true
  }
}
