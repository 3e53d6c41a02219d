// One candidate of a ranking: whether it fits the data and the machine, and if so what it is likely to reach, with time and memory as measured.
import * as tf from '@tensorflow/tfjs'
import type { Dataset, Split } from '../data/index.js'
import { recordFunction } from '../engine/index.js'
import { formatBytes, hScore, linearProbe, loadModel, logME, ModelError, type Model } from '../models/index.js'
import { splitSource } from '../train/index.js'
import { predictSplit } from './evaluation.js'
import { fineTune } from './fine-tune.js'

export interface CandidateOptions { batchSize: number; seed: number; imageSize?: number; licences?: readonly string[]; memory?: number; scratchSeconds: number }

export interface Candidate {
  /** What `loadModel` takes; `scratch:FAMILY` is that network without pre-training. */
  source: string
  compatible: boolean
  /** Why not, when not; else what to know. */
  reason?: string
  /** Share of right answers on rows that were held out, and its standard error. */
  accuracy: number
  standardError: number
  /** What the accuracy is of: a linear classifier on frozen features (cross-validated), or for a network without pre-training a short training, judged on a fifth of the rows. */
  evidence: 'linear probe' | 'short training'
  /** Log evidence per row of the features (You et al. 2021); NaN for a short training. */
  logME: number
  /** Undefined with fewer rows than features, and for a short training. */
  hScore?: number
  features: number
  parameters: number
  /** Licence as its package says it; undefined where it says none. */
  licence?: string
  /** Measured for the evidence, loading left out. */
  seconds: number
  /** Measured: how far the process grew while the model was loaded and its evidence gathered, in bytes. */
  peakMemory: number
  /** Estimated: bytes that a training step takes at batch 16. */
  memory: number
  /** Whether each row was answered right, by its number; absent where it was not held out. */
  right: ReadonlyMap<number, boolean>
}

const nothing = { accuracy: NaN, standardError: NaN, evidence: 'linear probe' as const, logME: NaN, features: 0, parameters: 0, seconds: NaN, peakMemory: NaN, memory: NaN, right: new Map<number, boolean>() }

const takes: Record<string, string> = { image: 'images', text: 'texts', sound: 'sounds', pair: 'pairs', interaction: 'interactions' }

/** Why the model cannot be used for these data here, cheapest reasons first; undefined when it can. */
function obstacle(model: Model, data: Dataset<any>, o: CandidateOptions): string | undefined {
  const wants = takes[model.preprocessing.kind] ?? model.preprocessing.kind
  if (wants !== data.kind) return `it takes ${wants}, and these data are ${data.kind}`
  if (o.licences && (model.licence === undefined || !o.licences.some((accepted) => accepted.toLowerCase() === model.licence!.toLowerCase()))) return `its licence is ${model.licence ?? 'not said'}, and accepted are ${o.licences.join(', ')}`
  const least = model.summary({ batchSize: 1 }), room = o.memory ?? least.available
  if (least.memory.total > room) return `training it takes ${formatBytes(least.memory.total)} even for one row at a time, and there are ${formatBytes(room)}`
  return undefined
}

