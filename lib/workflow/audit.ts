// audit: the data room's audit of a data set with a model's eyes: what it sees decides about wrong labels, strays and parts that differ.
import type { AuditReport, Dataset } from '../data/index.js'
import type { Model } from '../models/index.js'
import { computeFeatures } from './features.js'

/**
 * Copies, leaks, wrong labels, strays, imbalance, faults and parts that differ, each with its rows and what to do.
 *
 * @param model gives the features; a pre-trained one that has not seen the data is best. Without one, `data.audit()` compares
 *   rows by simple features (colours and edges, words, bands), which are quick and often enough
 * @example await audit(photos, model)
 */
export async function audit(data: Dataset<any>, model?: Model): Promise<AuditReport> {
  return data.audit(model ? { features: (split) => computeFeatures(model, split), featuresFrom: `the features of ${model.source}` } : {})
}
