// Translating texts with a model that writes.
import { pairs } from '../data/index.js'
import type { GenerateOptions, Model } from '../models/index.js'
import { readTexts, splitSource, TrainError } from '../train/index.js'

/**
 * Translates texts, in their order. Empty texts stay empty.
 *
 * @param o `beams`: 1 (default) takes the likeliest token each time, 4 or so is slower and often better; `batchSize` default 16
 * @throws TrainError when the model reads no sentence pairs
 * @example await translate(model, ['Open file', 'Restart kernel'], { beams: 4 })
 */
export async function translate(model: Model, texts: readonly string[], o: GenerateOptions & { batchSize?: number } = {}): Promise<string[]> {
  const { batchSize = 16, ...options } = o
  if (model.preprocessing.kind !== 'pair') throw new TrainError(`Cannot translate with ${model.family}: it reads ${model.preprocessing.kind}s, not sentence pairs. Load an encoder–decoder, such as loadModel(source, { task: 'sequence', target }).`)
  const wrong = texts.findIndex((text) => typeof text !== 'string')
  if (wrong >= 0) throw new TrainError(`Cannot translate: texts must be strings, and text ${wrong} is ${typeof texts[wrong]}.`)
  const order = texts.map((_, row) => row).filter((row) => texts[row]!.trim() !== '')
  const out = texts.map(() => '')
  if (order.length === 0) return out
  // The target is only there because pairs have one.
  const split = pairs.fromRows(order.map((row) => ({ source: texts[row]!, target: texts[row]! })), { split: false, name: 'texts to translate' }).train
  for await (const batch of splitSource(split, model).batches({ batchSize: Math.min(batchSize, order.length), byLength: true })) {
    try {
      const { written } = await readTexts(model, batch, undefined, options)
      written.forEach((text, place) => { out[order[batch.rows![place]!]!] = text })
    } finally { batch.dispose() }
  }
  return out
}
