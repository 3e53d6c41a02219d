// One vector for a sequence: the mean of its real tokens, or its first token. And unit length, for embeddings.
import * as tf from '@tensorflow/tfjs'
import { Block, type Symbolic } from './layer.js'

class MaskedMean extends Block {
  static readonly className = 'MaskedMean'
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape { return [shapes[0]![0]!, shapes[0]![2]!] }
  protected override compute([x, mask]: tf.Tensor[]): tf.Tensor {
    const weights = mask!.cast('float32').expandDims(2)
    return x!.mul(weights).sum(1).div(weights.sum(1).maximum(1e-9))
  }
}
class MeanOverFrames extends Block {
  static readonly className = 'MeanOverFrames'
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [shape[0]!, shape[2]!] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.mean(1) }
}
class FirstToken extends Block {
  static readonly className = 'FirstToken'
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [shape[0]!, shape[2]!] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.slice([0, 0, 0], [-1, 1, -1]).squeeze([1]) }
}
class UnitLength extends Block {
  static readonly className = 'UnitLength'
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.div(x!.square().sum(-1, true).sqrt().maximum(1e-12)) }
}
for (const layer of [MaskedMean, MeanOverFrames, FirstToken, UnitLength]) tf.serialization.registerClass(layer as never)

/** x `[b, n, d]`, mask int32 `[b, n]` → `[b, d]` */
export const maskedMean = (x: Symbolic, mask: Symbolic, name: string): Symbolic => new MaskedMean(name).apply([x, mask]) as Symbolic
/** `[b, n, d]` → `[b, d]` */
export const meanOverFrames = (x: Symbolic, name: string): Symbolic => new MeanOverFrames(name).apply(x) as Symbolic
export const firstToken = (x: Symbolic, name: string): Symbolic => new FirstToken(name).apply(x) as Symbolic
export const unitLength = (x: Symbolic, name: string): Symbolic => new UnitLength(name).apply(x) as Symbolic
