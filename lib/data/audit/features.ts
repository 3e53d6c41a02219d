// The audits that compare rows by features: wrong labels, outliers, parts that do not resemble each other. Whose features they are is the caller's business.
import { DataError, shown } from '../errors.js'
import type { SparseMatrix } from '../store.js'
import type { FeatureMatrix, Finding, FindingRow } from '../types.js'
import { crossValidated, standardized } from './linear.js'
import { findLabelIssues } from './label-errors.js'
import { chooseSparse, crossValidatedSparse } from './sparse.js'

export interface AuditFeaturesOptions {
  classes: readonly string[]
  /** Name of a row for the findings. Default: its number. */
  what?: (row: number) => string
  /** Number of a row in its part. Default: parts as they follow here. */
  rowOf?: (row: number) => number
  /** What the features are. Default 'these features'. */
  from?: string
  /** How unusual each row is; default: the distance to its class. */
  oddness?: Float64Array | undefined
  /** Default 0. */
  seed?: number
}

type Features = FeatureMatrix | SparseMatrix

export interface FeatureAudit {
  findings: Finding[]
  /** Area under the ROC curve of a classifier that tells each part from training: 0.5 when they are alike. */
  separability: Record<string, number>
}

/**
 * Looks at features `[rows, width]` (as numbers in row order) with their labels and parts.
 * Label errors by confident learning on 5-fold probabilities; outliers by the mean distance to the 10 nearest rows of the same class,
 * above the third quartile plus 3 interquartile ranges; parts by the AUC of a classifier between them.
 * @throws DataError when lengths don't fit.
 */
export function auditFeatures(features: Features, labels: Int32Array, splits: readonly string[], o: AuditFeaturesOptions): FeatureAudit {
  const { rows, width } = features, data = 'data' in features ? features.data : features.values
  if (('data' in features && data.length !== rows * width) || labels.length !== rows || splits.length !== rows) throw new DataError(`Cannot audit features: ${rows} rows of ${width} numbers, labels and parts must fit, got ${data.length} numbers, ${labels.length} labels, ${splits.length} parts.`)
  const bad = data.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0) throw new DataError(`Cannot audit features: all must be finite, got ${shown(data[bad])} in row ${Math.floor(bad / width)}. Check the model or the preprocessing.`)
  const inPart = new Int32Array(rows), counts = new Map<string, number>()
  splits.forEach((split, row) => { inPart[row] = counts.get(split) ?? 0; counts.set(split, inPart[row]! + 1) })
  const place = (row: number, detail: string, score: number): FindingRow => ({ split: splits[row]!, row: o.rowOf?.(row) ?? inPart[row]!, what: o.what?.(row) ?? `row ${row}`, detail, score })
  const separability: Record<string, number> = {}
  const findings = [...labelFindings(features, labels, o, place), ...outlierFindings(features, labels, o.oddness, place), ...splitFindings(features, splits, o.seed ?? 0, separability)]
  return { findings, separability }
}

/** Real sets have 0.1 to 10 % wrong labels (Northcutt, Athalye, Mueller 2021); beyond this the features are to blame. */
const believable = 0.3

/** A label is doubted when its own class gets less than this: where classes overlap, precision is worth more than the last few finds. */
const doubted = 0.25

function labelFindings(features: Features, labels: Int32Array, o: AuditFeaturesOptions, place: (row: number, detail: string, score: number) => FindingRow): Finding[] {
  const known = Array.from(labels.keys()).filter((row) => labels[row]! >= 0)
  if (new Set(known.map((row) => labels[row])).size < 2 || known.length < 20) return []
  const chosen = choose(features, known), ids = Int32Array.from(known, (row) => labels[row]!)
  const probabilities = probabilitiesOf(chosen, ids, o.classes.length, o.seed ?? 0)
  const all = findLabelIssues(probabilities, ids, o.classes.length)
  if (all.length / known.length > believable) return [{
    check: 'label errors', severity: 'note', rows: [],
    text: `${capital(o.from ?? 'these features')} tell the classes apart too badly to judge labels: ${all.length} of ${known.length} would be doubted.`, advice: 'Audit with the features of a fine-tuned model, or of one that fits the data better.',
  }]
  const issues = all.filter(({ row, given }) => probabilities[row * o.classes.length + given]! < doubted)
  if (issues.length === 0) return []
  return [{
    check: 'label errors', severity: issues.length / known.length > 0.01 ? 'warning' : 'note', rows: issues.map(({ row, given, suggested, quality }) => place(known[row]!, `labelled ${o.classes[given]}, looks like ${o.classes[suggested]}`, quality)),
    text: `${issues.length} of ${known.length} labels (${((issues.length / known.length) * 100).toFixed(1)} %) are contradicted by a classifier on ${o.from ?? 'these features'} that never saw them.`,
    advice: 'Look at the first ones and correct those that are wrong; the model, too, may be wrong about hard examples.',
  }]
}

const capital = (text: string) => text[0]!.toUpperCase() + text.slice(1)

const probabilitiesOf = (features: Features, labels: Int32Array, classes: number, seed: number, strict = false) =>
  'data' in features ? crossValidated(features, labels, classes, { seed, ...(strict ? { strength: 10, steps: 100 } : {}) }) : crossValidatedSparse(features, labels, classes, { seed, ...(strict ? { decay: 1e-4 } : {}) })

