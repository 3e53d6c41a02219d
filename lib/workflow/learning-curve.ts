// learningCurve: how the result grows with the number of training rows, and what more of them would bring. On frozen features, so that it takes seconds.
import type { Dataset, FeatureMatrix } from '../data/index.js'
import { displaySymbol } from '../display/index.js'
import { linearProbe, type Model } from '../models/index.js'
import { figureBundle, learningCurvePlot, type Figure } from '../plots/index.js'
import { randomNumbers, TrainError } from '../train/index.js'
import { asMatrix, computeFeatures, stratifiedRows } from './features.js'
import { errorAt, lawsOf, quantile, rowsFor, type ErrorPoint, type Law } from './power-law.js'

export interface CurvePoint { rows: number; value: number; /** 95 %. */ interval: readonly [number, number] }

/** Rows to add for so many points; Infinity where no number is likely to do it. */
export interface RowsNeeded { rows: number; interval: readonly [number, number] }

export class LearningCurve {
  readonly #law: Law | undefined
  readonly #others: readonly Law[]
  readonly #deviation: number
  /** @internal */
  constructor(readonly points: readonly CurvePoint[], measured: readonly ErrorPoint[], seed = 0) {
    const fitted = measured.length < 3 ? undefined : lawsOf(measured, seed)
    this.#law = fitted?.law
    this.#others = fitted?.others ?? []
    this.#deviation = measured.at(-1)?.deviation ?? 0
  }

