// An image as a sequence: patches in reading order, with a learned token in front.
import * as tf from '@tensorflow/tfjs'
import { Block, type Symbolic } from './layer.js'

class Sequence extends Block {
  static readonly className = 'PixelSequence'
  override computeOutputShape([batch, height, width, channels]: tf.Shape): tf.Shape { return [batch!, height! * width!, channels!] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.reshape([x!.shape[0]!, -1, x!.shape[3]!]) }
}
class ClassToken extends Block {
  static readonly className = 'ClassToken'
  private token!: tf.LayerVariable
  override build(shape: tf.Shape): void {
    this.token = this.weight('cls_token', [1, 1, shape.at(-1)!])
    this.built = true
  }
  override computeOutputShape([batch, length, width]: tf.Shape): tf.Shape { return [batch!, length! + 1, width!] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return tf.concat([tf.tile(this.token.read(), [x!.shape[0]!, 1, 1]), x!], 1) }
}
class FixedPositions extends Block {
  static readonly className = 'FixedPositions'
  private table!: tf.LayerVariable
  override build([, length, width]: tf.Shape): void {
    this.table = this.weight('position_embeddings', [1, length!, width!])
    this.built = true
  }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.add(this.table.read()) }
}
for (const layer of [Sequence, ClassToken, FixedPositions]) tf.serialization.registerClass(layer as never)

/** `[b, s, s, 3]` → `[b, (s / patch)² + 1, width]`, the class token first, positions added. Layers `{name}.projection`, `.class`, `.positions`. */
export function patchEmbedding(images: Symbolic, name: string, { patch, width }: { patch: number; width: number }): Symbolic {
  const projected = tf.layers.conv2d({ name: `${name}.projection`, filters: width, kernelSize: patch, strides: patch, padding: 'valid', kernelInitializer: 'zeros' }).apply(images)
  const sequence = new Sequence(`${name}.sequence`).apply(projected) as Symbolic
  return new FixedPositions(`${name}.positions`).apply(new ClassToken(`${name}.class`).apply(sequence) as Symbolic) as Symbolic
}
