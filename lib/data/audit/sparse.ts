// A softmax regression on sparse features (words, letters), and its cross-validated probabilities: what linear.ts is for dense ones.
import { permutation, randomStream } from '../random.js'
import type { SparseMatrix } from '../store.js'
import { stratifiedFolds } from './linear.js'

/** Taken out of the global once: they are called millions of times. */
const { exp, max, sqrt } = Math

/** Few and small steps: they stop before single wrong labels are learned by heart. */
const epochs = 6, rate = 0.1, floor = 1e-2

/** Weights `[width + 1, classes]` (the last row is the bias), by AdaGrad (Duchi, Hazan, Singer 2011) over single rows in seeded order. */
function fit(m: SparseMatrix, labels: Int32Array, classes: number, train: Int32Array, decay: number, seed: number): Float32Array {
  const weights = new Float32Array((m.width + 1) * classes), squares = new Float32Array(weights.length), p = new Float64Array(classes)
  for (let epoch = 0; epoch < epochs; epoch++) for (const place of permutation(train.length, randomStream(seed, epoch, train.length))) {
    const row = train[place]!
    probabilities(m, weights, classes, row, p)
    p[labels[row]!]! -= 1
    const move = (at: number, value: number) => {
      for (let c = 0; c < classes; c++) {
        const gradient = p[c]! * value + decay * weights[at + c]!
        squares[at + c]! += gradient * gradient
        weights[at + c]! -= (rate * gradient) / (sqrt(squares[at + c]!) + floor)
      }
    }
    for (let k = m.starts[row]!; k < m.starts[row + 1]!; k++) move(m.columns[k]! * classes, m.values[k]!)
    move(m.width * classes, 1)
  }
  return weights
}

function probabilities(m: SparseMatrix, weights: Float32Array, classes: number, row: number, p: Float64Array): void {
  const bias = m.width * classes
  for (let c = 0; c < classes; c++) p[c] = weights[bias + c]!
  for (let k = m.starts[row]!; k < m.starts[row + 1]!; k++) for (let c = 0, at = m.columns[k]! * classes; c < classes; c++) p[c]! += weights[at + c]! * m.values[k]!
  const most = max(...p)
  let sum = 0
  for (let c = 0; c < classes; c++) sum += p[c] = exp(p[c]! - most)
  for (let c = 0; c < classes; c++) p[c]! /= sum
}

/** Probabilities `[rows, classes]` by models that never saw the row's label: 5 folds, stratified, seeded. */
export function crossValidatedSparse(m: SparseMatrix, labels: Int32Array, classes: number, o: { folds?: number; seed?: number; decay?: number } = {}): Float32Array {
  const folds = Math.min(o.folds ?? 5, m.rows), seed = o.seed ?? 0, fold = stratifiedFolds(labels, classes, folds, seed)
  const out = new Float32Array(m.rows * classes), p = new Float64Array(classes)
  for (let k = 0; k < folds; k++) {
    const weights = fit(m, labels, classes, Int32Array.from(fold.keys()).filter((row) => fold[row] !== k), o.decay ?? 1e-5, seed)
    for (let row = 0; row < m.rows; row++) if (fold[row] === k) { probabilities(m, weights, classes, row, p); out.set(p, row * classes) }
  }
  return out
}

/** These rows alone. */
export function chooseSparse(m: SparseMatrix, rows: ArrayLike<number>): SparseMatrix {
  const starts = new Int32Array(rows.length + 1)
  for (let i = 0; i < rows.length; i++) starts[i + 1] = starts[i]! + m.starts[rows[i]! + 1]! - m.starts[rows[i]!]!
  const columns = new Int32Array(starts[rows.length]!), values = new Float32Array(columns.length)
  for (let i = 0; i < rows.length; i++) {
    columns.set(m.columns.subarray(m.starts[rows[i]!], m.starts[rows[i]! + 1]), starts[i])
    values.set(m.values.subarray(m.starts[rows[i]!], m.starts[rows[i]! + 1]), starts[i])
  }
  return { rows: rows.length, width: m.width, starts, columns, values }
}
