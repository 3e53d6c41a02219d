// Scores of users for items: the sum of what user, item and both say, and how likely an item is among all of them.
import * as tf from '@tensorflow/tfjs'
import { Block, type Symbolic } from './layer.js'

/** [u `[b, d]`, v `[b, d]`, user's bias `[b, 1]`, item's bias `[b, 1]`] → mean + biases + u · v, `[b, 1]`. */
class BiasedProduct extends Block {
  static readonly className = 'BiasedProduct'
  constructor(name: string, private readonly mean: number) { super(name) }
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape { return [shapes[0]![0]!, 1] }
  protected override compute([u, v, userBias, itemBias]: tf.Tensor[]): tf.Tensor { return u!.mul(v!).sum(-1, true).add(userBias!).add(itemBias!).add(this.mean) }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), mean: this.mean } }
}

/** Anything with a batch → 0 … count − 1, int32 `[count]`. */
class AllIds extends Block {
  static readonly className = 'AllIds'
  constructor(name: string, private readonly count: number) { super(name) }
  override computeOutputShape(): tf.Shape { return [this.count] }
  protected override compute(): tf.Tensor { return tf.range(0, this.count, 1, 'int32') }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), count: this.count } }
}

/** [u `[b, d]`, all items `[items, d]`, their biases `[items, 1]`, item int32 `[b]`] → log-probability of the item among all, `[b, 1]`. */
class Choice extends Block {
  static readonly className = 'Choice'
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape { return [shapes[0]![0]!, 1] }
  protected override compute([u, all, biases, item]: tf.Tensor[]): tf.Tensor {
    const scores = tf.matMul(u as tf.Tensor2D, all as tf.Tensor2D, false, true).add(biases!.reshape([1, -1]))
    return scores.logSoftmax().mul(tf.oneHot(item as tf.Tensor1D, all!.shape[0]!, 1, 0, 'float32')).sum(-1, true)
  }
}
for (const layer of [BiasedProduct, AllIds, Choice]) tf.serialization.registerClass(layer as never)

export const biasedProduct = (inputs: [Symbolic, Symbolic, Symbolic, Symbolic], name: string, mean: number): Symbolic => new BiasedProduct(name, mean).apply(inputs) as Symbolic
export const allIds = (like: Symbolic, name: string, count: number): Symbolic => new AllIds(name, count).apply(like) as Symbolic
export const choice = (inputs: [Symbolic, Symbolic, Symbolic, Symbolic], name: string): Symbolic => new Choice(name).apply(inputs) as Symbolic
