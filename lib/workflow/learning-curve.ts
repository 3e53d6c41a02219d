// learningCurve: how the result grows with the number of training rows, and what more of them would bring. On frozen features, so that it takes seconds.
import type { Dataset } from '../data/index.js'
import { displaySymbol } from '../display/index.js'
import { linearProbe, type Model } from '../models/index.js'
import { figureBundle, learningCurvePlot, type Figure } from '../plots/index.js'
import { randomNumbers, TrainError } from '../train/index.js'
import { asMatrix, computeFeatures, stratifiedRows } from './features.js'

export interface CurvePoint { rows: number; value: number; interval: readonly [number, number] }

export class LearningCurve {
  constructor(readonly points: readonly CurvePoint[], readonly forecast: readonly CurvePoint[]) {}

  plot(): Figure { return learningCurvePlot({ metric: 'accuracy', points: this.points, forecast: this.forecast }) }

  toString(): string {
    const last = this.points.at(-1)!, next = this.forecast[0]
    return `Accuracy of a linear probe: ${this.points.map(({ rows, value }) => `${rows} rows ${value.toFixed(3)}`).join(', ')}.${next ? ` With ${next.rows} rows about ${next.value.toFixed(3)} (${next.interval[0].toFixed(3)} – ${next.interval[1].toFixed(3)}), ${next.value - last.value < 0.01 ? 'hardly more: look for better labels or a better model first' : 'so more data would help'}.` : ''}`
  }

  async [displaySymbol](): Promise<Record<string, unknown>> { return { ...await figureBundle(this.plot()), 'text/plain': String(this) } }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

/**
 * Cross-validated accuracy of a linear probe on growing shares of the training rows (three draws each), and a forecast for twice and four
 * times as many by the power law error = a + b · rows^−c. Fine-tuning may do better than the probe; the shape of the curve is what counts.
 *
 * @example await learningCurve(model, photos)
 */
export async function learningCurve(model: Model, data: Dataset<any>, o: { seed?: number } = {}): Promise<LearningCurve> {
  if (data.classes.length < 2) throw new TrainError(`Cannot draw a learning curve for "${data.name}": it has ${data.classes.length} classes; two are the least.`)
  const known = stratifiedRows(data.train.labels, 2000), rows = data.train.take(known)
  const smallest = Math.min(...rows.counts.filter((count) => count > 0))
  if (smallest < 8) throw new TrainError(`Cannot draw a learning curve for "${data.name}": its smallest class has ${smallest} training rows, and eight are the least.`)
  const features = asMatrix(await computeFeatures(model, rows)), labels = rows.labels
  const shares = [1 / 8, 1 / 4, 1 / 2, 1].filter((share) => share * smallest >= 4)
  const points = shares.map((share): CurvePoint => {
    const draws = Array.from({ length: share === 1 ? 1 : 3 }, (_, draw) => probe(features, labels, share, (o.seed ?? 0) * 10 + draw))
    const value = draws.reduce((sum, { accuracy }) => sum + accuracy, 0) / draws.length
    const error = Math.sqrt(draws.reduce((sum, { standardError }) => sum + standardError ** 2, 0)) / draws.length
    return { rows: Math.round(share * rows.size), value, interval: [value - error, value + error] }
  })
  return new LearningCurve(points, points.length < 3 ? [] : forecast(points, [2, 4].map((times) => times * rows.size)))
}

function probe(features: { rows: number; columns: number; data: Float64Array }, labels: Int32Array, share: number, seed: number) {
  const random = randomNumbers(seed, 3)
  const order = Array.from({ length: features.rows }, (_, i) => ({ i, at: random() })).sort((a, b) => a.at - b.at).map(({ i }) => i)
  const shuffledLabels = Int32Array.from(order, (i) => labels[i]!)
  const picked = stratifiedRows(shuffledLabels, Math.round(share * features.rows)).map((place) => order[place]!)
  const data = new Float64Array(picked.length * features.columns)
  picked.forEach((row, at) => data.set(features.data.subarray(row * features.columns, (row + 1) * features.columns), at * features.columns))
  return linearProbe({ rows: picked.length, columns: features.columns, data }, picked.map((row) => labels[row]!), { seed })
}

/** Best power law through the errors (a and c by grid, b by least squares); its interval is that of the last point, wider by the misfit. */
function forecast(points: readonly CurvePoint[], sizes: readonly number[]): CurvePoint[] {
  const errors = points.map(({ value }) => 1 - value)
  let best = { misfit: Infinity, a: 0, b: 0, c: 0.5 }
  for (let a = 0; a < Math.min(...errors); a += Math.max(0.0025, Math.min(...errors) / 40)) for (let c = 0.1; c <= 1.5; c += 0.05) {
    const x = points.map(({ rows }) => rows ** -c)
    const b = x.reduce((sum, value, i) => sum + value * (errors[i]! - a), 0) / x.reduce((sum, value) => sum + value * value, 0)
    const misfit = x.reduce((sum, value, i) => sum + (a + b * value - errors[i]!) ** 2, 0)
    if (b >= 0 && misfit < best.misfit) best = { misfit, a, b, c }
  }
  const last = points.at(-1)!, half = (last.interval[1] - last.interval[0]) / 2 + Math.sqrt(best.misfit / points.length)
  return sizes.map((rows) => {
    const value = 1 - Math.max(0, best.a + best.b * rows ** -best.c)
    return { rows, value, interval: [Math.max(0, value - half), Math.min(1, value + half)] }
  })
}
