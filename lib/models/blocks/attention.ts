// Multi-head attention (Vaswani et al. 2017) between projections, and the masks that it takes. The projections are Dense layers of the family.
import * as tf from '@tensorflow/tfjs'
import { Block, dropped, type Passed, type Steps, type Symbolic } from './layer.js'

/** Added to the scores of what may not be seen; e to this power is exactly 0 in float32. */
const unseen = -1e9

class PaddingMask extends Block {
  static readonly className = 'PaddingMask'
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [shape[0]!, 1, 1, shape[1]!] }
  protected override compute([mask]: tf.Tensor[]): tf.Tensor { return tf.sub(1, mask!.cast('float32')).mul(unseen).expandDims(1).expandDims(1) }
}
tf.serialization.registerClass(PaddingMask as never)

class Attention extends Block implements Steps {
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

  atPosition(): tf.layers.Layer { return new CachedAttention(this.name, (inputs) => this.compute(inputs, {})) }

  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), heads: this.heads, rate: this.rate } }
}
tf.serialization.registerClass(Attention as never)

/** [position, cached k, cached v, q, k, v, …biases] → [attended, k, v]: what was written before is kept in k and v `[b, longest, d]`, the new token's in its place. */
class CachedAttention extends tf.layers.Layer {
  static readonly className = 'CachedAttention'
  constructor(name: string, private readonly attend: (inputs: tf.Tensor[]) => tf.Tensor) { super({ name: `${name}.cached` }) }
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape[] { return [shapes[3]!, shapes[1]!, shapes[2]!] }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
    const [position, k, v, q, newK, newV, ...biases] = inputs as tf.Tensor[]
    return tf.tidy(() => {
      const here = tf.oneHot(position as tf.Tensor1D, k!.shape[1]!, 1, 0, 'float32').expandDims(2)
      const put = (cache: tf.Tensor, value: tf.Tensor) => cache.mul(tf.sub(1, here)).add(here.mul(value))
      const [allK, allV] = [put(k!, newK!), put(v!, newV!)]
      return [this.attend([q!, allK, allV, ...biases]), allK, allV]
    })
  }
}
tf.serialization.registerClass(CachedAttention as never)

/** −10⁹ where a token would see what comes after it. x `[b, n, …]` → `[1, 1, n, n]`. */
class CausalMask extends Block implements Steps {
  static readonly className = 'CausalMask'
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [1, 1, shape[1]!, shape[1]!] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const n = x!.shape[1]!
    return tf.tensor(Float32Array.from({ length: n * n }, (_, i) => i % n > Math.floor(i / n) ? unseen : 0), [1, 1, n, n])
  }
  atPosition(): tf.layers.Layer { return new MaskAt(`${this.name}.at`) }
}
tf.serialization.registerClass(CausalMask as never)

/** [position `[b]`, places `[longest]`] → `[b, 1, 1, longest]`. */
class MaskAt extends Block {
  static readonly className = 'CausalMaskAt'
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape { return [shapes[0]![0]!, 1, 1, null] }
  protected override compute([position, places]: tf.Tensor[]): tf.Tensor {
    return tf.greater(places!.expandDims(0), position!.expandDims(1)).cast('float32').mul(unseen).expandDims(1).expandDims(1)
  }
}
tf.serialization.registerClass(MaskAt as never)

/** int32 `[b, n]`, 1 = real → `[b, 1, 1, n]` to add to scores. */
export const paddingMask = (mask: Symbolic, name: string): Symbolic => new PaddingMask(name).apply(mask) as Symbolic

/** x `[b, n, …]` → `[1, 1, n, n]` to add to scores, so that a token sees only itself and those before. */
export const causalMask = (x: Symbolic, name: string): Symbolic => new CausalMask(name).apply(x) as Symbolic

/** q `[b, n, d]`, k and v `[b, m, d]`, biases that add to scores `[b, heads, n, m]` → `[b, n, d]`. `scale` is 1 / √(d / heads) unless given. */
export const attention = (name: string, { q, k, v, biases = [] }: { q: Symbolic; k: Symbolic; v: Symbolic; biases?: Symbolic[] }, o: { heads: number; dropout: number; scale?: number }): Symbolic =>
  new Attention(name, o.heads, o.dropout, o.scale).apply([q, k, v, ...biases]) as Symbolic
