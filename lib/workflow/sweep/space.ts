// What is searched: named dimensions, and their values as points of the unit cube, where all searches work.
import { shown, TrainError } from '../../train/index.js'

/** Numbers between two ends: evenly, or with `log` evenly in their logarithm; `integer` for whole ones. */
export interface Range { from: number; to: number; log?: boolean; integer?: boolean }
export type Value = number | string | boolean | null
/** A range, or the values to choose from. */
export type Dimension = Range | readonly Value[]
export type Space = Readonly<Record<string, Dimension>>
export type ValueOf<D extends Dimension> = D extends readonly (infer V)[] ? V : number
export type Params<S extends Space> = { -readonly [Name in keyof S]: ValueOf<S[Name]> }

export const isChoice = (dimension: Dimension): dimension is readonly Value[] => Array.isArray(dimension)

/** @throws TrainError naming the dimension that cannot be searched */
export function checkSpace(space: Space): void {
  const names = Object.keys(space ?? {})
  if (names.length === 0) throw new TrainError('Cannot sweep: the space has no dimension. Give for example { learningRate: { from: 1e-5, to: 1e-2, log: true }, batchSize: [8, 16, 32] }.')
  for (const name of names) {
    const dimension = space[name]!, wrong = (rule: string) => new TrainError(`Cannot sweep over ${name}: ${rule}, got ${shown(dimension)}.`)
    if (isChoice(dimension)) {
      if (dimension.length === 0) throw wrong('there must be at least one value to choose from')
      if (dimension.some((value) => value !== null && !['number', 'string', 'boolean'].includes(typeof value))) throw wrong('values must be numbers, texts, booleans or null, which travel to other processes')
      continue
    }
    const { from, to, log } = dimension ?? {} as Range
    if (typeof from !== 'number' || typeof to !== 'number' || !Number.isFinite(from) || !Number.isFinite(to) || to < from) throw wrong('it must be a list of values, or { from, to } with numbers from ≤ to')
    if (log && from <= 0) throw wrong('a logarithmic range must begin above 0')
  }
}

/** The value at `unit`, 0 ≤ unit < 1. */
export function valueAt(dimension: Dimension, unit: number): Value {
  if (isChoice(dimension)) return dimension[Math.min(dimension.length - 1, Math.floor(unit * dimension.length))]!
  const { from, to, log, integer } = dimension
  if (integer) {
    // Each whole number takes up as much as its neighbours (in the logarithm, where it is asked for).
    const [low, high] = [Math.ceil(from) - 0.5, Math.floor(to) + 0.5]
    const value = log ? Math.max(low, 0.5) * (high / Math.max(low, 0.5)) ** unit : low + (high - low) * unit
    return Math.min(Math.floor(to), Math.max(Math.ceil(from), Math.round(value)))
  }
  return log ? from * (to / from) ** unit : from + (to - from) * unit
}

/** The middle of the unit interval's part that stands for `value`. */
export function unitOf(dimension: Dimension, value: Value): number {
  if (isChoice(dimension)) return (dimension.indexOf(value) + 0.5) / dimension.length
  const { from, to, log, integer } = dimension, x = value as number
  if (to === from) return 0.5
  if (integer) {
    const [low, high] = [Math.ceil(from) - 0.5, Math.floor(to) + 0.5], start = Math.max(low, 0.5)
    return log ? Math.log(x / start) / Math.log(high / start) : (x - low) / (high - low)
  }
  return log ? Math.log(x / from) / Math.log(to / from) : (x - from) / (to - from)
}

export function paramsAt<S extends Space>(space: S, point: readonly number[]): Params<S> {
  return Object.fromEntries(Object.keys(space).map((name, i) => [name, valueAt(space[name]!, point[i]!)])) as Params<S>
}

export function pointOf(space: Space, params: Readonly<Record<string, Value>>): number[] {
  return Object.keys(space).map((name) => unitOf(space[name]!, params[name]!))
}
