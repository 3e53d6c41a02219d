// Multi-head attention (Vaswani et al. 2017) between projections, and the masks that it takes. The projections are Dense layers of the family.
import * as tf from '@tensorflow/tfjs'
import { Block, dropped, type Passed, type Symbolic } from './layer.js'

/** Added to the scores of what may not be seen; e to this power is exactly 0 in float32. */
const unseen = -1e9

class PaddingMask extends Block {
  static readonly className = 'PaddingMask'
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [shape[0]!, 1, 1, shape[1]!] }
  protected override compute([mask]: tf.Tensor[]): tf.Tensor { return tf.sub(1, mask!.cast('float32')).mul(unseen).expandDims(1).expandDims(1) }
}
tf.serialization.registerClass(PaddingMask as never)

class Attention extends Block {
  static readonly className = 'MultiHeadAttention'
  constructor(name: string, private readonly heads: number, private readonly rate: number, private readonly scale: number | undefined) { super(name) }

  protected override compute([q, k, v, ...biases]: tf.Tensor[], passed: Passed): tf.Tensor {
    const [batch, length, width] = q!.shape as [number, number, number]
    const size = width / this.heads
    const split = (x: tf.Tensor) => x.reshape([batch, -1, this.heads, size]).transpose([0, 2, 1, 3])
    const scores = tf.matMul(split(q!), split(k!), false, true).mul(this.scale ?? 1 / Math.sqrt(size))
    const weights = dropped(biases.reduce((sum, bias) => sum.add(bias), scores).softmax(), this.rate, passed)
    return tf.matMul(weights, split(v!)).transpose([0, 2, 1, 3]).reshape([batch, length, width])
  }

  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), heads: this.heads, rate: this.rate } }
}
tf.serialization.registerClass(Attention as never)

/** int32 `[b, n]`, 1 = real → `[b, 1, 1, n]` to add to scores. */
export const paddingMask = (mask: Symbolic, name: string): Symbolic => new PaddingMask(name).apply(mask) as Symbolic

/** q `[b, n, d]`, k and v `[b, m, d]`, biases that add to scores `[b, heads, n, m]` → `[b, n, d]`. `scale` is 1 / √(d / heads) unless given. */
export const attention = (name: string, { q, k, v, biases = [] }: { q: Symbolic; k: Symbolic; v: Symbolic; biases?: Symbolic[] }, o: { heads: number; dropout: number; scale?: number }): Symbolic =>
  new Attention(name, o.heads, o.dropout, o.scale).apply([q, k, v, ...biases]) as Symbolic
