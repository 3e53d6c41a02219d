// A running average of the weights (Polyak & Juditsky 1992): steadier than the last step's. What is validated and kept is the average. The step keeps it.
import * as tf from '@tensorflow/tfjs'
import type { TrainStep } from '../engine/index.js'
import type { Model } from '../models/index.js'
import { copyWeights, disposeWeights, type Weights } from './weights.js'

/** All weights, those that the step trains or moves as their averages; the caller disposes them. */
export function averagedWeights(model: Model, step: TrainStep): Weights {
  const averages = step.averages()
  return Object.fromEntries(Object.entries(model.weights()).map(([name, variable]) => [name, tf.keep(averages[variable.name] ?? variable.clone())]))
}

/** Runs `use` while the model has the averaged weights. */
export async function withAverage<T>(model: Model, step: TrainStep, use: () => Promise<T>): Promise<T> {
  const own = copyWeights(model), averaged = averagedWeights(model, step)
  model.setWeights(averaged)
  disposeWeights(averaged)
  try { return await use() } finally {
    model.setWeights(own)
    disposeWeights(own)
  }
}
