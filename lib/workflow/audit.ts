// audit: the data room's audit of a data set, joined with what a model's features show: wrong labels, outliers, parts that differ.
import { auditFeatures, withFindings, type AuditReport, type Dataset, type FeatureMatrix, type Finding } from '../data/index.js'
import type { Model } from '../models/index.js'
import { computeFeatures } from './features.js'

/**
 * @param model gives the features; a pre-trained one that has not seen the data is best
 * @example await audit(photos, model)
 */
export async function audit(data: Dataset<any>, model?: Model): Promise<AuditReport> {
  const report = await data.audit()
  if (!model) return report
  const splits = Object.values(data.splits).filter(({ size }) => size > 0)
  const parts: FeatureMatrix[] = []
  for (const split of splits) parts.push(await computeFeatures(model, split))
  const width = parts[0]!.width, rows = parts.reduce((sum, part) => sum + part.rows, 0)
  const all = new Float32Array(rows * width)
  let at = 0
  for (const part of parts) { all.set(part.data, at); at += part.data.length }
  const labels = Int32Array.from(splits.flatMap((split) => [...split.labels])), names = splits.flatMap((split) => new Array<string>(split.size).fill(split.name))
  const whole = splits.flatMap((split) => split.rows as readonly Record<string, unknown>[])
  const { findings } = auditFeatures({ data: all, rows, width }, labels, names, { classes: data.classes, what: (row) => String(whole[row]?.['file'] ?? whole[row]?.['text'] ?? `row ${row}`).slice(0, 80) })
  return withFindings(report, findings as Finding[])
}
