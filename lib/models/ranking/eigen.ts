// Eigenvalues of a symmetric matrix, and what its eigenvectors see of some vectors, without ever building the eigenvectors.
import { ModelError } from '../errors.js'

/** A matrix by rows. */
export interface Matrix { readonly rows: number; readonly columns: number; readonly data: Float64Array }

/** Checks a table of features once for all functions of this folder: at least one row, one width, finite numbers. */
export function matrixOf(features: ArrayLike<ArrayLike<number>> | Matrix): Matrix {
  if ('data' in features) return features
  const rows = features.length, columns = features[0]?.length ?? 0
  if (rows === 0 || columns === 0) throw new ModelError(`Cannot rank with ${rows} rows of ${columns} features: there must be at least one of each.`)
  const data = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) {
    const row = features[i]!
    if (row.length !== columns) throw new ModelError(`Cannot rank with features of different lengths: row ${i} has ${row.length} and row 0 has ${columns}.`)
    for (let j = 0; j < columns; j++) {
      if (!Number.isFinite(row[j])) throw new ModelError(`Cannot rank with features that are not numbers: row ${i}, feature ${j} is ${row[j]}. A model that gives NaN or Infinity has not fit its input; check the preprocessing.`)
      data[i * columns + j] = row[j]!
    }
  }
  return { rows, columns, data }
}

/** x·xᵀ (by rows) or xᵀ·x (by columns), whichever is asked for. */
export function gram({ rows, columns, data }: Matrix, by: 'rows' | 'columns'): Float64Array {
  const n = by === 'rows' ? rows : columns, out = new Float64Array(n * n)
  if (by === 'rows') {
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let k = 0; k < columns; k++) sum += data[i * columns + k]! * data[j * columns + k]!
      out[i * n + j] = out[j * n + i] = sum
    }
    return out
  }
  for (let r = 0; r < rows; r++) for (let i = 0; i < n; i++) {
    const value = data[r * n + i]!
    if (value !== 0) for (let j = 0; j <= i; j++) out[i * n + j]! += value * data[r * n + j]!
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[j * n + i] = out[i * n + j]!
  return out
}

/**
 * Eigenvalues λ of the symmetric n × n `matrix` (overwritten) and, for each of `vectors` (overwritten), its coordinates vᵢ·z along the eigenvectors.
 * Householder reduction to three diagonals, then implicit QL (Golub and Van Loan, ch. 8), each rotation applied to the vectors at once: about 4/3 n³ operations.
 */
export function eigenvalues(matrix: Float64Array, n: number, vectors: readonly Float64Array[]): Float64Array {
  const diagonal = new Float64Array(n), off = new Float64Array(n)
  for (let k = 0; k < n - 2; k++) {
    let norm = 0
    for (let i = k + 1; i < n; i++) norm += matrix[i * n + k]! ** 2
    norm = Math.sqrt(norm)
    if (norm === 0) continue
    const alpha = matrix[(k + 1) * n + k]! > 0 ? -norm : norm
    const v = new Float64Array(n), p = new Float64Array(n)
    for (let i = k + 1; i < n; i++) v[i] = matrix[i * n + k]!
    v[k + 1]! -= alpha
    let length = 0
    for (let i = k + 1; i < n; i++) length += v[i]! ** 2
    if (length === 0) continue
    const scale = 2 / length
    let vp = 0
    for (let i = k; i < n; i++) {
      let sum = 0
      for (let j = k + 1, at = i * n + k + 1; j < n; j++, at++) sum += matrix[at]! * v[j]!
      p[i] = scale * sum
      vp += v[i]! * p[i]!
    }
    for (let i = k; i < n; i++) p[i]! -= (scale * vp / 2) * v[i]!
    for (let i = k; i < n; i++) {
      const vi = v[i]!, pi = p[i]!
      for (let j = k, at = i * n + k; j < n; j++, at++) matrix[at]! -= vi * p[j]! + pi * v[j]!
    }
    for (const z of vectors) {
      let sum = 0
      for (let i = k + 1; i < n; i++) sum += v[i]! * z[i]!
      for (let i = k + 1; i < n; i++) z[i]! -= scale * sum * v[i]!
    }
  }
  for (let i = 0; i < n; i++) {
    diagonal[i] = matrix[i * n + i]!
    if (i > 0) off[i - 1] = matrix[i * n + i - 1]!
  }
  rotate(diagonal, off, vectors)
  return diagonal
}

/** Implicit QL on a matrix of three diagonals; `off[i]` stands between i and i + 1. */
function rotate(d: Float64Array, e: Float64Array, vectors: readonly Float64Array[]): void {
  const n = d.length
  // Beneath this there is only rounding, of which features that depend on each other leave many values: to separate them would never end.
  const nothing = Number.EPSILON * d.reduce((most, value, i) => Math.max(most, Math.abs(value) + Math.abs(e[i] ?? 0)), 0)
  for (let l = 0; l < n; l++) {
    for (let turn = 0; ; turn++) {
      let m = l
      while (m < n - 1 && Math.abs(e[m]!) > Math.max(nothing, Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!)))) m++
      if (m === l) break
      if (turn === 60) throw new ModelError('Cannot find the eigenvalues of the features: the iteration does not settle. Check the features for numbers that are far too large.')
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!), r = Math.hypot(g, 1)
      g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r))
      let s = 1, c = 1, p = 0, i = m - 1
      for (; i >= l; i--) {
        const f = s * e[i]!, b = c * e[i]!
        e[i + 1] = r = Math.hypot(f, g)
        if (r === 0) {
          d[i + 1]! -= p
          e[m] = 0
          break
        }
        s = f / r
        c = g / r
        g = d[i + 1]! - p
        r = (d[i]! - g) * s + 2 * c * b
        p = s * r
        d[i + 1] = g + p
        g = c * r - b
        for (const z of vectors) {
          const high = z[i + 1]!, low = z[i]!
          z[i + 1] = s * low + c * high
          z[i] = c * low - s * high
        }
      }
      if (r === 0 && i >= l) continue
      d[l]! -= p
      e[l] = g
      e[m] = 0
    }
  }
}
