// findLearningRate as a user calls it: with progress while it runs, and a result that shows its curve.
import type { Dataset } from '../data/index.js'
import { displaySymbol, liveDisplay, session } from '../display/index.js'
import type { Model } from '../models/index.js'
import { figureBundle, learningRateCurve, type Figure } from '../plots/index.js'
import { traceRates, type FinderOptions, type RateCurve } from '../train/index.js'

export interface FindLearningRateOptions extends FinderOptions {
  /** Show progress while it runs. Default: in a notebook. */
  live?: boolean
}

export class LearningRateFinder {
  readonly rates: readonly number[]
  /** Smoothed (β 0.98), one a rate. */
  readonly losses: readonly number[]
  /** As measured. */
  readonly measured: readonly number[]
  readonly valley: number
  readonly steep: number
  readonly minimum: number
  readonly slide: number
  /** The valley, in two digits: what to pass to fineTune. */
  readonly suggestion: number

  /** @internal */
  constructor(curve: RateCurve) {
    this.rates = curve.rates
    this.losses = curve.smoothed
    this.measured = curve.losses
    this.valley = curve.valley
    this.steep = curve.steep
    this.minimum = curve.minimum
    this.slide = curve.slide
    this.suggestion = Number(curve.suggestion.toPrecision(2))
  }

  /** Loss over rate with the suggestions marked. */
  plot(): Figure { return learningRateCurve(this) }

  toString(): string {
    const show = (rate: number) => rate.toExponential(1)
    return `LearningRateFinder: suggestion ${show(this.suggestion)} (valley ${show(this.valley)}, steep ${show(this.steep)}, minimum / 10 ${show(this.minimum)}, slide ${show(this.slide)})`
  }

  async [displaySymbol](): Promise<Record<string, unknown>> { return { ...await figureBundle(this.plot()), 'text/plain': String(this) } }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

/**
 * Trains for up to 80 steps while the rate grows from 1e-6 to 1, then puts everything back to the bit. Choose a rate where the loss
 * falls steadily, well before it turns: that is what `suggestion` is. With a new head its first steps count most.
 *
 * @throws TrainError when the model does not fit the data, or the loss is not a number from the start
 * @example
 * const finder = await findLearningRate(model, photos)
 * finder // the curve
 * fineTune(model, photos, { learningRate: finder.suggestion })
 */
export async function findLearningRate(model: Model, data: Dataset<any>, options: FindLearningRateOptions = {}): Promise<LearningRateFinder> {
  const { live: show = session() !== undefined, ...o } = options
  const signal = o.signal ?? session()?.signal
  const live = show ? liveDisplay() : undefined
  const curve = await traceRates(model, data, { ...o, ...(signal ? { signal } : {}) }, (step, steps, rate, loss) => {
    live?.update(() => ({ 'text/plain': `Finding a learning rate: step ${step} of ${steps}, rate ${rate.toExponential(1)}, loss ${loss.toPrecision(3)}` }))
  })
  const finder = new LearningRateFinder(curve)
  await live?.close({ 'text/plain': `Learning rate found in ${curve.rates.length} steps: ${finder.suggestion}` })
  return finder
}
