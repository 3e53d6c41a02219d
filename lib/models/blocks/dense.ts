// The fully connected layer of every family, on inputs of any rank.
import * as tf from '@tensorflow/tfjs'

export interface DenseConfig { name: string; units: number; /** Default true. */ bias?: boolean }

/** `[..., d]` → `[..., units]`: x·kernel + bias. */
export class Dense extends tf.layers.Layer {
  static readonly className = 'AnyRankDense'
  private kernel!: tf.LayerVariable
  private bias: tf.LayerVariable | undefined

  constructor(private readonly settings: DenseConfig) { super({ name: settings.name }) }

  override build(shape: tf.Shape): void {
    this.kernel = this.addWeight('kernel', [shape.at(-1)!, this.settings.units], 'float32', tf.initializers.zeros())
    if (this.settings.bias !== false) this.bias = this.addWeight('bias', [this.settings.units], 'float32', tf.initializers.zeros())
    this.built = true
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape { return [...shape.slice(0, -1), this.settings.units] }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs
    return tf.tidy(() => {
      const rows = x.reshape([-1, x.shape.at(-1)!])
      const product = tf.matMul(rows as tf.Tensor2D, this.kernel.read() as tf.Tensor2D)
      const out = this.bias ? product.add(this.bias.read()) : product
      return out.reshape([...x.shape.slice(0, -1), this.settings.units])
    })
  }

  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), units: this.settings.units, bias: this.settings.bias ?? true } }
}
tf.serialization.registerClass(Dense as never)
