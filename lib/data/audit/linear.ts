// A softmax regression on features, small and deterministic, and its cross-validated probabilities: the yardstick of the audits that take features.
import * as tf from '@tensorflow/tfjs'
import { recordFunction } from '../../engine/index.js'
import { permutation, randomStream } from '../random.js'
import { startIfThere } from '../start-engine.js'
import type { FeatureMatrix } from '../types.js'

/** Columns with mean 0 and deviation 1; columns that never change become 0. */
export function standardized({ data, rows, width }: FeatureMatrix): FeatureMatrix {
  const out = new Float32Array(data.length), mean = new Float64Array(width), square = new Float64Array(width)
  for (let i = 0; i < data.length; i++) mean[i % width]! += data[i]! / rows
  for (let i = 0; i < data.length; i++) square[i % width]! += (data[i]! - mean[i % width]!) ** 2 / rows
  const factor = square.map((value) => value > 1e-12 ? 1 / Math.sqrt(value) : 0)
  for (let i = 0; i < data.length; i++) out[i] = (data[i]! - mean[i % width]!) * factor[i % width]!
  return { data: out, rows, width }
}

/** Fold of every row, classes spread evenly. */
export function stratifiedFolds(labels: Int32Array, classes: number, folds: number, seed: number): Int32Array {
  const fold = new Int32Array(labels.length), seen = new Int32Array(classes)
  for (const row of permutation(labels.length, randomStream(seed, labels.length))) fold[row] = seen[labels[row]!]!++ % folds
  return fold
}

/** Steps that rows are told apart by when nothing else is asked: the more, the less the features' correlations stand in the way. */
const usualSteps = 600

/** Steps of one recorded call. */
const together = 10

/**
 * Some steps of Nesterov's accelerated gradient descent on all rows at once, as a function of tensors only, so that the engine can record it.
 * Rows of weight 0 are those predicted; the last column of x is 1 and has no penalty.
 */
function descend({ x, targets, weights, decay, rate, momentum, w, before }: Record<string, tf.Tensor>): Record<string, tf.Tensor> {
  let [last, now] = [before!, w!]
  for (let step = 0; step < together; step++) {
    const ahead: tf.Tensor = now.add(now.sub(last).mul(momentum!.slice([step], [1])))
    const error = tf.softmax(tf.matMul(x!, ahead)).sub(targets!).mul(weights!)
    last = now
    now = ahead.sub(tf.matMul(x!, error, true).add(ahead.mul(decay!)).mul(rate!))
  }
  return { w: now, before: last }
}

/** Largest eigenvalue of XᵀX / rows, by power iteration: how steep the loss can get. */
function steepness(x: tf.Tensor2D): number {
  return tf.tidy(() => {
    let v: tf.Tensor = tf.ones([x.shape[1], 1]).div(Math.sqrt(x.shape[1])), norm = 1
    for (let i = 0; i < 12; i++) {
      const moved: tf.Tensor = tf.matMul(x, tf.matMul(x, v as tf.Tensor2D), true).div(x.shape[0])
      norm = moved.norm().dataSync()[0]!
      v = moved.div(Math.max(norm, 1e-12))
    }
    return norm
  })
}

type Run = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>

/** Probabilities `[rows, classes]` of a model fitted on the rows with `train` 1. */
function fitPredict(run: Run, x: tf.Tensor2D, targets: tf.Tensor2D, train: Float32Array, decay: number, steep: number, steps: number): Float32Array {
  const rows = train.reduce((sum, value) => sum + value, 0), [width, classes] = [x.shape[1], targets.shape[1]]
  const fixed: Record<string, tf.Tensor> = {
    x, targets, weights: tf.tensor2d(train.map((value) => value / rows), [train.length, 1]), decay: tf.tensor2d(Array.from({ length: width }, (_, i) => i === width - 1 ? 0 : decay), [width, 1]),
    rate: tf.scalar(1 / (0.6 * steep * (train.length / rows) + decay)), // the softmax curves at most half as much as its inputs
  }
  let w: tf.Tensor = tf.zeros([width, classes]), before: tf.Tensor = w.clone()
  for (let step = 1; step <= steps; step += together) {
    const momentum = tf.tensor1d(Array.from({ length: together }, (_, i) => (step + i - 1) / (step + i + 2))), next = run({ ...fixed, momentum, w, before })
    tf.dispose([momentum, before, w])
    w = next['w']!
    before = next['before']!
  }
  const probabilities = tf.tidy(() => tf.softmax(tf.matMul(x, w as tf.Tensor2D)).dataSync() as Float32Array)
  tf.dispose([w, before, fixed['weights']!, fixed['decay']!, fixed['rate']!])
  return probabilities
}

/**
 * Probabilities `[rows, classes]` for rows of which the model that gives them never saw the label: k folds, stratified, seeded.
 * L2 penalty as scikit-learn's LogisticRegression with C = 1 (`strength` 1).
 */
export function crossValidated(features: FeatureMatrix, labels: Int32Array, classes: number, o: { folds?: number; seed?: number; strength?: number; steps?: number } = {}): Float32Array {
  const started = startIfThere()
  const { data, rows, width } = standardized(features)
  const folds = Math.min(o.folds ?? 5, rows), scale = 1 / Math.sqrt(width)
  const fold = stratifiedFolds(labels, classes, folds, o.seed ?? 0)
  const out = new Float32Array(rows * classes)
  const x = tf.tidy(() => tf.concat([tf.tensor2d(data.map((value) => value * scale), [rows, width]), tf.ones([rows, 1])], 1) as tf.Tensor2D)
  const targets = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), classes).toFloat() as tf.Tensor2D)
  const recorded = started ? recordFunction(descend) : undefined
  const run: Run = recorded ? (inputs) => recorded.run(inputs) : (inputs) => tf.tidy(() => descend(inputs))
  try {
    const steep = steepness(x)
    for (let k = 0; k < folds; k++) {
      const train = Float32Array.from(fold, (value) => value === k ? 0 : 1)
      const probabilities = fitPredict(run, x, targets, train, ((o.strength ?? 1) * scale * scale) / rows, steep, o.steps ?? usualSteps)
      for (let row = 0; row < rows; row++) if (fold[row] === k) out.set(probabilities.subarray(row * classes, (row + 1) * classes), row * classes)
    }
  } finally {
    recorded?.dispose()
    tf.dispose([x, targets])
  }
  return out
}
