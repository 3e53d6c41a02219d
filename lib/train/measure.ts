// What training steps cost, measured on real rows without changing a weight: the learning rate is 0.
import * as tf from '@tensorflow/tfjs'
import type { Dataset } from '../data/index.js'
import type { Model } from '../models/index.js'
import { objectiveFor } from './objective.js'
import { openPhase } from './phase.js'
import { makePlan } from './plan.js'
import { labelsName, weightsName } from './predict.js'
import { splitSource } from './sources.js'

/** Milliseconds of each of `steps` training steps of `batchSize` rows, after one that records. */
export async function measureSteps(model: Model, data: Dataset<any>, batchSize: number, steps: number): Promise<number[]> {
  const plan = makePlan(model, data, { batchSize, learningRate: 1, frozenEpochs: 0, epochs: 1, augment: false })
  const frozen = model.frozen, statistics = model.batchNormStatistics
  model.batchNormStatistics = 'frozen' // moving averages would change even at a rate of 0
  model.freeze(plan.phases[0]!.frozen)
  const phase = openPhase(model, objectiveFor(model, {}, plan), plan, { ...plan.phases[0]!, cached: false }, 'whole', () => {})
  const times: number[] = []
  try {
    for (let step = 0; step <= steps;) {
      for await (const batch of splitSource(data.train, model).batches({ batchSize })) {
        const start = performance.now()
        const { outputs } = await phase.step.runAsync({ ...batch.inputs, [labelsName]: batch.labels, [weightsName]: batch.weights }, { learningRate: 0, rates: phase.rates.map(() => 0), step: step + 1 })
        if (step > 0) times.push(performance.now() - start)
        tf.dispose(outputs)
        batch.dispose()
        if (++step > steps) break
      }
    }
  } finally {
    phase.dispose()
    model.freeze(frozen)
    model.batchNormStatistics = statistics
  }
  return times
}