/** Grows with the process; `peak` is what it grew by at most. */
class Memory {
  readonly #before = process.memoryUsage().rss
  peak = 0
  look(): void { this.peak = Math.max(this.peak, process.memoryUsage().rss - this.#before) }
}

/** Features of all rows, in their order. */
async function featuresOf(model: Model, rows: Split<any>, batchSize: number, memory: Memory): Promise<{ features: Float32Array[]; labels: number[] }> {
  const recorded = recordFunction((inputs) => ({ features: model.features(inputs) }), { variables: Object.values(model.weights()) })
  const features: Float32Array[] = [], labels: number[] = []
  try {
    for await (const batch of splitSource(rows, model).batches({ batchSize })) {
      const { features: block } = await recorded.runAsync(batch.inputs)
      const values = block!.dataSync() as Float32Array, width = block!.shape[1]!, truth = batch.labels.dataSync(), weights = batch.weights.dataSync()
      for (let row = 0; row < batch.size; row++) if (weights[row]! > 0) { features.push(values.slice(row * width, (row + 1) * width)); labels.push(truth[row]!) }
      tf.dispose(block!)
      batch.dispose()
      memory.look()
    }
    return { features, labels }
  } finally {
    recorded.dispose()
  }
}

/** Standard error of a share of n, with one answer of each kind more (Agresti and Coull 1998): not nothing where all of a few are right. */
function spread(share: number, n: number): number {
  const p = (share * n + 1) / (n + 2)
  return Math.sqrt(p * (1 - p) / (n + 2))
}

type Evidence = Pick<Candidate, 'accuracy' | 'standardError' | 'evidence' | 'logME' | 'hScore' | 'features' | 'right'>

async function probed(model: Model, rows: Split<any>, o: CandidateOptions, memory: Memory): Promise<Evidence> {
  const { features, labels } = await featuresOf(model, rows, o.batchSize, memory)
  const { accuracy, probabilities } = linearProbe(features, labels, { seed: o.seed }), score = hScore(features, labels)
  const classes = [...new Set(labels)].sort((a, b) => a - b)
  return {
    accuracy, standardError: spread(accuracy, labels.length), evidence: 'linear probe', logME: logME(features, labels).value, features: features[0]?.length ?? 0, ...(score === undefined ? {} : { hScore: score }),
    right: new Map(probabilities.map((p, row) => [row, classes[p.indexOf(Math.max(...p))] === labels[row]])),
  }
}

/** Random features say nothing of what training makes of them, so a network without pre-training is trained, for a short time. */
async function trained(model: Model, rows: Split<any>, data: Dataset<any>, o: CandidateOptions, memory: Memory): Promise<Evidence> {
  const places = new Map(rows.rows.map((row: unknown, place: number) => [row, place] as const))
  const folds = Math.max(2, Math.min(5, ...rows.counts.filter((count) => count > 0)))
  const [parts] = data.filter((row, split) => split === 'train' && places.has(row)).folds(folds, { seed: o.seed })
  // The last weights and not the best: choosing an epoch by the rows that judge it would flatter.
  const run = fineTune(model, parts!, { live: false, epochs: 20, seed: o.seed, restoreBest: false })
  const watch = setInterval(() => memory.look(), 200), stop = setTimeout(() => run.stop(), o.scratchSeconds * 1000)
  try {
    await run
  } finally {
    clearInterval(watch)
    clearTimeout(stop)
  }
  const held = parts!.validation!, answers = await predictSplit(model, held, o.batchSize)
  const right = new Map(answers.map((answer, i) => [places.get(held.rows[i])!, 'label' in answer && answer.label === answer.truth]))
  const accuracy = [...right.values()].filter(Boolean).length / right.size
  return { accuracy, standardError: spread(accuracy, right.size), evidence: 'short training', logME: NaN, features: 0, right }
}

/** @param rows the training rows that are looked at */
export async function judgeCandidate(source: string, data: Dataset<any>, rows: Split<any>, o: CandidateOptions): Promise<Candidate> {
  const memory = new Memory()
  let model: Model
  try {
    const options = { classes: data.classes, seed: o.seed, ...(o.imageSize === undefined ? {} : { imageSize: o.imageSize }) }
    model = await loadModel(source, { ...options, head: 'new' })
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    return { source, compatible: false, reason: error.message, ...nothing }
  }
  try {
    memory.look()
    const licence = model.licence === undefined ? {} : { licence: model.licence }, reason = obstacle(model, data, o)
    if (reason !== undefined) return { source, compatible: false, reason, ...nothing, ...licence }
    const { memory: step, parameters, available } = model.summary({ batchSize: 16 }), room = o.memory ?? available
    const start = performance.now()
    const evidence = source.startsWith('scratch:') ? await trained(model, rows, data, o, memory) : await probed(model, rows, o, memory)
    const seconds = (performance.now() - start) / 1000
    return {
      source, compatible: true, ...evidence, parameters, seconds, peakMemory: memory.peak, memory: step.total, ...licence,
      ...(step.total <= room ? {} : { reason: `training it in batches of 16 takes ${formatBytes(step.total)} and there are ${formatBytes(room)}: use a smaller batch` }),
    }
  } finally {
    model.dispose()
  }
}
