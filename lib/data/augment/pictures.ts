// Changes of a batch of pictures as one function of tensors, recorded by the engine: moved in one bilinear pass, recoloured, partly erased, scaled, mixed.
import * as tf from '@tensorflow/tfjs'

type Tensors = Record<string, tf.Tensor>

/** Luminance (ITU-R 601, in the 16-bit fractions that Pillow uses), last axis of 3 to 1. */
const luma = (v: tf.Tensor): tf.Tensor => v.mul(tf.tensor1d([19595 / 65536, 38470 / 65536, 7471 / 65536])).sum(-1, true)

const clipped = (v: tf.Tensor) => v.clipByValue(0, 255)

/**
 * `pictures` `[batch, height, width, 3]` on values 0..255; per example `places` `[batch, 6]` (where a pixel comes from), `colours` `[batch, 3]` (brightness,
 * contrast around the mean grey, saturation around each pixel's grey, as torchvision's ColorJitter in this order), `erased` `[batch, 4]` (left, top, right, bottom);
 * `fill` `[3]` for what is erased, `mean` and `std` `[channels]`. Beyond the edge the edge goes on.
 */
export function changePictures({ pictures, places, colours, erased, fill, mean, std }: Tensors): Tensors {
  const [batch, height, width] = pictures!.shape as [number, number, number, number]
  const part = (of: tf.Tensor, i: number) => of.slice([0, i], [batch, 1]).reshape([batch, 1, 1])
  const x = tf.range(0, width).reshape([1, 1, width]), y = tf.range(0, height).reshape([1, height, 1])
  const from = (i: number, most: number) => part(places!, i).mul(x).add(part(places!, i + 1).mul(y)).add(part(places!, i + 2)).clipByValue(0, most)
  const sx = from(0, width - 1), sy = from(3, height - 1), x0 = sx.floor(), y0 = sy.floor(), x1 = x0.add(1).minimum(width - 1), y1 = y0.add(1).minimum(height - 1)
  const flat = pictures!.reshape([batch * height * width, 3]), first = tf.range(0, batch).mul(height * width).reshape([batch, 1, 1])
  const at = (yy: tf.Tensor, xx: tf.Tensor) => tf.gather(flat, first.add(yy.mul(width)).add(xx).round().toInt())
  const fx = sx.sub(x0).expandDims(-1), fy = sy.sub(y0).expandDims(-1), between = (a: tf.Tensor, b: tf.Tensor, f: tf.Tensor) => a.add(b.sub(a).mul(f))
  const moved = between(between(at(y0, x0), at(y0, x1), fx), between(at(y1, x0), at(y1, x1), fx), fy)
  const colour = (i: number) => part(colours!, i).expandDims(-1)
  const bright = clipped(moved.mul(colour(0))), level = luma(bright).mean([1, 2], true)
  const contrast = clipped(level.add(bright.sub(level).mul(colour(1)))), grey = luma(contrast)
  const coloured = clipped(grey.add(contrast.sub(grey).mul(colour(2))))
  const gone = tf.logicalAnd(tf.logicalAnd(x.greaterEqual(part(erased!, 0)), x.less(part(erased!, 2))), tf.logicalAnd(y.greaterEqual(part(erased!, 1)), y.less(part(erased!, 3)))).expandDims(-1).toFloat()
  const done = coloured.add(fill!.reshape([1, 1, 1, 3]).sub(coloured).mul(gone))
  return { images: (mean!.shape[0] === 1 ? luma(done) : done).sub(mean!).div(std!) }
}

/** Mixup (Zhang et al. 2018): `share` `[batch]` of each example and the rest of the example at `partner` `[batch]`. */
export function mixPictures({ share, partner, ...changes }: Tensors): Tensors {
  const { images } = changePictures(changes), part = share!.reshape([-1, 1, 1, 1]), other = tf.gather(images!, partner!)
  return { images: other.add(images!.sub(other).mul(part)) }
}
