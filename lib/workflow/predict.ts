// predict: a model in use, on rows that have no label yet.
import { newRows, type NewRow, type Split } from '../data/index.js'
import type { Model } from '../models/index.js'
import { TrainError } from '../train/index.js'
import { predictSplit, type Prediction } from './evaluation.js'
import { translate } from './translate.js'

/**
 * What a model says of new pictures (paths, or bytes of files), texts or recordings (paths), or of the rows of a split; in their order.
 *
 * @param o `batchSize`: rows at a time, default 16
 * @throws DataError naming a file that cannot be read
 * @example
 * const model = await loadModel('file:models/ants-bees')
 * const [{ label, confidence }] = await predict(model, ['garden.jpg'])
 */
export async function predict(model: Model, rows: Split<any> | readonly NewRow[], o: { batchSize?: number } = {}): Promise<Prediction[]> {
  if (!Array.isArray(rows)) return predictSplit(model, rows as Split<any>, o.batchSize)
  if (rows.length === 0) return []
  const { kind } = model.preprocessing
  if (kind === 'interaction') throw new TrainError(`Cannot predict with ${model.family} from a list: it rates items for users. Use recommend(model, users), or predict(model, data.test).`)
  if (kind === 'pair') return (await translate(model, rows as string[], o)).map((text, row) => ({ row, text }))
  return (await predictSplit(model, await newRows(rows as NewRow[], model.preprocessing, model.classes, model.task), o.batchSize)).map(({ truth: _, ...prediction }) => prediction)
}
