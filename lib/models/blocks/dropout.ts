// Dropout whose random numbers come from the training step, so that a recorded step draws new ones each time.
import * as tf from '@tensorflow/tfjs'
import type { ForwardContext } from '../types.js'

/** Sets a share `rate` of the values to zero in training and scales the rest by 1 / (1 − rate). */
export class Dropout extends tf.layers.Layer {
  static readonly className = 'StepDropout'
  private readonly rate: number

  constructor(config: { name: string; rate: number }) {
    super({ name: config.name })
    this.rate = config.rate
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape { return shape }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: { context?: ForwardContext }): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs
    if (!kwargs.context?.training || this.rate === 0) return x
    const uniform = kwargs.context.random?.uniform(x.shape, 0, 1) ?? tf.randomUniform(x.shape, 0, 1)
    return tf.tidy(() => x.mul(uniform.greaterEqual(this.rate).cast('float32')).mul(1 / (1 - this.rate)))
  }

  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), rate: this.rate } }
}
tf.serialization.registerClass(Dropout as never)
