// Texts that a model writes, and the true ones, out of the numbers of a batch.
import type * as tf from '@tensorflow/tfjs'
import { tokenizerOf, type PairPreprocessing, type SoundPreprocessing } from '../data/index.js'
import { generate, type GenerateOptions, type Model } from '../models/index.js'
import { TrainError } from './errors.js'
import type { Texts } from './objective.js'
import type { StepBatch } from './sources.js'

/** Rows of numbers of a tensor `[batch, n]`, without what is below 0. */
function rowsOf(tensor: tf.Tensor, size: number): number[][] {
  const values = tensor.dataSync(), width = tensor.size / tensor.shape[0]!
  return Array.from({ length: size }, (_, row) => Array.from(values.subarray(row * width, (row + 1) * width)).filter((value) => value >= 0))
}

/** The real rows of a batch: what the model writes (or, for speech, what `heard`, the likeliest symbol of each frame, says) and what it should. */
export async function readTexts(model: Model, batch: Pick<StepBatch, 'inputs' | 'labels' | 'size'>, heard: tf.Tensor | undefined, o: GenerateOptions = {}): Promise<Texts> {
  const p = model.preprocessing
  if (p.kind === 'pair') {
    const tokenizer = tokenizerOf(targetOf(p))
    const written = await generate(model, batch.inputs, o)
    return { written: written.slice(0, batch.size).map((ids) => tokenizer.decode(ids).trim()), truth: rowsOf(batch.labels, batch.size).map((ids) => tokenizer.decode(ids).trim()) }
  }
  if (p.kind === 'sound' && p.transcript && heard) return { written: rowsOf(heard, batch.size).map((frames) => spoken(frames, p.transcript!)), truth: rowsOf(batch.labels, batch.size).map((ids) => textOf(ids, p.transcript!)) }
  throw new TrainError(`Cannot read texts of ${model.family}: its preprocessing is for ${p.kind}s and says nothing of texts.`)
}

const targetOf = (p: PairPreprocessing) => p.target ?? p.source

type Transcript = NonNullable<SoundPreprocessing['transcript']>

/** Greedy decoding of connectionist temporal classification: frames that repeat count once, then blanks go (Graves et al. 2006). */
export const spoken = (frames: readonly number[], transcript: Transcript): string =>
  textOf(frames.filter((symbol, i) => symbol !== frames[i - 1]).filter((symbol) => symbol !== transcript.blank), transcript)

function textOf(ids: readonly number[], { symbols, space }: Transcript): string {
  return ids.map((id) => symbols[id] === space ? ' ' : symbols[id] ?? '').filter((symbol) => !/^<.*>$/.test(symbol)).join('').replace(/\s+/g, ' ').trim()
}
