// findBatchSize: what a row costs at each batch size, measured by steps that change nothing, and the size that follows from it.
import type { Dataset } from '../data/index.js'
import { displaySymbol, liveDisplay, session } from '../display/index.js'
import { formatBytes, type Model } from '../models/index.js'
import { figureBundle, makeFigure, type Figure } from '../plots/index.js'
import { checkFit, fitsInMemory, measureSteps, TrainError } from '../train/index.js'

export interface FindBatchSizeOptions {
  /** Default 4, 8, 16, 32 and 64, as far as the data reach. */
  sizes?: readonly number[]
  /** Steps that are timed at each size, after one that records. Default 3. */
  steps?: number
}

export interface BatchSizeRow { batchSize: number; millisecondsPerRow: number; /** Bytes, estimated. */ memory: number; fits: boolean; stepsPerEpoch: number }

export class BatchSizes {
  /**
   * @param largest the largest power of two that is expected to fit in the free memory, a fifth of it left over, and in the data
   * @internal
   */
  constructor(readonly rows: readonly BatchSizeRow[], readonly suggestion: number, readonly reason: string, readonly largest: number) {}

  /** Time per row over batch size, as a Plotly figure. */
  plot(): Figure {
    return makeFigure([{
      type: 'scatter', mode: 'lines+markers', x: this.rows.map(({ batchSize }) => String(batchSize)), y: this.rows.map(({ millisecondsPerRow }) => millisecondsPerRow),
      marker: { size: this.rows.map(({ batchSize }) => batchSize === this.suggestion ? 14 : 8) }, hovertemplate: '%{y:.1f} ms a row<extra></extra>', showlegend: false,
    }], { height: 280, title: { text: `Batch size: ${this.suggestion}` }, xaxis: { title: { text: 'rows a step' }, type: 'category' }, yaxis: { title: { text: 'milliseconds a row' }, rangemode: 'tozero' } }, String(this))
  }

  toString(): string {
    return [`Batch size ${this.suggestion}: ${this.reason}; up to ${this.largest} would fit`, ...this.rows.map(({ batchSize, millisecondsPerRow, memory, fits, stepsPerEpoch }) =>
      `${String(batchSize).padStart(5)} rows  ${millisecondsPerRow.toFixed(1).padStart(6)} ms a row  ${stepsPerEpoch} steps an epoch  ${formatBytes(memory)}${fits ? '' : ' (does not fit)'}`)].join('\n')
  }

  async [displaySymbol](): Promise<Record<string, unknown>> { return { ...await figureBundle(this.plot()), 'text/plain': String(this) } }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

/** A row may cost this much more than at the best size: smaller batches make up for it by taking more steps an epoch. */
const TOLERANCE = 1.1
/** With fewer steps than this an epoch has too few chances to learn. */
const FEWEST_STEPS = 8

/**
 * Times training steps at several batch sizes, with a learning rate of 0, so that no weight changes. Suggests the smallest size at
 * which a row costs at most a tenth more than at the best, and with which an epoch still has at least 8 steps; names the largest that fits.
 *
 * @throws TrainError when no size fits the data
 * @example
 * const sizes = await findBatchSize(model, photos)
 * fineTune(model, photos, { batchSize: sizes.suggestion })
 */
export async function findBatchSize(model: Model, data: Dataset<any>, { sizes = [4, 8, 16, 32, 64], steps = 3 }: FindBatchSizeOptions = {}): Promise<BatchSizes> {
  checkFit(model, data, {}, 'find a batch size')
  const wrong = sizes.find((size) => !Number.isSafeInteger(size) || size < 1)
  if (wrong !== undefined) throw new TrainError(`Cannot find a batch size: each must be a whole number of rows from 1, got ${wrong}.`)
  const wanted = [...new Set(sizes)].filter((size) => size <= data.train.size).sort((a, b) => a - b)
  if (wanted.length === 0) throw new TrainError(`Cannot find a batch size: "${data.name}" has ${data.train.size} training rows, fewer than ${Math.min(...sizes)}. Give smaller sizes.`)
  const live = session() ? liveDisplay() : undefined
  const rows: BatchSizeRow[] = []
  for (const batchSize of wanted) {
    live?.update(() => ({ 'text/plain': `Measuring steps of ${batchSize} rows` }))
    const { memory } = model.summary({ batchSize }), fits = fitsInMemory(model, batchSize)
    if (!fits) break
    const times = await measureSteps(model, data, batchSize, steps)
    rows.push({ batchSize, millisecondsPerRow: Math.min(...times) / batchSize, memory: memory.total, fits, stepsPerEpoch: Math.ceil(data.train.size / batchSize) })
  }
  await live?.close({ 'text/plain': `Measured ${rows.length} batch sizes.` })
  if (rows.length === 0) throw new TrainError(`Cannot find a batch size: even ${wanted[0]} rows need ${formatBytes(model.summary({ batchSize: wanted[0]! }).memory.total)}, more than is free. Use smaller pictures or a smaller model.`)
  const best = Math.min(...rows.map(({ millisecondsPerRow }) => millisecondsPerRow))
  const cheap = rows.find(({ millisecondsPerRow }) => millisecondsPerRow <= TOLERANCE * best)!
  const roomy = rows.findLast(({ batchSize, stepsPerEpoch }) => batchSize <= cheap.batchSize && stepsPerEpoch >= FEWEST_STEPS) ?? rows[0]!
  return new BatchSizes(rows, roomy.batchSize, roomy === cheap ? 'the smallest whose rows cost within a tenth of the least' : `larger ones would leave fewer than ${FEWEST_STEPS} steps in an epoch`, largestThatFits(model, data.train.size))
}

function largestThatFits(model: Model, rows: number): number {
  let size = 1
  while (2 * size <= rows && fitsInMemory(model, 2 * size)) size *= 2
  return size
}
