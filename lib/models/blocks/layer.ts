// The base of our own layers: one tensor in or several, and what the training step passes along. No arithmetic.
import * as tf from '@tensorflow/tfjs'
import { lateZeros } from './zeros.js'
import type { ForwardContext } from '../types.js'

export type Symbolic = tf.SymbolicTensor
export interface Passed { context?: ForwardContext }

/**
 * A layer whose output depends on where a token stands. When a decoder writes one token at a time, `atPosition` takes its place; its inputs
 * are then position int32 `[b]`, places int32 `[longest]` (0, 1, 2 …) and the layer's own. Self-attention gets its caches instead of the places.
 */
export interface Steps { atPosition(): tf.layers.Layer }
export const steps = (layer: object): layer is Steps => 'atPosition' in layer

/** A layer that keeps its first input's shape unless it says otherwise. */
export abstract class Block extends tf.layers.Layer {
  constructor(name: string) { super({ name }) }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape { return Array.isArray(shape[0]) ? shape[0] : shape as tf.Shape }

  override call(inputs: tf.Tensor | tf.Tensor[], passed: Passed): tf.Tensor {
    return tf.tidy(() => this.compute(Array.isArray(inputs) ? inputs : [inputs], passed))
  }

  protected abstract compute(inputs: tf.Tensor[], passed: Passed): tf.Tensor

  protected weight(name: string, shape: number[], initial: 'zeros' | 'ones' = 'zeros'): tf.LayerVariable {
    return this.addWeight(name, shape, 'float32', initial === 'zeros' ? lateZeros() : tf.initializers.ones())
  }
}

/** x with a share `rate` of its values set to zero and the rest scaled up; x itself outside of training. */
export function dropped(x: tf.Tensor, rate: number, { context }: Passed): tf.Tensor {
  if (!context?.training || rate === 0) return x
  const uniform = context.random?.uniform(x.shape, 0, 1) ?? tf.randomUniform(x.shape, 0, 1)
  return x.mul(uniform.greaterEqual(rate).cast('float32')).mul(1 / (1 - rate))
}
