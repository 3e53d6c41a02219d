// Copies of a model's weights: taken at the best epoch, put back at the end.
import * as tf from '@tensorflow/tfjs'
import type { Model } from '../models/index.js'

export type Weights = Record<string, tf.Tensor>

/** Copies of all weights, moving averages included; the caller disposes them. */
export const copyWeights = (model: Model): Weights => Object.fromEntries(Object.entries(model.weights()).map(([name, variable]) => [name, tf.keep(variable.clone())]))

/** @returns undefined, so that what is disposed can be forgotten at once */
export const disposeWeights = (weights: Weights | undefined): undefined => { if (weights) tf.dispose(weights) }

/** Copies of copies; `instead` is disposed. */
export function cloneWeights(weights: Weights, instead?: Weights): Weights {
  disposeWeights(instead)
  return Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [name, tf.keep(tensor.clone())]))
}
