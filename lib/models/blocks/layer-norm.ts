// Layer normalization over the last axis (Ba et al. 2016), and T5's form without mean and bias (Zhang and Sennrich 2019).
import * as tf from '@tensorflow/tfjs'
import { Block, type Symbolic } from './layer.js'

class LayerNorm extends Block {
  static readonly className = 'LastAxisNorm'
  private gamma!: tf.LayerVariable
  private beta: tf.LayerVariable | undefined

  constructor(name: string, private readonly epsilon: number, private readonly centered: boolean) { super(name) }

  override build(shape: tf.Shape): void {
    this.gamma = this.weight('gamma', [shape.at(-1)!], 'ones')
    if (this.centered) this.beta = this.weight('beta', [shape.at(-1)!])
    this.built = true
  }

  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const y = this.centered ? x!.sub(x!.mean(-1, true)) : x!
    const scaled = y.mul(y.square().mean(-1, true).add(this.epsilon).rsqrt()).mul(this.gamma.read())
    return this.beta ? scaled.add(this.beta.read()) : scaled
  }

  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), epsilon: this.epsilon, centered: this.centered } }
}
tf.serialization.registerClass(LayerNorm as never)

/** `[..., d]` → the same shape. */
export const layerNorm = (x: Symbolic, name: string, epsilon: number): Symbolic => new LayerNorm(name, epsilon, true).apply(x) as Symbolic
export const rootMeanSquareNorm = (x: Symbolic, name: string, epsilon: number): Symbolic => new LayerNorm(name, epsilon, false).apply(x) as Symbolic
