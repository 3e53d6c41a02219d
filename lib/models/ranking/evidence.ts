// How well features suit labels, before any training: LogME, H-score and LEEP, as pure functions of numbers.
import { ModelError } from '../errors.js'
import { eigenvalues, gram, matrixOf, type Matrix } from './eigen.js'

export type Features = ArrayLike<ArrayLike<number>> | Matrix
export interface Evidence { /** Log evidence per example. */ evidence: number; alpha: number; beta: number }
export interface LogME { /** Mean over the classes, or the one of the targets: higher is better. */ value: number; perClass: Evidence[] }

function checkedLabels(labels: ArrayLike<number>, rows: number): number[] {
  if (labels.length !== rows) throw new ModelError(`Cannot rank ${rows} rows of features with ${labels.length} labels: there must be as many.`)
  const classes = [...new Set(Array.from(labels))].sort((a, b) => a - b)
  if (classes.some((label) => !Number.isSafeInteger(label) || label < 0)) throw new ModelError(`Cannot rank with label ${classes.find((label) => !Number.isSafeInteger(label) || label < 0)}: labels are whole numbers from 0.`)
  return classes
}

/** Squares of the targets' coordinates along the features' left singular vectors, and the squared singular values. */
function spectrum(features: Matrix, targets: readonly Float64Array[]): { sigma: number[]; squares: number[][] } {
  const { rows: n, columns: d, data } = features
  const byRows = n <= d
  const vectors = byRows ? targets.map((y) => y.slice()) : targets.map((y) => {
    const z = new Float64Array(d)
    for (let i = 0; i < n; i++) if (y[i] !== 0) for (let j = 0; j < d; j++) z[j]! += data[i * d + j]! * y[i]!
    return z
  })
  const lambda = eigenvalues(gram(features, byRows ? 'rows' : 'columns'), byRows ? n : d, vectors)
  // Below this, rounding of the products decides.
  const least = 1e-12 * lambda.reduce((a, b) => Math.max(a, b), 0)
  const kept = [...lambda.keys()].filter((i) => lambda[i]! > least)
  return { sigma: kept.map((i) => lambda[i]!), squares: vectors.map((z) => kept.map((i) => byRows ? z[i]! ** 2 : z[i]! ** 2 / lambda[i]!)) }
}

function maximize(n: number, d: number, sigma: readonly number[], squares: readonly number[], target: Float64Array): Evidence {
  const total = target.reduce((sum, value) => sum + value * value, 0)
  const rest = Math.max(0, total - squares.reduce((a, b) => a + b, 0))
  const over = (f: (s: number, x2: number) => number) => sigma.reduce((sum, s, i) => sum + f(s, squares[i]!), 0)
  const residual = (t: number) => over((s, x2) => x2 / (1 + s / t) ** 2) + rest
  const weights = (t: number) => over((s, x2) => s * x2 / (t + s) ** 2)
  let alpha = 1, beta = 1
  for (let turn = 0; turn < 100; turn++) {
    const t = alpha / beta, gamma = over((s) => s / (s + t))
    alpha = gamma / (weights(t) + 1e-5)
    beta = (n - gamma) / (residual(t) + 1e-5)
    if (Math.abs(alpha / beta - t) / t <= 1e-6) break
  }
  const t = alpha / beta
  const determinant = over((s) => Math.log(alpha + beta * s)) + (d - sigma.length) * Math.log(alpha)
  const evidence = d / 2 * Math.log(alpha) + n / 2 * Math.log(beta) - determinant / 2 - beta / 2 * residual(t) - alpha / 2 * weights(t) - n / 2 * Math.log(2 * Math.PI)
  return { evidence: evidence / n, alpha, beta }
}

/**
 * LogME (You et al. 2021): the log evidence per example of a Bayesian linear model from features to labels, maximized over its two precisions,
 * mean over one-against-the-rest classes. `features` `[n, d]`, labels class numbers from 0, or numbers to regress with `regression`.
 * Comparable between models on the same rows; higher is better.
 *
 *     logME([[0.1, 2], [0.2, 1.9], [1, 0]], [0, 0, 1]).value
 */
export function logME(features: Features, labels: ArrayLike<number>, { regression = false } = {}): LogME {
  const matrix = matrixOf(features), { rows: n, columns: d } = matrix
  const targets = regression
    ? [Float64Array.from(labels)]
    : checkedLabels(labels, n).map((label) => Float64Array.from({ length: n }, (_, i) => Number(labels[i] === label)))
  if (targets[0]!.length !== n || targets[0]!.some((value) => !Number.isFinite(value))) throw new ModelError(`Cannot rank ${n} rows of features with these ${labels.length} targets: there must be one finite number for each row.`)
  const { sigma, squares } = spectrum(matrix, targets)
  const perClass = targets.map((target, i) => maximize(n, d, sigma, squares[i]!, target))
  return { value: perClass.reduce((sum, { evidence }) => sum + evidence, 0) / perClass.length, perClass }
}

/**
 * H-score (Bao et al. 2019): trace of cov(f)⁺ · cov(E[f | y]), how much of the features' variance lies between classes. Higher is better.
 * Undefined with as few rows as features, where it says nothing.
 */
export function hScore(features: Features, labels: ArrayLike<number>): number | undefined {
  const { rows: n, columns: d, data } = matrixOf(features)
  const classes = checkedLabels(labels, n)
  if (n <= d) return undefined
  const mean = new Float64Array(d)
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) mean[j]! += data[i * d + j]! / n
  const centered = data.map((value, at) => value - mean[at % d]!)
  const counts = classes.map(() => 0)
  const means = classes.map((label, c) => {
    const sum = new Float64Array(d)
    for (let i = 0; i < n; i++) if (labels[i] === label) {
      counts[c]!++
      for (let j = 0; j < d; j++) sum[j]! += centered[i * d + j]!
    }
    return sum.map((value) => value / counts[c]!)
  })
  // n − 1 cancels between the two covariances.
  const lambda = eigenvalues(gram({ rows: n, columns: d, data: centered }, 'columns'), d, means)
  const least = 1e-13 * lambda.reduce((a, b) => Math.max(a, b), 0)
  return means.reduce((sum, z, c) => sum + counts[c]! * z.reduce((part, value, i) => lambda[i]! > least ? part + value * value / lambda[i]! : part, 0), 0)
}

/**
 * LEEP (Nguyen et al. 2020): mean log of the label's probability, predicted through the source classes. `probabilities` `[n, source classes]` of the
 * pre-trained head, each row adding up to 1. At most 0; higher is better.
 */
export function leep(probabilities: Features, labels: ArrayLike<number>): number {
  const { rows: n, columns: d, data } = matrixOf(probabilities)
  const classes = checkedLabels(labels, n)
  const joint = classes.map((label) => {
    const sum = new Float64Array(d)
    for (let i = 0; i < n; i++) if (labels[i] === label) for (let j = 0; j < d; j++) sum[j]! += data[i * d + j]!
    return sum
  })
  const totals = Float64Array.from({ length: d }, (_, j) => joint.reduce((sum, row) => sum + row[j]!, 0))
  let total = 0
  for (let i = 0; i < n; i++) {
    const row = joint[classes.indexOf(labels[i]!)]!
    let p = 0
    for (let j = 0; j < d; j++) if (totals[j]! > 0) p += data[i * d + j]! * row[j]! / totals[j]!
    total += Math.log(p)
  }
  return total / n
}
