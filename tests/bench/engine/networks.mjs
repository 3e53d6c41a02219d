// The benchmark's networks in plain TensorFlow.js: variables, and a loss of a batch. Weights are random; nothing is learned from them.
import * as tf from '@tensorflow/tfjs'
import { readFileSync } from 'node:fs'

/**
 * @param {string} [file] float32 values of all variables in the order in which they are made, then of the pictures; without it they are drawn
 * @returns {{ variables: tf.Variable[], state: tf.Variable[], inputs: Record<string, tf.Tensor>, loss(inputs): { loss: tf.Scalar } }}
 */
export function build(spec, file) {
  const variables = [], state = []
  const stored = file && readFileSync(file)
  let seed = 0, at = 0
  const read = (shape) => { const from = stored.byteOffset + at, bytes = 4 * shape.reduce((a, b) => a * b, 1); at += bytes; return tf.tensor(new Float32Array(stored.buffer.slice(from, from + bytes)), shape) }
  const weight = (shape, scale = 1 / Math.sqrt(shape.slice(0, -1).reduce((a, b) => a * b, 1))) => { const v = tf.tidy(() => tf.variable(stored ? read(shape) : tf.randomNormal(shape, 0, scale, 'float32', ++seed))); variables.push(v); return v }
  const filled = (n, value, list = variables) => { const v = tf.tidy(() => tf.variable(stored && list === variables ? read([n]) : tf.fill([n], value))); list.push(v); return v }
  const norm = (n) => {
    const [scale, offset, mean, variance] = [filled(n, 1), filled(n, 0), filled(n, 0, state), filled(n, 1, state)]
    return (x) => {
      const batch = tf.moments(x, [0, 1, 2])
      mean.assign(tf.add(tf.mul(mean, 0.99), tf.mul(batch.mean, 0.01)))
      variance.assign(tf.add(tf.mul(variance, 0.99), tf.mul(batch.variance, 0.01)))
      return tf.batchNorm(x, batch.mean, batch.variance, offset, scale, 1e-3)
    }
  }
  const labels = tf.tensor1d(Array.from({ length: spec.batch }, (_, i) => i % spec.classes), 'int32')
  const entropy = (logits, y) => ({ loss: tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(y, spec.classes), tf.logSoftmax(logits)), -1))) })
  const images = () => { const shape = [spec.batch, spec.size, spec.size, 3]; return stored ? read(shape) : tf.randomUniform(shape, -1, 1, 'float32', 1) }

  if (spec.kind === 'cnn') {
    const kernels = spec.filters.map((filters, i) => weight([3, 3, i ? spec.filters[i - 1] : 3, filters]))
    const dense = weight([spec.filters.at(-1) * (spec.size / 8) ** 2, spec.classes])
    const loss = ({ x, y }) => entropy(tf.matMul(tf.reshape(kernels.reduce((h, k) => tf.maxPool(tf.relu(tf.conv2d(h, k, 1, 'same')), 2, 2, 'same'), x), [spec.batch, -1]), dense), y)
    return { variables, state, inputs: { x: images(), y: labels }, loss }
  }
  if (spec.kind === 'inverted') {
    const layers = []
    const conv = (kernel, from, to, stride, active = true) => { const w = weight([kernel, kernel, from, to]), n = norm(to); return (x) => { const y = n(tf.conv2d(x, w, stride, 'same')); return active ? tf.relu6(y) : y } }
    layers.push(conv(3, 3, spec.stem, 2))
    let channels = spec.stem
    for (const [expansion, to, kernel, stride, repeats] of spec.blocks) {
      for (let i = 0; i < repeats; i++) {
        const from = channels, inner = from * expansion, step = i ? 1 : stride
        const expand = expansion > 1 ? conv(1, from, inner, 1) : (x) => x
        const w = weight([kernel, kernel, inner, 1], 1 / kernel), n = norm(inner), project = conv(1, inner, to, 1, false)
        layers.push((x) => { const y = project(tf.relu6(n(tf.depthwiseConv2d(expand(x), w, step, 'same')))); return step === 1 && from === to ? tf.add(x, y) : y })
        channels = to
      }
    }
    layers.push(conv(1, channels, spec.head, 1))
    const w = weight([spec.head, spec.classes]), b = filled(spec.classes, 0)
    return { variables, state, inputs: { x: images(), y: labels }, loss: ({ x, y }) => entropy(tf.add(tf.matMul(tf.mean(layers.reduce((h, layer) => layer(h), x), [1, 2]), w), b), y) }
  }
  const { width, heads, inner, length, batch } = spec
  const linear = (from, to) => { const w = weight([from, to], 0.02), b = filled(to, 0); return (x) => tf.reshape(tf.add(tf.matMul(tf.reshape(x, [-1, from]), w), b), [batch, length, to]) }
  const layerNorm = () => { const g = filled(width, 1), b = filled(width, 0); return (x) => { const { mean, variance } = tf.moments(x, -1, true); return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-12))), g), b) } }
  const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))
  const table = weight([spec.vocabulary, width], 0.02), positions = weight([length, width], 0.02), first = layerNorm()
  const blocks = Array.from({ length: spec.layers }, () => ({ q: linear(width, width), k: linear(width, width), v: linear(width, width), o: linear(width, width), n1: layerNorm(), up: linear(width, inner), down: linear(inner, width), n2: layerNorm() }))
  const w = weight([width, spec.classes], 0.02)
  const split = (x) => tf.transpose(tf.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3])
  const loss = ({ x, y }) => {
    let h = first(tf.add(tf.gather(table, x), positions))
    for (const { q, k, v, o, n1, up, down, n2 } of blocks) {
      const a = tf.softmax(tf.mul(tf.matMul(split(q(h)), split(k(h)), false, true), 1 / Math.sqrt(width / heads)))
      h = n1(tf.add(h, o(tf.reshape(tf.transpose(tf.matMul(a, split(v(h))), [0, 2, 1, 3]), [batch, length, width]))))
      h = n2(tf.add(h, down(gelu(up(h)))))
    }
    return entropy(tf.matMul(tf.mean(h, 1), w), y)
  }
  const ids = tf.tensor2d(Array.from({ length: batch * length }, (_, i) => (i * 7919) % spec.vocabulary), [batch, length], 'int32')
  return { variables, state, inputs: { x: ids, y: labels }, loss }
}
