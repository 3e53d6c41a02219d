// Multinomial logistic regression by L-BFGS: the linear probe's model, with scikit-learn's objective and default strength.
import type { Matrix } from './eigen.js'

export interface LogisticModel { /** `[classes, features + 1]`, the intercept last. */ weights: Float64Array; classes: number; features: number; iterations: number }

/** Row-wise softmax of x·wᵀ + b. */
export function probabilities({ weights, classes, features }: LogisticModel, { rows, data }: Matrix): Float64Array {
  const out = new Float64Array(rows * classes)
  for (let i = 0; i < rows; i++) {
    let largest = -Infinity, sum = 0
    for (let c = 0; c < classes; c++) {
      let score = weights[c * (features + 1) + features]!
      for (let j = 0, w = c * (features + 1), x = i * features; j < features; j++, w++, x++) score += weights[w]! * data[x]!
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
  const { rows, columns: features, data } = x, size = classes * (features + 1)
  const evaluate = (weights: Float64Array): { loss: number; gradient: Float64Array } => {
    const p = probabilities({ weights, classes, features, iterations: 0 }, x), gradient = new Float64Array(size)
    let loss = 0
    for (let i = 0; i < rows; i++) {
      const count = counts ? counts[i]! : 1
      loss -= count * Math.log(Math.max(p[i * classes + labels[i]!]!, 1e-300))
      for (let c = 0; c < classes; c++) {
        const error = count * (p[i * classes + c]! - Number(labels[i] === c))
        for (let j = 0, g = c * (features + 1), at = i * features; j < features; j++, g++, at++) gradient[g]! += error * data[at]!
        gradient[c * (features + 1) + features]! += error
      }
    }
    for (let c = 0; c < classes; c++) for (let j = 0, at = c * (features + 1); j < features; j++, at++) {
      loss += weights[at]! ** 2 / (2 * strength)
      gradient[at]! += weights[at]! / strength
    }
    return { loss, gradient }
  }
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
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
    let length = 1, next = weights, found = evaluate(weights)
    for (; length > 1e-10; length /= 2) {
      next = weights.map((value, i) => value - length * direction[i]!)
      found = evaluate(next)
      if (found.loss <= loss - 1e-4 * length * slope) break
    }
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
