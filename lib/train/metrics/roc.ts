// Metrics of scores that rank: ROC and precision–recall curves and the areas under them. Ties count half.
import type { Probabilities } from './probabilities.js'

interface Steps { scores: number[]; hits: number[]; misses: number[] }

/** Positives and negatives at or above each distinct score, from the highest score down. */
function cumulative(labels: ArrayLike<number>, scores: ArrayLike<number>): Steps {
  const order = Array.from({ length: labels.length }, (_, i) => i).filter((i) => labels[i]! >= 0).sort((a, b) => scores[b]! - scores[a]!)
  const steps: Steps = { scores: [], hits: [], misses: [] }
  let hits = 0, misses = 0
  order.forEach((i, place) => {
    if (labels[i] === 1) hits++
    else misses++
    const next = order[place + 1]
    if (next === undefined || scores[next] !== scores[i]) { steps.scores.push(scores[i]!); steps.hits.push(hits); steps.misses.push(misses) }
  })
  return steps
}

export interface RocCurve { falsePositiveRate: number[]; truePositiveRate: number[]; thresholds: number[] }

/** Points on a straight line are dropped, as scikit-learn does. NaN rates where one class is missing. */
export function rocCurve(labels: ArrayLike<number>, scores: ArrayLike<number>): RocCurve {
  const { scores: at, hits, misses } = cumulative(labels, scores)
  const keep = at.map((_, i) => i).filter((i) => i === 0 || i === at.length - 1
    || hits[i + 1]! - hits[i]! !== hits[i]! - hits[i - 1]! || misses[i + 1]! - misses[i]! !== misses[i]! - misses[i - 1]!)
  const positives = hits.at(-1) || NaN, negatives = misses.at(-1) || NaN
  return {
    falsePositiveRate: [0, ...keep.map((i) => misses[i]! / negatives)],
    truePositiveRate: [0, ...keep.map((i) => hits[i]! / positives)],
    thresholds: [Infinity, ...keep.map((i) => at[i]!)],
  }
}

/**
 * Area under the ROC curve: how often a positive row (label 1) scores above a negative one (label 0).
 * NaN where only one of the two occurs.
 * @example rocAUC([0, 1, 1], [0.2, 0.9, 0.4]) // 1
 */
export function rocAUC(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const { hits, misses } = cumulative(labels, scores)
  const positives = hits.at(-1) ?? 0, negatives = misses.at(-1) ?? 0
  if (positives === 0 || negatives === 0) return NaN
  let area = 0
  for (let i = 0; i < hits.length; i++) area += (misses[i]! - (misses[i - 1] ?? 0)) * (hits[i]! + (hits[i - 1] ?? 0)) / 2
  return area / positives / negatives
}

/** Several classes: each against the rest ('ovr'), or each pair both ways ('ovo', Hand & Till 2001); plain mean over what can be computed. */
export function rocAUCMacro(labels: ArrayLike<number>, probabilities: Probabilities, how: 'ovr' | 'ovo' = 'ovr'): number {
  const classes = probabilities[0]?.length ?? 0
  const rows = Array.from({ length: labels.length }, (_, i) => i).filter((i) => labels[i]! >= 0)
  const area = (among: number[], positive: number) => rocAUC(among.map((i) => labels[i] === positive ? 1 : 0), among.map((i) => probabilities[i]![positive]!))
  const areas: number[] = []
  for (let a = 0; a < classes; a++) {
    if (how === 'ovr') areas.push(area(rows, a))
    else for (let b = a + 1; b < classes; b++) {
      const pair = rows.filter((i) => labels[i] === a || labels[i] === b)
      areas.push((area(pair, a) + area(pair, b)) / 2)
    }
  }
  const known = areas.filter((value) => !Number.isNaN(value))
  return known.length === 0 ? NaN : known.reduce((sum, value) => sum + value, 0) / known.length
}

export interface PrecisionRecallCurve { precision: number[]; recall: number[]; thresholds: number[] }

export function precisionRecallCurve(labels: ArrayLike<number>, scores: ArrayLike<number>): PrecisionRecallCurve {
  const { scores: thresholds, hits, misses } = cumulative(labels, scores)
  const positives = hits.at(-1) || NaN
  return { precision: hits.map((hit, i) => hit / (hit + misses[i]!)), recall: hits.map((hit) => hit / positives), thresholds }
}

/** Mean precision over the steps of the recall; no interpolation. */
export function averagePrecision(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const { precision, recall } = precisionRecallCurve(labels, scores)
  return precision.reduce((sum, value, i) => sum + value * (recall[i]! - (recall[i - 1] ?? 0)), 0)
}
