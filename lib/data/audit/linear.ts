// A softmax regression on features, small and deterministic, and its cross-validated probabilities: the yardstick of the audits that take features.
import * as tf from '@tensorflow/tfjs'
import { permutation, randomStream } from '../random.js'

/** `[rows, width]` in row order. */
export interface FeatureMatrix { data: Float32Array; rows: number; width: number }

/** Columns with mean 0 and deviation 1; columns that never change become 0. */
export function standardized({ data, rows, width }: FeatureMatrix): FeatureMatrix {
  const out = new Float32Array(data.length), mean = new Float64Array(width), square = new Float64Array(width)
  for (let i = 0; i < data.length; i++) mean[i % width]! += data[i]! / rows
  for (let i = 0; i < data.length; i++) square[i % width]! += (data[i]! - mean[i % width]!) ** 2 / rows
  const factor = square.map((value) => value > 1e-12 ? 1 / Math.sqrt(value) : 0)
  for (let i = 0; i < data.length; i++) out[i] = (data[i]! - mean[i % width]!) * factor[i % width]!
  return { data: out, rows, width }
}

const steps = 120, rate = 0.1

interface AdamState { value: tf.Tensor; mean: tf.Tensor; square: tf.Tensor }

const adamState = (value: tf.Tensor): AdamState => ({ value, mean: tf.zerosLike(value), square: tf.zerosLike(value) })

function adam({ value, mean, square }: AdamState, gradient: tf.Tensor, step: number): AdamState {
  const m = mean.mul(0.9).add(gradient.mul(0.1)), v = square.mul(0.999).add(gradient.square().mul(0.001))
  return { value: value.sub(m.div(1 - 0.9 ** step).mul(rate).div(v.div(1 - 0.999 ** step).sqrt().add(1e-8))), mean: m, square: v }
}

/** Fits on `train`, predicts probabilities `[test rows, classes]`: full-batch Adam with weight decay on standardized features scaled to unit expected length. */
function fitPredict(x: tf.Tensor2D, labels: Int32Array, train: number[], test: number[], classes: number, decay: number): Float32Array {
  return tf.tidy(() => {
    const width = x.shape[1]
    const inputs = tf.gather(x, tf.tensor1d(train, 'int32')), targets = tf.oneHot(tf.tensor1d(train.map((row) => labels[row]!), 'int32'), classes).toFloat()
    let state: AdamState[] = [adamState(tf.zeros([width, classes])), adamState(tf.zeros([classes]))]
    for (let step = 1; step <= steps; step++) {
      const before = state
      state = tf.tidy(() => {
        const [weights, bias] = before.map(({ value }) => value) as [tf.Tensor2D, tf.Tensor1D]
        const error = tf.softmax(inputs.matMul(weights).add(bias)).sub(targets).div(train.length)
        const gradients = [inputs.matMul(error as tf.Tensor2D, true).add(weights.mul(decay)), error.sum(0)]
        return before.map((variable, i) => adam(variable, gradients[i]!, step)) as never
      }) as never
      tf.dispose(before as never)
    }
    const [weights, bias] = state.map(({ value }) => value) as [tf.Tensor2D, tf.Tensor1D]
    return tf.softmax(tf.gather(x, tf.tensor1d(test, 'int32')).matMul(weights).add(bias)).dataSync() as Float32Array
  })
}

/** Probabilities `[rows, classes]` for rows of which the model that gives them never saw the label: k folds, stratified, seeded. */
export function crossValidated(features: FeatureMatrix, labels: Int32Array, classes: number, o: { folds?: number; seed?: number; decay?: number } = {}): Float32Array {
  const { data, rows, width } = standardized(features)
  const folds = Math.min(o.folds ?? 5, rows), scale = 1 / Math.sqrt(width)
  const fold = new Int32Array(rows)
  const order = permutation(rows, randomStream(o.seed ?? 0, rows))
  const seen = new Int32Array(classes)
  for (const row of order) fold[row] = seen[labels[row]!]!++ % folds
  const out = new Float32Array(rows * classes)
  const x = tf.tensor2d(data.map((value) => value * scale), [rows, width])
  try {
    for (let k = 0; k < folds; k++) {
      const test = Array.from({ length: rows }, (_, row) => row).filter((row) => fold[row] === k), train = Array.from({ length: rows }, (_, row) => row).filter((row) => fold[row] !== k)
      if (test.length === 0 || train.length === 0) continue
      const probabilities = fitPredict(x, labels, train, test, classes, o.decay ?? 0.001)
      test.forEach((row, i) => out.set(probabilities.subarray(i * classes, (i + 1) * classes), row * classes))
    }
  } finally { x.dispose() }
  return out
}
