// A softmax regression on features, small and deterministic, and its cross-validated probabilities: the yardstick of the audits that take features.
import * as tf from '@tensorflow/tfjs'
import { recordFunction } from '../../engine/index.js'
import { permutation, randomStream } from '../random.js'
import { startIfThere } from '../start-engine.js'

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

/** One step of full-batch Adam, as a function of tensors only, so that the engine can record it: rows of weight 0 are those predicted. */
function adamStep({ x, targets, weights: rowWeights, decay, step, w, mw, vw, b, mb, vb }: Record<string, tf.Tensor>): Record<string, tf.Tensor> {
  const error = tf.softmax(tf.matMul(x!, w!).add(b!)).sub(targets!).mul(rowWeights!)
  const moved = (value: tf.Tensor, gradient: tf.Tensor, mean: tf.Tensor, square: tf.Tensor) => {
    const m = mean.mul(0.9).add(gradient.mul(0.1)), v = square.mul(0.999).add(gradient.square().mul(0.001))
    const unbiased = (moment: tf.Tensor, beta: number) => moment.div(tf.sub(1, tf.pow(beta, step!)))
    return [value.sub(unbiased(m, 0.9).mul(rate).div(unbiased(v, 0.999).sqrt().add(1e-8))), m, v] as const
  }
  const [w1, mw1, vw1] = moved(w!, tf.matMul(x!, error, true).add(w!.mul(decay!)), mw!, vw!)
  const [b1, mb1, vb1] = moved(b!, error.sum(0), mb!, vb!)
  return { w: w1, mw: mw1, vw: vw1, b: b1, mb: mb1, vb: vb1 }
}

/** Probabilities `[rows, classes]` of a model fitted on the rows with `train` 1. */
function fitPredict(run: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>, x: tf.Tensor2D, targets: tf.Tensor2D, train: Float32Array, decay: number): Float32Array {
  const rows = train.reduce((sum, value) => sum + value, 0), [width, classes] = [x.shape[1], targets.shape[1]]
  const fixed: Record<string, tf.Tensor> = { x, targets, weights: tf.tensor2d(train.map((value) => value / rows), [train.length, 1]), decay: tf.scalar(decay) }
  let state: Record<string, tf.Tensor> = { w: tf.zeros([width, classes]), mw: tf.zeros([width, classes]), vw: tf.zeros([width, classes]), b: tf.zeros([classes]), mb: tf.zeros([classes]), vb: tf.zeros([classes]) }
  for (let step = 1; step <= steps; step++) {
    const number = tf.scalar(step), before = state
    state = run({ ...fixed, ...before, step: number })
    tf.dispose([number, before])
  }
  const probabilities = tf.tidy(() => tf.softmax(tf.matMul(x, state['w']!).add(state['b']!)).dataSync() as Float32Array)
  tf.dispose([state, fixed['weights']!, fixed['decay']!])
  return probabilities
}

/**
 * Probabilities `[rows, classes]` for rows of which the model that gives them never saw the label: k folds, stratified, seeded.
 * L2 penalty as scikit-learn's LogisticRegression with C = 1 (`strength` 1).
 */
export function crossValidated(features: FeatureMatrix, labels: Int32Array, classes: number, o: { folds?: number; seed?: number; strength?: number } = {}): Float32Array {
  const started = startIfThere()
  const { data, rows, width } = standardized(features)
  const folds = Math.min(o.folds ?? 5, rows), scale = 1 / Math.sqrt(width)
  const fold = new Int32Array(rows), seen = new Int32Array(classes)
  for (const row of permutation(rows, randomStream(o.seed ?? 0, rows))) fold[row] = seen[labels[row]!]!++ % folds
  const out = new Float32Array(rows * classes)
  const x = tf.tensor2d(data.map((value) => value * scale), [rows, width]), targets = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), classes).toFloat() as tf.Tensor2D)
  const recorded = started ? recordFunction(adamStep) : undefined
  const run = recorded ? (inputs: Record<string, tf.Tensor>) => recorded.run(inputs) : (inputs: Record<string, tf.Tensor>) => tf.tidy(() => adamStep(inputs))
  try {
    for (let k = 0; k < folds; k++) {
      const train = Float32Array.from(fold, (value) => value === k ? 0 : 1)
      const probabilities = fitPredict(run, x, targets, train, ((o.strength ?? 1) * scale * scale) / rows)
      for (let row = 0; row < rows; row++) if (fold[row] === k) out.set(probabilities.subarray(row * classes, (row + 1) * classes), row * classes)
    }
  } finally {
    recorded?.dispose()
    tf.dispose([x, targets])
  }
  return out
}
