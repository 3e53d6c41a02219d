// What somebody chose to rate tells of their taste before any star does (Koren 2008): a linear map from the items of a few ratings to
// the rater's vector, learned from users who are known. Not here: what the stars add to it (adapt-users.ts).
import { solveLower, solvePositive } from './normal.js'

export interface Rated { item: number; rating: number }

/** What is needed to learn a user: an item's score is `base[item] + rows[item] · z`, where z is standard normal among the users that are known. */
export interface Tastes { count: number; width: number; base: Float32Array; rows: Float32Array }

/** The likeliest z of somebody who rated these items, whatever they thought of them. */
export type Foresee = (rated: readonly Rated[]) => Float64Array

/** So many disjoint stretches of a known user's ratings are examples of what somebody with as many ratings would show. */
const stretches = 5
/** From so many ratings on the map is the same. */
const most = 64
/** Weight of the map's own size against the examples, in times of their mean spread. */
const ridge = 0.1

/**
 * @param usual mean and covariance's factor of the known users' vectors
 * @param vectors of the known users, by name
 * @param histories what known users rated, in the order in which it is given
 * @returns undefined when no known user has a rating
 */
export function foreseer({ width, rows }: Tastes, usual: { mean: Float64Array; factor: Float64Array }, vectors: ReadonlyMap<string, Float32Array>, histories: ReadonlyMap<string, readonly Rated[]>): Foresee | undefined {
  const known = [...histories].flatMap(([user, rated]) => {
    const vector = vectors.get(user)
    return vector && rated.length > 0 ? [{ rated, z: solveLower(usual.factor, Float64Array.from(vector, (value, i) => value - usual.mean[i]!)) }] : []
  })
  if (known.length === 0) return undefined
  const maps = new Map<number, ReturnType<typeof learn>>()

  /** Mean row of the items. */
  function looks(rated: readonly Rated[]): Float64Array {
    const mean = new Float64Array(width)
    for (const { item } of rated) for (let i = 0; i < width; i++) mean[i]! += rows[item * width + i]! / rated.length
    return mean
  }

  /** Sums over the examples of `count` ratings: of what they look like, and with the z that belong to it. */
  function learn(count: number) {
    const examples = known.flatMap(({ rated, z }) => Array.from({ length: Math.max(1, Math.min(stretches, Math.floor(rated.length / count))) }, (_, at) => ({ x: looks(rated.slice(at * count, (at + 1) * count)), z })))
    const mean = new Float64Array(width), matrix = new Float64Array(width * width), both = new Float64Array(width * width)
    for (const { x } of examples) for (let i = 0; i < width; i++) mean[i]! += x[i]! / examples.length
    for (const { x, z } of examples) for (let i = 0; i < width; i++) {
      const from = x[i]! - mean[i]!
      for (let j = 0; j < width; j++) { matrix[i * width + j]! += from * (x[j]! - mean[j]!); both[i * width + j]! += from * z[j]! }
    }
    let trace = 0
    for (let i = 0; i < width; i++) trace += matrix[i * width + i]!
    for (let i = 0; i < width; i++) matrix[i * width + i]! += ridge * trace / width || 1
    return { mean, matrix, both }
  }

  return (rated) => {
    const z = new Float64Array(width), count = Math.min(rated.length, most)
    if (count === 0) return z
    const { mean, matrix, both } = maps.get(count) ?? maps.set(count, learn(count)).get(count)!
    const share = solvePositive(matrix, looks(rated).map((value, i) => value - mean[i]!))
    for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) z[j]! += share[i]! * both[i * width + j]!
    return z
  }
}
