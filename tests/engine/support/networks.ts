// The fixtures' networks in plain TensorFlow.js, on PyTorch's own parameters (kernels [out, in] and images [n, c, h, w] as PyTorch has them).
import * as tf from '@tensorflow/tfjs'

type Variables = Record<string, tf.Variable>

const crossEntropy = (logits: tf.Tensor, labels: tf.Tensor) => tf.tidy(() => tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(labels as tf.Tensor1D, logits.shape.at(-1)!), tf.logSoftmax(logits)), -1))) as tf.Scalar)

/** BertModel (2 layers, 4 heads), masked mean pooling, linear head. */
export function bert(v: Variables, inputs: Record<string, tf.Tensor>): { logits: tf.Tensor; loss: tf.Scalar } {
  const linear = (x: tf.Tensor, name: string) => tf.add(tf.matMul(tf.reshape(x, [-1, x.shape.at(-1)!]), v[`${name}.weight`]!, false, true), v[`${name}.bias`]!).reshape([...x.shape.slice(0, -1), v[`${name}.bias`]!.shape[0]!])
  const norm = (x: tf.Tensor, name: string) => {
    const { mean, variance } = tf.moments(x, -1, true)
    return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-12))), v[`${name}.weight`]!), v[`${name}.bias`]!)
  }
  const gelu = (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))
  const { input_ids: ids, attention_mask: mask, token_type_ids: types, labels } = inputs as Record<string, tf.Tensor>
  const [batch, length] = ids!.shape as [number, number]
  const heads = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [batch, length, 4, -1]), [0, 2, 1, 3])
  const e = 'encoder.embeddings'
  const embedded = tf.addN([tf.gather(v[`${e}.word_embeddings.weight`]!, ids as tf.Tensor2D), tf.gather(v[`${e}.token_type_embeddings.weight`]!, types as tf.Tensor2D),
    tf.tile(tf.expandDims(tf.slice(v[`${e}.position_embeddings.weight`]!, [0, 0], [length, -1]), 0), [batch, 1, 1])])
  let x = norm(embedded, `${e}.LayerNorm`)
  const hidden = tf.mul(tf.sub(1, tf.cast(tf.reshape(mask!, [batch, 1, 1, length]), 'float32')), -1e9)
  for (const i of [0, 1]) {
    const l = `encoder.encoder.layer.${i}`
    const [q, k, value] = ['query', 'key', 'value'].map((name) => heads(linear(x, `${l}.attention.self.${name}`)))
    const attention = tf.softmax(tf.add(tf.mul(tf.matMul(q!, k!, false, true), 1 / Math.sqrt(8)), hidden))
    const mixed = tf.reshape(tf.transpose(tf.matMul(attention, value!), [0, 2, 1, 3]), [batch, length, 32])
    x = norm(tf.add(x, linear(mixed, `${l}.attention.output.dense`)), `${l}.attention.output.LayerNorm`)
    x = norm(tf.add(x, linear(gelu(linear(x, `${l}.intermediate.dense`)), `${l}.output.dense`)), `${l}.output.LayerNorm`)
  }
  const weights = tf.cast(tf.expandDims(mask!, -1), 'float32')
  const logits = linear(tf.div(tf.sum(tf.mul(x, weights), 1), tf.sum(weights, 1)), 'head')
  return { logits, loss: crossEntropy(logits, labels!) }
}

/** Stem, three inverted residuals, head: batch normalization by the batch (training) or by the running averages. */
export function mbconv(v: Variables, running: Variables, { x: images, labels }: Record<string, tf.Tensor>, { training, padding }: { training: boolean; padding: 'same' | 'symmetric' }): { logits: tf.Tensor; loss: tf.Scalar } {
  const around = (x: tf.Tensor, kernel: number) => {
    const pad = (kernel - 1) / 2
    return (padding === 'same' ? x : tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]])) as tf.Tensor4D
  }
  const mode = padding === 'same' ? 'same' : 'valid'
  const conv = (x: tf.Tensor, name: string, stride = 1) => {
    const w = v[`${name}.weight`]!
    return tf.conv2d(around(x, w.shape[2]!), tf.transpose(w, [2, 3, 1, 0]) as tf.Tensor4D, stride, mode)
  }
  const depthwise = (x: tf.Tensor, name: string, stride: number) => {
    const w = v[`${name}.weight`]!
    return tf.depthwiseConv2d(around(x, w.shape[2]!), tf.transpose(w, [2, 3, 0, 1]) as tf.Tensor4D, stride, mode)
  }
  const norm = (x: tf.Tensor, name: string) => {
    const [scale, offset] = [v[`${name}.weight`]! as tf.Tensor as tf.Tensor1D, v[`${name}.bias`]! as tf.Tensor as tf.Tensor1D]
    const [mean, variance] = [running[`${name}.running_mean`]!, running[`${name}.running_var`]!]
    if (!training) return tf.batchNorm(x as tf.Tensor4D, mean as tf.Tensor as tf.Tensor1D, variance as tf.Tensor as tf.Tensor1D, offset, scale, 1e-3)
    const batch = tf.moments(x, [0, 1, 2]), count = x.size / x.shape.at(-1)!
    mean.assign(tf.add(tf.mul(mean, 0.99), tf.mul(batch.mean, 0.01)))
    variance.assign(tf.add(tf.mul(variance, 0.99), tf.mul(batch.variance, 0.01 * count / (count - 1))))
    return tf.batchNorm(x as tf.Tensor4D, batch.mean as tf.Tensor1D, batch.variance as tf.Tensor1D, offset, scale, 1e-3)
  }
  const block = (x: tf.Tensor, name: string, stride: number, expand: boolean) => {
    let y = expand ? tf.relu6(norm(conv(x, `${name}.expand.0`), `${name}.expand.1`)) : x
    y = tf.relu6(norm(depthwise(y, `${name}.depthwise`, stride), `${name}.bn1`))
    y = norm(conv(y, `${name}.project`), `${name}.bn2`)
    return stride === 1 && y.shape.at(-1) === x.shape.at(-1) ? tf.add(x, y) : y
  }
  let x: tf.Tensor = tf.relu6(norm(conv(tf.transpose(images!, [0, 2, 3, 1]), 'stem.0', 2), 'stem.1'))
  x = block(block(block(x, 'blocks.0', 1, false), 'blocks.1', 2, true), 'blocks.2', 1, true)
  x = tf.relu6(norm(conv(x, 'head.0'), 'head.1'))
  const logits = tf.add(tf.matMul(tf.mean(x, [1, 2]) as tf.Tensor2D, v['fc.weight']! as tf.Tensor as tf.Tensor2D, false, true), v['fc.bias']!)
  return { logits, loss: crossEntropy(logits, labels!) }
}