  /** The accuracy to expect for so many rows, and the interval in which a measurement there would lie (95 %). Undefined with fewer than three sizes. */
  at(rows: number): CurvePoint | undefined {
    if (!this.#law) return undefined
    const values = this.#others.map((law) => 1 - errorAt(law, rows)), spread = 1.96 * this.#deviation
    const middle = 1 - errorAt(this.#law, rows), [low, high] = [quantile(values, 0.025), quantile(values, 0.975)]
    const widen = (edge: number) => Math.hypot(edge - middle, spread)
    return { rows, value: middle, interval: [Math.max(0, middle - widen(Math.min(low, middle))), Math.min(1, middle + widen(Math.max(high, middle)))] }
  }

  /** For twice and four times the rows. */
  get forecast(): readonly CurvePoint[] {
    return [2, 4].flatMap((times) => this.at(times * this.points.at(-1)!.rows) ?? [])
  }

  /**
   * How many more rows would bring `points` more accuracy, in percentage points.
   * @example curve.rowsFor(2) // { rows: 350, interval: [120, 1900] }
   */
  rowsFor(points: number): RowsNeeded | undefined {
    if (!(points > 0 && points < 100)) throw new TrainError(`Cannot say how many rows are needed: points must be above 0 and below 100, got ${points}. Use for example rowsFor(2).`)
    if (!this.#law) return undefined
    const now = this.points.at(-1)!.rows, more = (law: Law) => Math.max(0, Math.round(rowsFor(law, errorAt(law, now) - points / 100) - now))
    const values = this.#others.map(more)
    return { rows: more(this.#law), interval: [quantile(values, 0.025), quantile(values, 0.975)] }
  }

  plot(): Figure { return learningCurvePlot({ metric: 'accuracy', points: this.points, forecast: this.forecast }) }

  toString(): string {
    const next = this.forecast[0]
    return `Accuracy of a linear probe: ${this.points.map(({ rows, value }) => `${rows} rows ${value.toFixed(3)}`).join(', ')}.${next ? ` With ${next.rows} rows about ${next.value.toFixed(3)} (${next.interval[0].toFixed(3)} to ${next.interval[1].toFixed(3)}). ${this.#advice()}` : ' Three sizes are needed to look ahead.'}`
  }

  /** "About N more rows for M points", for the smallest whole number of points that is worth a sentence. */
  #advice(): string {
    const points = [2, 1].find((points) => Number.isFinite(this.rowsFor(points)!.rows) && this.rowsFor(points)!.rows < 20 * this.points.at(-1)!.rows)
    if (points === undefined) return 'No reasonable number of rows is likely to bring another point: look for better labels, or a model that fits the data better.'
    const { rows, interval: [low, high] } = this.rowsFor(points)!, shown = (value: number) => Number.isFinite(value) ? Number(value.toPrecision(2)).toLocaleString('en') : 'never'
    return `About ${shown(rows)} more rows for ${points} point${points === 1 ? '' : 's'} (${shown(low)} to ${shown(high)}).`
  }

  async [displaySymbol](): Promise<Record<string, unknown>> { return { ...await figureBundle(this.plot()), 'text/plain': String(this) } }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

/** Shares of the rows that are measured, and how many random draws of each: small ones vary more and cost less. */
const shares = [[1 / 16, 6], [1 / 8, 5], [1 / 4, 4], [1 / 2, 3], [1, 1]] as const

/** At most so many rows are looked at. */
const mostRows = 2000

/**
 * Cross-validated accuracy of a linear probe on growing shares of the training rows (several draws each), and what the fitted power law
 * error = a + b · rows^−c says of more of them, with its uncertainty. Fine-tuning may do better than the probe; the shape of the curve is what counts.
 *
 * @throws TrainError for fewer than two classes, rows that have not one class each, or fewer than eight rows of one
 * @example const curve = await learningCurve(model, photos); curve.rowsFor(2)
 */
export async function learningCurve(model: Model, data: Dataset<any>, o: { seed?: number } = {}): Promise<LearningCurve> {
  if (data.classes.length < 2) throw new TrainError(`Cannot draw a learning curve for "${data.name}": it has ${data.classes.length} classes; two are the least.`)
  if (data.train.labels.length === 0) throw new TrainError(`Cannot draw a learning curve for "${data.name}": it is of accuracy on rows of one class each, and the data are for ${data.task}. Hold rows back with fineTune(model, data.filter(…), { freeze: 'backbone' }) and compare.`)
  const rows = data.train.take(stratifiedRows(data.train.labels, mostRows))
  const smallest = Math.min(...rows.counts.filter((count) => count > 0))
  if (smallest < 8) throw new TrainError(`Cannot draw a learning curve for "${data.name}": its smallest class has ${smallest} training rows, and eight are the least.`)
  return curveOf(await computeFeatures(model, rows), rows.labels, o)
}

/** The same from features `[rows, width]` that are there already, with their labels. */
export function curveOf(matrix: FeatureMatrix, labels: Int32Array, { seed = 0 }: { seed?: number } = {}): LearningCurve {
  const features = asMatrix(matrix), counts = new Map<number, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  const smallest = Math.min(...counts.values())
  const measured = shares.filter(([share]) => share * smallest >= 3).map(([share, draws]): ErrorPoint => {
    const found = Array.from({ length: draws }, (_, draw) => probe(features, labels, share, seed * 10 + draw))
    const mean = found.reduce((sum, { accuracy }) => sum + accuracy, 0) / draws
    const between = Math.sqrt(found.reduce((sum, { accuracy }) => sum + (accuracy - mean) ** 2, 0) / Math.max(1, draws - 1) / draws)
    // draws of a large share have rows in common: they count as so many as fit into all rows
    const alone = found.reduce((sum, { standardError }) => sum + standardError, 0) / draws / Math.sqrt(Math.min(draws, Math.max(1, 1 / share)))
    return { rows: Math.round(share * labels.length), error: 1 - mean, deviation: Math.max(between, alone, 1e-3) }
  })
  const points = measured.map(({ rows, error, deviation }): CurvePoint => ({ rows, value: 1 - error, interval: [Math.max(0, 1 - error - 1.96 * deviation), Math.min(1, 1 - error + 1.96 * deviation)] }))
  return new LearningCurve(points, measured, seed)
}

function probe(features: { rows: number; columns: number; data: Float64Array }, labels: Int32Array, share: number, seed: number) {
  const random = randomNumbers(seed, 3)
  const order = Array.from({ length: features.rows }, (_, i) => ({ i, at: random() })).sort((a, b) => a.at - b.at).map(({ i }) => i)
  const shuffledLabels = Int32Array.from(order, (i) => labels[i]!)
  const picked = proportional(shuffledLabels, share).map((place) => order[place]!)
  const data = new Float64Array(picked.length * features.columns)
  picked.forEach((row, at) => data.set(features.data.subarray(row * features.columns, (row + 1) * features.columns), at * features.columns))
  return linearProbe({ rows: picked.length, columns: features.columns, data }, picked.map((row) => labels[row]!), { seed })
}

/** This share of each class, so that a small sample is balanced as the whole is. */
function proportional(labels: Int32Array, share: number): number[] {
  const total = new Map<number, number>(), taken = new Map<number, number>()
  for (const label of labels) total.set(label, (total.get(label) ?? 0) + 1)
  return Array.from(labels.keys()).filter((row) => {
    const label = labels[row]!, sofar = taken.get(label) ?? 0
    if (sofar >= Math.max(2, Math.round(share * total.get(label)!))) return false
    taken.set(label, sofar + 1)
    return true
  })
}
