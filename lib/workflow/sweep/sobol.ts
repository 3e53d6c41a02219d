// Sobol's sequence: points that fill the unit cube evenly, whatever their number.
import { randomNumbers } from '../../train/index.js'

// Degree, coefficients and first direction numbers of each dimension after the first (Joe & Kuo 2008, new-joe-kuo-6).
const directions: readonly (readonly [number, number, readonly number[]])[] = [
  [1, 0, [1]], [2, 1, [1, 3]], [3, 1, [1, 3, 1]], [3, 2, [1, 1, 1]], [4, 1, [1, 1, 3, 3]], [4, 4, [1, 3, 5, 13]], [5, 2, [1, 1, 5, 5, 17]], [5, 4, [1, 1, 5, 5, 5]],
  [5, 7, [1, 1, 7, 11, 19]], [5, 11, [1, 1, 5, 1, 1]], [5, 13, [1, 1, 1, 3, 11]], [5, 14, [1, 3, 5, 5, 31]], [6, 1, [1, 3, 3, 9, 7, 49]], [6, 13, [1, 1, 1, 15, 21, 21]],
  [6, 16, [1, 3, 1, 13, 27, 49]], [6, 19, [1, 1, 1, 15, 7, 5]], [6, 22, [1, 3, 1, 15, 13, 25]], [6, 25, [1, 1, 5, 5, 19, 61]], [7, 1, [1, 3, 7, 11, 23, 15, 103]], [7, 4, [1, 3, 7, 13, 13, 15, 69]],
]
const bits = 30

/** Most dimensions. */
export const mostDimensions = directions.length + 1

function numbersOf(dimension: number): number[] {
  if (dimension === 0) return Array.from({ length: bits }, (_, i) => 2 ** (bits - 1 - i))
  const [degree, coefficients, first] = directions[dimension - 1]!, m = [...first]
  for (let i = degree; i < bits; i++) {
    // In whole numbers below 2³⁰: m_i = 2 a₁ m_{i−1} ⊕ 2² a₂ m_{i−2} ⊕ … ⊕ 2^d m_{i−d} ⊕ m_{i−d}
    let next = BigInt(m[i - degree]!) ^ (BigInt(m[i - degree]!) << BigInt(degree))
    for (let k = 1; k < degree; k++) if ((coefficients >> (degree - 1 - k)) & 1) next ^= BigInt(m[i - k]!) << BigInt(k)
    m.push(Number(next))
  }
  return m.map((value, i) => value * 2 ** (bits - 1 - i))
}

/**
 * Point `index` (from 0) of the sequence in 1 to 21 dimensions, in the order of Antonov & Saleev 1979. A seed shifts all points alike, bit by bit,
 * which keeps how evenly they lie; without one it is the plain sequence, which begins with the origin.
 * @example sobol(2, 1) // [0.5, 0.5]
 */
export function sobol(dimensions: number, index: number, seed?: number): number[] {
  const gray = index ^ (index >>> 1), random = seed === undefined ? undefined : randomNumbers(seed, 41)
  return Array.from({ length: dimensions }, (_, dimension) => {
    const numbers = known[dimension] ??= numbersOf(dimension)
    let value = random ? Math.floor(random() * 2 ** bits) : 0
    for (let bit = 0; gray >> bit; bit++) if ((gray >> bit) & 1) value ^= numbers[bit]!
    return value / 2 ** bits
  })
}

const known: number[][] = []
