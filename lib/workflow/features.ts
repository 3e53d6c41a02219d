// Features of a model's backbone for many rows, for ranking, audits and learning curves.
import * as tf from '@tensorflow/tfjs'
import { disposeBatch, type FeatureMatrix, type Split } from '../data/index.js'
import { recordFunction } from '../engine/index.js'
import type { Model } from '../models/index.js'

/** @param onRows is told how many rows are done */
export async function computeFeatures(model: Model, split: Pick<Split<any>, 'size' | 'batches'>, o: { batchSize?: number; onRows?: (rows: number) => void } = {}): Promise<FeatureMatrix> {
  const record = recordFunction((inputs) => ({ features: model.features(inputs) }), { variables: Object.values(model.weights()) })
  let data = new Float32Array(0), width = 0, at = 0
  try {
    for await (const batch of split.batches({ batchSize: Math.min(o.batchSize ?? 32, split.size), preprocessing: model.preprocessing, byLength: true })) {
      const { features } = await record.runAsync(batch.inputs)
      width = features!.size / features!.shape[0]!
      if (data.length === 0) data = new Float32Array(split.size * width)
      const values = features!.dataSync() as Float32Array
      batch.rows.forEach((row, place) => { data.set(values.subarray(place * width, (place + 1) * width), row * width) })
      at += batch.size
      tf.dispose(features!)
      disposeBatch(batch)
      o.onRows?.(at)
    }
  } finally { record.dispose() }
  return { data, rows: split.size, width }
}

/** The same numbers in the shape that the model room's evidence takes. */
export const asMatrix = ({ data, rows, width }: FeatureMatrix) => ({ rows, columns: width, data: Float64Array.from(data) })

/** Row numbers, spread evenly over the classes, at most `most`. */
export function stratifiedRows(labels: Int32Array, most: number): number[] {
  const byClass = new Map<number, number[]>()
  labels.forEach((label, row) => { if (label >= 0) byClass.set(label, [...byClass.get(label) ?? [], row]) })
  const queues = [...byClass.values()], picked: number[] = []
  for (let turn = 0; picked.length < most && queues.some((rows) => turn < rows.length); turn++) for (const rows of queues) if (turn < rows.length && picked.length < most) picked.push(rows[turn]!)
  return picked.sort((a, b) => a - b)
}
