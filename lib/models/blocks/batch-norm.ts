// Batch normalization that a fine-tuner can hold still: with frozen statistics it is a fixed scale and shift, with updating ones it is PyTorch's.
import * as tf from '@tensorflow/tfjs'
import { currentEngine } from '../../engine/index.js'

/** Shared by all layers of one model. */
export interface Statistics { updating: boolean }

export interface BatchNormConfig { name: string; epsilon: number; /** Share of the newest batch in the moving averages (PyTorch's meaning; Keras' is 1 − this). */ momentum: number; statistics: Statistics }

/** `[..., channels]` → the same shape. Weights gamma, beta; moving_mean, moving_variance (unbiased, as PyTorch keeps it). */
export class BatchNorm extends tf.layers.Layer {
  static readonly className = 'BatchNorm'
  private gamma!: tf.LayerVariable
  private beta!: tf.LayerVariable
  private movingMean!: tf.LayerVariable
  private movingVariance!: tf.LayerVariable
  /** A frozen layer keeps its averages, as in Keras. */
  frozen = false

  constructor(private readonly settings: BatchNormConfig) { super({ name: settings.name }) }

  override build(shape: tf.Shape): void {
    const channels = [shape.at(-1)!]
    this.gamma = this.addWeight('gamma', channels, 'float32', tf.initializers.ones())
    this.beta = this.addWeight('beta', channels, 'float32', tf.initializers.zeros())
    this.movingMean = this.addWeight('moving_mean', channels, 'float32', tf.initializers.zeros(), undefined, false)
    this.movingVariance = this.addWeight('moving_variance', channels, 'float32', tf.initializers.ones(), undefined, false)
    this.built = true
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape { return shape }

  get movesAverages(): boolean { return this.settings.statistics.updating && !this.frozen }

  /** The two moving averages, as the variables that a training step assigns. */
  get averages(): tf.Variable[] { return [this.movingMean.read() as tf.Variable, this.movingVariance.read() as tf.Variable] }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: { context?: { training: boolean } }): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs
    const { epsilon, momentum } = this.settings
    const gamma = this.gamma.read() as tf.Tensor1D, beta = this.beta.read() as tf.Tensor1D
    return tf.tidy(() => {
      if (!kwargs.context?.training || !this.movesAverages) {
        // As a scale and a shift, which TensorFlow differentiates faster than its fused op with given statistics.
        const scale = gamma.mul(this.movingVariance.read().add(epsilon).rsqrt())
        return x.mul(scale).add(beta.sub(this.movingMean.read().mul(scale)))
      }
      // In this order the engine records TensorFlow's fused training op and takes mean and variance from it.
      const { mean, variance } = tf.moments(x, x.shape.slice(0, -1).map((_, axis) => axis))
      const y = tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, beta, gamma, epsilon)
      const count = x.size / x.shape.at(-1)! * (currentEngine()?.workers?.size ?? 1) // a recorded step takes the moments of all workers' rows
      const move = (average: tf.LayerVariable, value: tf.Tensor) => average.write(average.read().mul(1 - momentum).add(value.mul(momentum)))
      move(this.movingMean, mean)
      move(this.movingVariance, variance.mul(count / Math.max(1, count - 1)))
      return y
    })
  }

  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), epsilon: this.settings.epsilon, momentum: this.settings.momentum } }
}
tf.serialization.registerClass(BatchNorm as never)
