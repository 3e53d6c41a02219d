// Ratings that surprise: far from what the user usually gives and the item usually gets, by averages that never saw them.
import { permutation, randomStream } from '../random.js'

export interface Surprise { row: number; expected: number; /** Distance in robust deviations. */ score: number }

const folds = 5, rounds = 5, shrink = { user: 10, item: 5 }

/** Mean plus the user's and the item's bias, shrunk (Koren 2009), on each fold's other rows; more than 3 robust deviations away counts. */
export function surprising(users: readonly string[], items: readonly string[], ratings: Float32Array): Surprise[] {
  const rows = ratings.length
  if (rows < 100) return []
  const number = (values: readonly string[]) => { const ids = new Map<string, number>(); return { of: Int32Array.from(values, (value) => { const known = ids.get(value) ?? ids.size; ids.set(value, known); return known }), count: () => ids.size } }
  const user = number(users), item = number(items), fold = new Int32Array(rows), expected = new Float64Array(rows)
  permutation(rows, randomStream(0, rows, 13)).forEach((row, i) => { fold[row] = i % folds })
  for (let k = 0; k < folds; k++) {
    let sum = 0, count = 0
    for (let row = 0; row < rows; row++) if (fold[row] !== k) { sum += ratings[row]!; count++ }
    const mean = sum / count, b = new Float64Array(user.count()), c = new Float64Array(item.count())
    const settle = (of: Int32Array, bias: Float64Array, others: Int32Array, other: Float64Array, shrunk: number) => {
      const total = new Float64Array(bias.length), n = new Float64Array(bias.length)
      for (let row = 0; row < rows; row++) if (fold[row] !== k) { total[of[row]!]! += ratings[row]! - mean - other[others[row]!]!; n[of[row]!]!++ }
      for (let i = 0; i < bias.length; i++) bias[i] = total[i]! / (n[i]! + shrunk)
    }
    for (let round = 0; round < rounds; round++) { settle(item.of, c, user.of, b, shrink.item); settle(user.of, b, item.of, c, shrink.user) }
    for (let row = 0; row < rows; row++) if (fold[row] === k) expected[row] = mean + b[user.of[row]!]! + c[item.of[row]!]!
  }
  const distance = Float64Array.from(ratings, (rating, row) => Math.abs(rating - expected[row]!)), deviation = 1.4826 * Float64Array.from(distance).sort()[rows >> 1]!
  if (deviation === 0) return []
  return Array.from(distance.keys()).filter((row) => distance[row]! > 3 * deviation).map((row) => ({ row, expected: expected[row]!, score: distance[row]! / deviation })).sort((a, b) => b.score - a.score)
}
