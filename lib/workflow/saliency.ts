// What a prediction rests on: for pictures the pixels whose change would move it most (SmoothGrad, Smilkov et al. 2017), for texts the tokens without
// which it would be less sure (occlusion).
import * as tf from '@tensorflow/tfjs'
import { disposeBatch, tokenizerOf, type ImagePreprocessing, type Split, type TextPreprocessing } from '../data/index.js'
import { displaySymbol } from '../display/index.js'
import type { Model } from '../models/index.js'
import { argmax, shown, softmax, TrainError } from '../train/index.js'
import { pictureOf } from './examples.js'

export class Saliency {
  /**
   * @param weights one a pixel (row after row) or a token, 0 to 1 (for tokens −1 to 1: below 0 speaks against it)
   * @internal
   */
  constructor(readonly row: number, readonly label: string, readonly confidence: number, readonly weights: readonly number[], readonly tokens: readonly string[] | undefined, readonly picture: { url: string; height: number; width: number } | undefined) {}

  toString(): string {
    const strongest = this.tokens?.map((token, i) => ({ token, weight: this.weights[i]! })).sort((a, b) => b.weight - a.weight).slice(0, 5).map(({ token, weight }) => `${token} ${weight.toFixed(2)}`)
    return `Row ${this.row}: ${this.label} (${this.confidence.toFixed(2)})${strongest ? ` rests most on ${strongest.join(', ')}` : ''}`
  }

  [displaySymbol](): Record<string, unknown> {
    const title = `<div>Row ${this.row}: <b>${escape(this.label)}</b>, ${this.confidence.toFixed(2)}</div>`
    if (this.tokens) return { 'text/html': `${title}<div style="line-height:2">${this.tokens.map((token, i) => `<span style="padding:2px 3px;border-radius:3px;background:rgba(${this.weights[i]! >= 0 ? '213,94,0' : '15,127,196'},${Math.min(0.8, Math.abs(this.weights[i]!)).toFixed(2)})">${escape(token)}</span>`).join(' ')}</div>`, 'text/plain': String(this) }
    const { url, height, width } = this.picture!, cell = (i: number) => `<rect x="${i % width}" y="${Math.floor(i / width)}" width="1" height="1" fill="#d55e00" fill-opacity="${(0.85 * this.weights[i]!).toFixed(2)}"/>`
    const heat = this.weights.map((weight, i) => weight > 0.15 ? cell(i) : '').join('')
    return { 'text/html': `${title}<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="240" height="${Math.round(240 * height / width)}"><image href="${url}" width="${width}" height="${height}"/>${heat}</svg>`, 'text/plain': String(this) }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/**
 * @param row number of a row of `split`
 * @param o `label`: the class to explain, default the predicted one; `samples`: noisy copies that are averaged for pictures, default 8
 * @throws TrainError for a row or class that is not there, and for models that classify neither pictures nor texts
 * @example await saliency(model, photos.test!, 3)
 */
export async function saliency(model: Model, split: Split<any>, row: number, o: { label?: string; samples?: number } = {}): Promise<Saliency> {
  const p = model.preprocessing
  if (model.task !== 'classification' || (p.kind !== 'image' && p.kind !== 'text')) throw new TrainError(`Cannot explain a prediction of ${model.family}: this works for models that classify pictures or texts, and it is a ${model.task} of ${p.kind}.`)
  if (!Number.isSafeInteger(row) || row < 0 || row >= split.size) throw new TrainError(`Cannot explain row ${shown(row)}: "${split.name}" has rows 0 to ${split.size - 1}.`)
  const wanted = o.label === undefined ? undefined : model.classes.indexOf(o.label)
  if (wanted === -1) throw new TrainError(`Cannot explain ${shown(o.label)}: the model's classes are ${model.classes.join(', ')}.`)
  for await (const batch of split.take([row]).batches({ batchSize: 1, preprocessing: p })) {
    try {
      const logits = tf.tidy(() => model.forward(batch.inputs, { training: false }).dataSync()), probabilities = softmax(logits)
      const label = wanted ?? argmax(probabilities), confidence = probabilities[label]!
      if (p.kind === 'image') return await ofPicture(model, batch.inputs['images']!, p, { row, label, confidence, samples: o.samples ?? 8 })
      return await ofText(model, batch.inputs, p, { row, label, confidence })
    } finally { disposeBatch(batch) }
  }
  throw new TrainError(`Cannot explain row ${row} of "${split.name}": its file cannot be read.`)
}

interface Asked { row: number; label: number; confidence: number }

async function ofPicture(model: Model, images: tf.Tensor, p: ImagePreprocessing, { row, label, confidence, samples }: Asked & { samples: number }): Promise<Saliency> {
  const weights = tf.tidy(() => {
    const slope = tf.grad((x: tf.Tensor) => tf.sum(tf.gather(model.forward({ images: x }, { training: false }), [label], 1)) as tf.Scalar)
    // Noise a tenth of the values' range, as in the paper.
    const spread = tf.mul(tf.sub(tf.max(images), tf.min(images)), samples > 1 ? 0.1 : 0)
    let sum: tf.Tensor = tf.zerosLike(images)
    for (let i = 0; i < samples; i++) sum = tf.add(sum, tf.square(slope(tf.add(images, tf.mul(spread, tf.randomNormal(images.shape, 0, 1, 'float32', i + 1))))))
    const heat = tf.sqrt(tf.max(sum, -1))
    return Array.from(tf.div(heat, tf.maximum(tf.max(heat), 1e-12)).dataSync())
  })
  return new Saliency(row, model.classes[label]!, confidence, weights, undefined, { url: await pictureOf(images.dataSync() as Float32Array, p), height: p.height, width: p.width })
}

async function ofText(model: Model, inputs: Record<string, tf.Tensor>, p: TextPreprocessing, { row, label, confidence }: Asked): Promise<Saliency> {
  const ids = Array.from(inputs['input_ids']!.dataSync()), mask = Array.from(inputs['attention_mask']!.dataSync()), length = ids.length
  const tokenizer = tokenizerOf(p.tokenizer)
  const inside = mask.flatMap((on, i) => on === 1 && !tokenizer.special.has(ids[i]!) ? [i] : []) // without marks of beginning and end
  const weights: number[] = []
  for (let from = 0; from < inside.length; from += 32) {
    const part = inside.slice(from, from + 32)
    const logits = tf.tidy(() => {
      const repeated = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tf.tile(tensor, [part.length, 1])]))
      const hidden = tf.tensor2d(part.flatMap((at) => mask.map((on, i) => i === at ? 0 : on)), [part.length, length], 'int32')
      return model.forward({ ...repeated, attention_mask: hidden }, { training: false }).dataSync()
    })
    const classes = logits.length / part.length
    part.forEach((_, i) => weights.push(confidence - softmax(logits.subarray(i * classes, (i + 1) * classes))[label]!))
  }
  return new Saliency(row, model.classes[label]!, confidence, weights, inside.map((i) => tokenizer.decode([ids[i]!])), undefined)
}
