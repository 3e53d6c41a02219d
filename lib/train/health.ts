// Is training still learning, or falling apart? Watches the loss step by step; what to do about it is the loop's business.

export interface Trouble { step: number; why: string }

/**
 * The first step whose loss or gradient is not a number is trouble at once. A loss that stays, smoothed over about ten steps, above
 * four times the larger of its own start and `chance` (the loss of guessing) has diverged.
 */
export class HealthCheck {
  #smooth = 0
  #count = 0
  #start = 0

  constructor(readonly chance: number) {}

  /** Each phase starts afresh. */
  reset(): void { this.#smooth = 0; this.#count = 0; this.#start = 0 }

  look(step: number, loss: number, gradNorm: number): Trouble | undefined {
    if (!Number.isFinite(loss)) return { step, why: `the loss is ${loss} in step ${step}` }
    if (!Number.isFinite(gradNorm)) return { step, why: `the gradient is ${gradNorm} in step ${step}` }
    this.#count++
    this.#smooth = 0.9 * this.#smooth + 0.1 * loss
    const smooth = this.#smooth / (1 - 0.9 ** this.#count)
    if (this.#count === 1) this.#start = loss
    const limit = 4 * Math.max(this.#start, this.chance)
    return this.#count > 5 && smooth > limit ? { step, why: `the loss has risen to ${smooth.toPrecision(3)} by step ${step}, far above the ${this.#start.toPrecision(3)} it began with` } : undefined
  }
}
