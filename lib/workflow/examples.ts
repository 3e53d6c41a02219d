// Rows as a reader sees them: pictures as the network gets them, texts as they are.
import sharp from 'sharp'
import { disposeBatch, type Split } from '../data/index.js'
import type { Model } from '../models/index.js'

/** A picture as a data: URL, or words. */
export interface Example { picture?: string; text?: string }

const longestText = 240

/** The rows' examples, in their order. */
export async function examplesOf(model: Model, split: Split<any>, rows: readonly number[]): Promise<Example[]> {
  if (rows.length === 0) return []
  const p = model.preprocessing
  if (p.kind !== 'image') return rows.map((row) => ({ text: wordsOf(split.rows[row] as Record<string, unknown>) }))
  const examples: Example[] = []
  for await (const batch of split.take(rows).batches({ batchSize: rows.length, preprocessing: p })) {
    const pixels = batch.inputs['images']!.dataSync(), size = p.height * p.width * p.channels
    for (let row = 0; row < batch.size; row++) examples.push({ picture: await pictureOf(pixels.subarray(row * size, (row + 1) * size) as Float32Array, p) })
    disposeBatch(batch)
  }
  return examples
}

/** Network values back to a PNG. */
export async function pictureOf(values: Float32Array, { height, width, channels, scale }: { height: number; width: number; channels: 1 | 3; scale: { mean: readonly number[]; std: readonly number[] } }): Promise<string> {
  const bytes = Uint8Array.from(values, (value, i) => Math.max(0, Math.min(255, Math.round(value * (scale.std[i % channels] ?? scale.std[0]!) + (scale.mean[i % channels] ?? scale.mean[0]!)))))
  return `data:image/png;base64,${(await sharp(bytes, { raw: { width, height, channels } }).png().toBuffer()).toString('base64')}`
}

function wordsOf(row: Record<string, unknown>): string {
  const text = typeof row['text'] === 'string' ? row['text'] : Object.entries(row).filter(([, value]) => typeof value === 'string' || typeof value === 'number').map(([name, value]) => `${name}: ${String(value)}`).join(', ')
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}
