// Changes of recordings and texts as functions of tensors, recorded by the engine: SpecAugment's masks, token dropout.
import * as tf from '@tensorflow/tfjs'

type Tensors = Record<string, tf.Tensor>

/** `sounds` `[batch, frames, bands]`; in each example the frames and bands within `masks` `[batch, 4]` (first and end of the frames, of the bands) become its mean (Park et al. 2019). */
export function maskSounds({ sounds, masks }: Tensors): Tensors {
  const [batch, frames, bands] = sounds!.shape as [number, number, number]
  const part = (i: number) => masks!.slice([0, i], [batch, 1]).reshape([batch, 1, 1])
  const t = tf.range(0, frames).reshape([1, frames, 1]), b = tf.range(0, bands).reshape([1, 1, bands])
  const within = (at: tf.Tensor, i: number) => tf.logicalAnd(at.greaterEqual(part(i)), at.less(part(i + 1)))
  const gone = tf.logicalOr(within(t, 0), within(b, 2)).toFloat()
  return { sounds: sounds!.add(sounds!.mean([1, 2], true).sub(sounds!).mul(gone)) }
}

/** `input_ids` int32 `[batch, tokens]`; where `dropped` is 1 stands `unknown` `[1]`. */
export function dropTokens({ input_ids: ids, dropped, unknown, ...others }: Tensors): Tensors {
  return { ...Object.fromEntries(Object.entries(others).map(([name, tensor]) => [name, tensor.add(0)])), input_ids: ids!.add(unknown!.sub(ids!).mul(dropped!)).toInt() }
}
