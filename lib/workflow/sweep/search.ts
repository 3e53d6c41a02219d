// The next trial's parameters, by the way of searching. The same seed and the same results so far give the same parameters.
import { randomNumbers } from '../../train/index.js'
import { mostDimensions, sobol } from './sobol.js'
import { paramsAt, type Space, type Value } from './space.js'
import { suggestTPE, type Tried } from './tpe.js'

export type Search = 'random' | 'sobol' | 'tpe'

/** Trials that are spread evenly before the search looks at results. */
const before = 10

/** @param tried ended trials, best known as lower losses @param running parameters of those that are under way: nobody needs to look there too */
export function suggest(search: Search, space: Space, number: number, seed: number, tried: readonly Tried[], running: readonly Readonly<Record<string, Value>>[]): Record<string, Value> {
  const dimensions = Object.keys(space).length, random = randomNumbers(seed, 1000 + number)
  random()
  if (search === 'random' || dimensions > mostDimensions) {
    if (search !== 'tpe' || tried.length < before) return paramsAt(space, Array.from({ length: dimensions }, random))
  } else if (search === 'sobol' || tried.length < before) return paramsAt(space, sobol(dimensions, number, seed))
  const worst = Math.max(...tried.map(({ loss }) => loss))
  return paramsAt(space, suggestTPE(space, [...tried, ...running.map((params) => ({ params, loss: worst }))], random))
}
