// The learning-rate finder (Smith 2017): a short training with a growing rate on a copy of the state; afterwards the model is as it was, to the bit.
import * as tf from '@tensorflow/tfjs'
import type { Dataset } from '../../data/index.js'
import type { Model } from '../../models/index.js'
import { checkFit, checkOptions } from '../check.js'
import { TrainError } from '../errors.js'
import { objectiveFor } from '../objective.js'
import type { TrainOptions } from '../options.js'
import { openPhase } from '../phase.js'
import { makePlan } from '../plan.js'
import { labelsName, weightsName } from '../predict.js'
import { splitSource } from '../sources.js'
import { copyWeights, disposeWeights } from '../weights.js'
import { smoothed, suggestRates, type RateSuggestions } from './suggestions.js'

export { smoothed, suggestRates, type RateSuggestions }

export interface FinderOptions extends Pick<TrainOptions, 'batchSize' | 'optimizer' | 'weightDecay' | 'clipNorm' | 'labelSmoothing' | 'classWeights' | 'loss' | 'augment' | 'freeze' | 'layerSpread' | 'seed' | 'precision' | 'signal'> {
  /** First and last rate. Default 1e-6 and 1. */
  lowest?: number
  highest?: number
  /** At least 24; default 80. It ends sooner when the loss explodes. */
  steps?: number
}

export interface RateCurve extends RateSuggestions { rates: number[]; /** As measured. */ losses: number[]; smoothed: number[]; suggestion: number; batchSize: number }

/** With fewer points the rules have no curve to look at: the first tenth and the last five are left out, and one looks fifteen back. */
const fewestSteps = 24
/** Where the loss explodes before the last step, the curve up to there says all: that is what the search is for. */
const fewestPoints = 18

/** @param onStep is told of every step, for progress */
export async function traceRates(model: Model, data: Dataset, options: FinderOptions = {}, onStep: (step: number, steps: number, rate: number, loss: number) => void = () => {}): Promise<RateCurve> {
  const { lowest = 1e-6, highest = 1, steps = 80, ...o } = options
  if (!(lowest > 0 && highest > lowest && Number.isFinite(highest))) throw new TrainError(`Cannot find a learning rate: lowest must be above 0 and highest above it, got ${lowest} and ${highest}. The defaults are 1e-6 and 1.`)
  if (!Number.isSafeInteger(steps) || steps < fewestSteps) throw new TrainError(`Cannot find a learning rate in ${steps} steps: the curve needs a whole number of at least ${fewestSteps}. The default is 80.`)
  checkOptions(o, 'find a learning rate')
  checkFit(model, data, o, 'find a learning rate')
  const plan = makePlan(model, data, { ...o, learningRate: 1, frozenEpochs: 0, epochs: 1 })
  const phasePlan = plan.phases[0]!
  const objective = objectiveFor(model, o, plan)
  const before = copyWeights(model), frozenBefore = model.frozen, statisticsBefore = model.batchNormStatistics
  model.batchNormStatistics = plan.batchNorm
  model.freeze(phasePlan.frozen)
  const phase = openPhase(model, objective, plan, { ...phasePlan, cached: false }, 'whole', () => {})
  const rates: number[] = [], losses: number[] = []
  try {
    const source = splitSource(data.train, model)
    let step = 0, best = Infinity
    epochs: for (let epoch = 1; ; epoch++) {
      for await (const batch of source.batches({ batchSize: plan.batchSize, shuffle: { seed: plan.seed, epoch }, ...(plan.augment ? { augment: { seed: plan.seed, ...plan.augment, mixup: 0 } } : {}) })) {
        const rate = lowest * (highest / lowest) ** (step / (steps - 1))
        const { outputs, gradNorm, updated } = await phase.step.runAsync({ ...batch.inputs, [labelsName]: batch.labels, [weightsName]: batch.weights }, { learningRate: rate, rates: phase.rates.map((share) => share * rate), step: ++step })
        const loss = outputs['plain']!.dataSync()[0]!
        tf.dispose(outputs)
        batch.dispose()
        if (!Number.isFinite(loss) || (updated && !Number.isFinite(gradNorm))) break epochs
        rates.push(rate)
        losses.push(loss)
        onStep(step, steps, rate, loss)
        const now = smoothed(losses).at(-1)!
        if (step > steps / 10) best = Math.min(best, now)
        if (step >= steps || now > 4 * best || o.signal?.aborted) break epochs
      }
    }
  } finally {
    phase.dispose()
    model.setWeights(before)
    disposeWeights(before)
    model.freeze(frozenBefore)
    model.batchNormStatistics = statisticsBefore
  }
  if (rates.length < fewestPoints) throw new TrainError(`Cannot find a learning rate: the loss was not a number or exploded after ${rates.length} steps, at a rate of ${(rates.at(-1) ?? lowest).toExponential(1)}. Look for broken values with data.audit(), or start lower: { lowest: ${lowest / 100} }.`)
  const curve = smoothed(losses), found = suggestRates(rates, curve, rates.length)
  return { ...found, rates, losses, smoothed: curve, suggestion: found.valley, batchSize: plan.batchSize }
}