const neighbours = 10

/** The mean distance to the nearest rows of the same class; NaN where a class is too small to say. */
function distances(features: FeatureMatrix, labels: Int32Array): Float64Array {
  const { data, rows, width } = standardized(features)
  const byClass = new Map<number, number[]>()
  labels.forEach((label, row) => { const list = byClass.get(label); if (list) list.push(row); else byClass.set(label, [row]) })
  const distance = new Float64Array(rows).fill(NaN)
  for (const members of byClass.values()) {
    const references = members.length > 200 ? members.filter((_, i) => i % Math.ceil(members.length / 200) === 0) : members
    if (references.length < 20) continue
    for (const row of members) distance[row] = meanOfNearest(data, width, row, references)
  }
  return distance
}

function outlierFindings(features: Features, labels: Int32Array, oddness: Float64Array | undefined, place: (row: number, detail: string, score: number) => FindingRow): Finding[] {
  if (!oddness && !('data' in features)) return []
  const distance = oddness ?? distances(features as FeatureMatrix, labels)
  const measured = Array.from(distance.keys()).filter((row) => !Number.isNaN(distance[row]!))
  if (measured.length < 20) return []
  const sorted = Float64Array.from(measured, (row) => distance[row]!).sort()
  const quartile = (q: number) => sorted[Math.floor(q * (sorted.length - 1))]!
  const limit = quartile(0.75) + 3 * (quartile(0.75) - quartile(0.25))
  const far = measured.filter((row) => distance[row]! > limit).sort((a, b) => distance[b]! - distance[a]!)
  const how = oddness ? 'times as unlikely, letter by letter, as usual' : 'times as far from its class as usual'
  return far.length === 0 ? [] : [{
    check: 'outliers', severity: 'note', rows: far.map((row) => place(row, `${(distance[row]! / quartile(0.5)).toFixed(1)} ${how}`, distance[row]!)),
    text: oddness ? `${far.length} ${far.length === 1 ? 'row is' : 'rows are'} written unlike all others.` : `${far.length} ${far.length === 1 ? 'row lies' : 'rows lie'} far from all others of their class.`, advice: 'Look at them: rare but right examples are worth keeping, strays are not.',
  }]
}

function meanOfNearest(data: Float32Array, width: number, row: number, references: readonly number[]): number {
  const nearest: number[] = []
  for (const other of references) {
    if (other === row) continue
    let sum = 0
    for (let i = 0, a = row * width, b = other * width; i < width; i++) sum += (data[a + i]! - data[b + i]!) ** 2
    if (nearest.length < neighbours || sum < nearest.at(-1)!) {
      nearest.push(sum)
      nearest.sort((a, b) => a - b)
      if (nearest.length > neighbours) nearest.pop()
    }
  }
  return nearest.reduce((sum, value) => sum + Math.sqrt(value), 0) / Math.max(1, nearest.length)
}

/** Above this a part is called different from training; 0.5 is chance. */
const separable = 0.7

function splitFindings(features: Features, splits: readonly string[], seed: number, separability: Record<string, number>): Finding[] {
  return [...new Set(splits)].filter((split) => split !== 'train').flatMap((split): Finding[] => {
    const rows = Array.from(splits.keys()).filter((row) => splits[row] === 'train' || splits[row] === split)
    const ids = Int32Array.from(rows, (row) => splits[row] === split ? 1 : 0), positives = ids.reduce((sum, id) => sum + id, 0)
    if (positives < 20 || rows.length - positives < 20) return []
    const auc = rocArea(probabilitiesOf(choose(features, rows), ids, 2, seed, true), ids)
    separability[split] = auc
    return auc < separable ? [] : [{
      check: 'non-representative split', severity: auc >= 0.85 ? 'error' : 'warning', rows: [],
      text: `A classifier tells "${split}" from training with an area under the curve of ${auc.toFixed(2)} (0.50 is chance): the two do not hold the same kind of data.`,
      advice: 'Split again at random (with group, if rows belong together), unless the difference is what you want to test; then expect lower scores.',
    }]
  })
}

const choose = (features: Features, rows: readonly number[]): Features => {
  if (!('data' in features)) return chooseSparse(features, rows)
  const { data, width } = features
  const out = new Float32Array(rows.length * width)
  rows.forEach((row, i) => out.set(data.subarray(row * width, (row + 1) * width), i * width))
  return { data: out, rows: rows.length, width }
}

/** Area under the ROC curve of column 1 of `[rows, 2]`, ties counted half. */
function rocArea(probabilities: Float32Array, ids: Int32Array): number {
  const order = Array.from(ids.keys()).sort((a, b) => probabilities[a * 2 + 1]! - probabilities[b * 2 + 1]!)
  let rankSum = 0, positives = 0
  for (let i = 0; i < order.length;) {
    let end = i
    while (end < order.length && probabilities[order[end]! * 2 + 1] === probabilities[order[i]! * 2 + 1]) end++
    for (let k = i; k < end; k++) if (ids[order[k]!] === 1) { rankSum += (i + end + 1) / 2; positives++ }
    i = end
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (ids.length - positives))
}
