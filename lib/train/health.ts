// Is training still learning, or falling apart? Watches the loss step by step; what to do about it is the loop's business.

export interface Trouble { step: number; why: string }

/** So many steps in a row may overflow under a loss scale, which halves at each, before it is more than a scale begun too high. */
const overflowsToForgive = 24

export interface HealthState { smooth: number; count: number; start: number }

/**
 * The first step whose loss or gradient is not a number is trouble at once, unless the step was left out (`updated` false): a loss scale that was too
 * high, which is halved. A loss that stays, smoothed over about ten steps, above
 * four times the larger of its own start and `chance` (the loss of guessing) has diverged.
 */
export class HealthCheck {
  state: HealthState = { smooth: 0, count: 0, start: 0 }

  private overflows = 0

  constructor(readonly chance: number) {}

  /** Each phase starts afresh. */
  reset(): void {
    this.state = { smooth: 0, count: 0, start: 0 }
    this.overflows = 0
  }

  look(step: number, loss: number, gradNorm: number, updated = true): Trouble | undefined {
    if (!Number.isFinite(loss)) return { step, why: `the loss is ${loss} in step ${step}` }
    this.overflows = updated ? 0 : this.overflows + 1
    if (this.overflows > overflowsToForgive) return { step, why: `the gradients of ${this.overflows} steps in a row do not fit into float16, until step ${step}` }
    if (!updated) return undefined
    if (!Number.isFinite(gradNorm)) return { step, why: `the gradient is ${gradNorm} in step ${step}` }
    const { state } = this
    state.count++
    state.smooth = 0.9 * state.smooth + 0.1 * loss
    const smooth = state.smooth / (1 - 0.9 ** state.count)
    if (state.count === 1) state.start = loss
    const limit = 4 * Math.max(state.start, this.chance)
    return state.count > 5 && smooth > limit ? { step, why: `the loss has risen to ${smooth.toPrecision(3)} by step ${step}, far above the ${state.start.toPrecision(3)} it began with` } : undefined
  }
}
