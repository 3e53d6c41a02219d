// Linear algebra of small normal distributions: Cholesky's factor, and equations solved by it. Matrices are square, by rows.

/** The lower factor F of a symmetric positive definite matrix: F · Fᵀ = matrix. */
export function choleskyFactor(matrix: Float64Array, n: number): Float64Array {
  const factor = new Float64Array(n * n)
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) {
    let rest = matrix[i * n + j]!
    for (let k = 0; k < j; k++) rest -= factor[i * n + k]! * factor[j * n + k]!
    factor[i * n + j] = i === j ? Math.sqrt(Math.max(rest, 0)) : factor[j * n + j]! > 0 ? rest / factor[j * n + j]! : 0
  }
  return factor
}

/** x of factor · x = b, for a lower factor. */
export function solveLower(factor: Float64Array, b: Float64Array): Float64Array {
  const n = b.length, x = b.slice()
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= factor[i * n + k]! * x[k]!
    x[i]! /= factor[i * n + i]!
  }
  return x
}

/** x of matrix · x = b, for a symmetric positive definite matrix. */
export function solvePositive(matrix: Float64Array, b: Float64Array): Float64Array {
  const n = b.length, factor = choleskyFactor(matrix, n), x = solveLower(factor, b)
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= factor[k * n + i]! * x[k]!
    x[i]! /= factor[i * n + i]!
  }
  return x
}

/** How rows of a table `[rows, n]` are spread: their mean, and the factor of their covariance. Directions without any spread get next to none. */
export function spreadOf(table: ArrayLike<number>, n: number, rows: readonly number[]): { mean: Float64Array; factor: Float64Array } {
  const mean = new Float64Array(n), covariance = new Float64Array(n * n)
  for (const row of rows) for (let i = 0; i < n; i++) mean[i]! += table[row * n + i]! / rows.length
  for (const row of rows) for (let i = 0; i < n; i++) {
    const from = table[row * n + i]! - mean[i]!
    for (let j = 0; j <= i; j++) covariance[i * n + j]! += from * (table[row * n + j]! - mean[j]!) / (rows.length - 1)
  }
  let trace = 0
  for (let i = 0; i < n; i++) trace += covariance[i * n + i]!
  for (let i = 0; i < n; i++) covariance[i * n + i]! += 1e-6 * trace / n
  return { mean, factor: choleskyFactor(covariance, n) }
}
