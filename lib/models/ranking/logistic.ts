// Multinomial logistic regression by L-BFGS: the linear probe's model, with scikit-learn's objective and default strength.
import type { Matrix } from './eigen.js'

export interface LogisticModel { /** `[classes, features + 1]`, the intercept last. */ weights: Float64Array; classes: number; features: number; iterations: number }

/** w[at …] · x[from …], in four sums that do not wait for each other. */
function product(w: Float64Array, at: number, x: Float64Array, from: number, length: number): number {
  let a = 0, b = 0, c = 0, d = 0, j = 0
  for (; j + 3 < length; j += 4) {
    a += w[at + j]! * x[from + j]!
    b += w[at + j + 1]! * x[from + j + 1]!
    c += w[at + j + 2]! * x[from + j + 2]!
    d += w[at + j + 3]! * x[from + j + 3]!
  }
  for (; j < length; j++) a += w[at + j]! * x[from + j]!
  return a + b + (c + d)
}

/** Adds Σ errors[row, c] · x[row] to each class's row of `gradient`, four rows in one pass over it, and Σ errors to its intercept. */
function addProducts(gradient: Float64Array, errors: Float64Array, classes: number, { rows, columns, data }: Matrix): void {
  for (let row = 0; row < rows; row += 4) {
    const x0 = row * columns, [x1, x2, x3] = [1, 2, 3].map((k) => Math.min(row + k, rows - 1) * columns) as [number, number, number]
    for (let c = 0, g = 0; c < classes; c++, g += columns + 1) {
      const [e0, e1, e2, e3] = [0, 1, 2, 3].map((k) => row + k < rows ? errors[(row + k) * classes + c]! : 0) as [number, number, number, number]
      for (let j = 0; j < columns; j++) gradient[g + j]! += e0 * data[x0 + j]! + e1 * data[x1 + j]! + (e2 * data[x2 + j]! + e3 * data[x3 + j]!)
      gradient[g + columns]! += e0 + e1 + e2 + e3
    }
  }
}

/** Row-wise softmax of x·wᵀ + b. */
export function probabilities({ weights, classes, features }: LogisticModel, { rows, data }: Matrix): Float64Array {
  const out = new Float64Array(rows * classes)
  for (let i = 0; i < rows; i++) {
    let largest = -Infinity, sum = 0
    for (let c = 0; c < classes; c++) {
      const score = weights[c * (features + 1) + features]! + product(weights, c * (features + 1), data, i * features, features)
      out[i * classes + c] = score
      largest = Math.max(largest, score)
    }
    for (let c = 0; c < classes; c++) sum += out[i * classes + c] = Math.exp(out[i * classes + c]! - largest)
    for (let c = 0; c < classes; c++) out[i * classes + c]! /= sum
  }
  return out
}

/**
 * Minimizes Σ −log p(label) + ‖w‖² / (2 · strength), intercepts free, to a gradient below `tolerance` per example.
 * `strength` is scikit-learn's C; `start` are the weights to begin with, default 0; `counts` is how much each example counts, default 1. Labels are class numbers below `classes`.
 */
export function fitLogistic(x: Matrix, labels: ArrayLike<number>, classes: number, { strength = 1, tolerance = 1e-4, iterations = 200, start, counts }: { strength?: number; tolerance?: number; iterations?: number; start?: Float64Array | undefined; counts?: ArrayLike<number> | undefined } = {}): LogisticModel {
  const { rows, columns: features } = x, size = classes * (features + 1)
  const evaluate = (weights: Float64Array): { loss: number; gradient: Float64Array } => {
    const p = probabilities({ weights, classes, features, iterations: 0 }, x), gradient = new Float64Array(size)
    let loss = 0
    for (let i = 0; i < rows; i++) {
      const count = counts ? counts[i]! : 1
      loss -= count * Math.log(Math.max(p[i * classes + labels[i]!]!, 1e-300))
      for (let c = 0; c < classes; c++) p[i * classes + c] = count * (p[i * classes + c]! - Number(labels[i] === c))
    }
    addProducts(gradient, p, classes, x)
    for (let c = 0; c < classes; c++) for (let j = 0, at = c * (features + 1); j < features; j++, at++) {
      loss += weights[at]! ** 2 / (2 * strength)
      gradient[at]! += weights[at]! / strength
    }
    return { loss, gradient }
  }
  const dot = (a: Float64Array, b: Float64Array) => product(a, 0, b, 0, size)
  let weights = start?.slice() ?? new Float64Array(size), { loss, gradient } = evaluate(weights), turn = 0
  const past: { step: Float64Array; change: Float64Array; rho: number }[] = []
  for (; turn < iterations && gradient.some((value) => Math.abs(value) > tolerance * rows); turn++) {
    // The two-loop recursion (Nocedal and Wright, algorithm 7.4).
    const direction = gradient.slice(), alphas: number[] = []
    for (const { step, change, rho } of [...past].reverse()) {
      const alpha = rho * dot(step, direction)
      alphas.unshift(alpha)
      for (let i = 0; i < size; i++) direction[i]! -= alpha * change[i]!
    }
    const last = past.at(-1), scale = last ? 1 / (last.rho * dot(last.change, last.change)) : 1 / Math.sqrt(dot(gradient, gradient))
    for (let i = 0; i < size; i++) direction[i]! *= scale
    past.forEach(({ step, change, rho }, k) => {
      const beta = alphas[k]! - rho * dot(change, direction)
      for (let i = 0; i < size; i++) direction[i]! += beta * step[i]!
    })
    const slope = dot(gradient, direction)
    let length = 2, next = weights, found: ReturnType<typeof evaluate>
    do {
      length /= 2
      next = weights.map((value, i) => value - length * direction[i]!)
      found = evaluate(next)
    } while (found.loss > loss - 1e-4 * length * slope && length > 1e-10)
    if (length <= 1e-10) break
    const settled = loss - found.loss <= 1e-14 * Math.abs(loss) // less than rounding can tell
    const step = next.map((value, i) => value - weights[i]!), change = found.gradient.map((value, i) => value - gradient[i]!)
    const curvature = dot(step, change)
    if (curvature > 1e-12) past.push({ step, change, rho: 1 / curvature })
    if (past.length > 10) past.shift()
    weights = next
    ;({ loss, gradient } = found)
    if (settled) break
  }
  return { weights, classes, features, iterations: turn }
}
