// Which dimensions matter: functional analysis of variance on a small forest (Hutter, Hoos & Leyton-Brown 2014).
import { randomNumbers } from '../../train/index.js'
import { pointOf, type Space, type Value } from './space.js'

export interface Importance { name: string; /** Share of the variance that this dimension alone explains. */ value: number; interval: readonly [number, number] }

const trees = 64, smallestLeaf = 2

interface Leaf { low: number[]; high: number[]; value: number }

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const squares = (values: readonly number[]) => { const m = mean(values); return values.reduce((sum, value) => sum + (value - m) ** 2, 0) }

/** A regression tree as its leaves: boxes of the unit cube, each with the mean of what fell into it. */
function grow(points: readonly number[][], values: readonly number[], random: () => number): Leaf[] {
  const dimensions = points[0]!.length, leaves: Leaf[] = []
  const split = (rows: readonly number[], low: number[], high: number[]): void => {
    const all = rows.map((row) => values[row]!)
    let best: { gain: number; dimension: number; at: number } | undefined
    if (rows.length >= 2 * smallestLeaf) {
      // Most of the dimensions, another choice at each split, so that no dimension hides another.
      const tried = Array.from({ length: dimensions }, (_, d) => d).filter(() => dimensions === 1 || random() < 5 / 6)
      for (const dimension of tried) {
        const sorted = [...rows].sort((a, b) => points[a]![dimension]! - points[b]![dimension]!)
        for (let i = smallestLeaf; i <= sorted.length - smallestLeaf; i++) {
          const [a, b] = [points[sorted[i - 1]!]![dimension]!, points[sorted[i]!]![dimension]!]
          if (a === b) continue
          const gain = squares(all) - squares(sorted.slice(0, i).map((row) => values[row]!)) - squares(sorted.slice(i).map((row) => values[row]!))
          if (gain > 1e-12 && (!best || gain > best.gain)) best = { gain, dimension, at: (a + b) / 2 }
        }
      }
    }
    if (!best) { leaves.push({ low, high, value: mean(all) }); return }
    const { dimension, at } = best
    const with_ = (side: number[], value: number) => side.map((old, d) => d === dimension ? value : old)
    split(rows.filter((row) => points[row]![dimension]! <= at), low, with_(high, at))
    split(rows.filter((row) => points[row]![dimension]! > at), with_(low, at), high)
  }
  split(Array.from(points, (_, row) => row), new Array<number>(dimensions).fill(0), new Array<number>(dimensions).fill(1))
  return leaves
}

const length = ({ low, high }: Leaf, d: number) => high[d]! - low[d]!
const volume = (leaf: Leaf) => leaf.low.reduce((product, _, d) => product * length(leaf, d), 1)

/** Shares of the tree's variance over the cube, by dimension. */
function shares(leaves: readonly Leaf[]): number[] {
  const whole = leaves.reduce((sum, leaf) => sum + volume(leaf) * leaf.value, 0)
  const variance = leaves.reduce((sum, leaf) => sum + volume(leaf) * (leaf.value - whole) ** 2, 0)
  return leaves[0]!.low.map((_, d) => {
    if (variance <= 0) return 0
    const cuts = [...new Set(leaves.flatMap(({ low, high }) => [low[d]!, high[d]!]))].sort((a, b) => a - b)
    let own = 0
    for (let i = 1; i < cuts.length; i++) {
      const middle = (cuts[i - 1]! + cuts[i]!) / 2
      const marginal = leaves.reduce((sum, leaf) => leaf.low[d]! <= middle && middle < leaf.high[d]! ? sum + leaf.value * volume(leaf) / length(leaf, d) : sum, 0)
      own += (cuts[i]! - cuts[i - 1]!) * (marginal - whole) ** 2
    }
    return own / variance
  })
}

/**
 * How much of the value's variance over the whole space each dimension explains by itself, highest first; what is missing to 1 are interactions and noise.
 * The interval is the middle half of the trees' answers.
 * @returns an empty list with fewer than eight trials
 */
export function importanceOf(space: Space, tried: readonly { params: Readonly<Record<string, Value>>; value: number }[], seed = 0): Importance[] {
  const known = tried.filter(({ value }) => Number.isFinite(value)), names = Object.keys(space)
  if (known.length < 8) return []
  const points = known.map(({ params }) => pointOf(space, params)), random = randomNumbers(seed, 43)
  const found = Array.from({ length: trees }, () => {
    const rows = known.map(() => Math.floor(random() * known.length))
    return shares(grow(rows.map((row) => points[row]!), rows.map((row) => known[row]!.value), random))
  })
  return names.map((name, d): Importance => {
    const each = found.map((one) => one[d]!).sort((a, b) => a - b)
    return { name, value: mean(each), interval: [each[Math.floor(trees / 4)]!, each[Math.floor(3 * trees / 4)]!] }
  }).sort((a, b) => b.value - a.value)
}
