// From rows to batches of tensors: order, look-ahead, padding, weights. How a row becomes numbers is its content's business.
import * as tf from '@tensorflow/tfjs'
import { applyChange } from './augment/apply.js'
import { DataError, shown } from './errors.js'
import { permutation, randomStream } from './random.js'
import { startIfThere } from './start-engine.js'
import type { Assembled, Block, Store } from './store.js'
import type { Batch, BatchOptions, Preprocessing } from './types.js'

/** Batches that are prepared while the caller works on another one. */
const lookAhead = 2

const fits: Record<Preprocessing['kind'], string> = { image: 'images', text: 'texts', sound: 'sounds', pair: 'pairs', interaction: 'interactions' }

/** Frees the tensors of a batch. */
export function disposeBatch(batch: Batch): void {
  tf.dispose([batch.inputs, batch.labels, batch.weights, ...(batch.mixed ? [batch.mixed.labels, batch.mixed.share] : [])])
}

export function checkBatchSize(batchSize: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new DataError(`Cannot make batches: batchSize must be a whole number of at least 1, got ${shown(batchSize)}. Use for example batchSize: 16.`)
}

/** @throws DataError when the parts would not be equal */
function checkShare(batchSize: number, share: BatchOptions['share']): void {
  if (share && batchSize % share.of !== 0) throw new DataError(`Cannot share batches of ${batchSize} rows among ${share.of} workers: each takes as many rows as the others. Use batchSize: ${share.of * Math.max(1, Math.round(batchSize / share.of))}.`)
}

export async function* makeBatches(store: Store<object>, ids: Int32Array, o: BatchOptions): AsyncGenerator<Batch, void, undefined> {
  checkBatchSize(o.batchSize)
  checkShare(o.batchSize, o.share)
  if (fits[o.preprocessing.kind] !== store.kind && !(o.preprocessing.kind === 'text' && store.kind === 'pairs')) throw new DataError(`Cannot make batches of "${store.name}": its rows are ${store.kind}, the preprocessing is for ${fits[o.preprocessing.kind]}. Use a model for ${store.kind}.`)
  if (o.augment?.mixup && store.task !== 'classification') throw new DataError(`Cannot mix rows of "${store.name}": mixup is for rows of one class each, and these are for ${store.task}. Leave mixup out.`)
  const onEngine = startIfThere()
  const order = orderOf(store, ids, o)
  const starts = Array.from({ length: Math.ceil(order.length / o.batchSize) }, (_, i) => i * o.batchSize)
  const prepare = async (start: number) => {
    const all = order.slice(start, start + o.batchSize)
    const whole = o.padLast === false ? all.length : o.batchSize, size = o.share ? o.batchSize / o.share.of : whole, from = o.share ? o.share.index * size : 0
    // In training, rows of other batches fill the last one up, with weight 0: zeros would spoil the statistics of batch normalization.
    const filled = (o.shuffle && all.length < whole ? Int32Array.from({ length: whole }, (_, i) => all[i] ?? order[(i - all.length) % order.length]!) : all).slice(from, from + size)
    const rows = all.slice(from, from + size)
    const request = { ids: filled.map((row) => ids[row]!), size, preprocessing: o.preprocessing, augment: o.augment, epoch: o.shuffle?.epoch ?? 0 }
    return { rows, size, all: all.length, assembled: await store.content.assemble(request) }
  }
  const pending: ReturnType<typeof prepare>[] = []
  const enqueue = () => {
    const start = starts.shift()
    if (start === undefined) return
    const preparing = prepare(start)
    preparing.catch(() => {}) // reported when its turn comes; a caller that stops early never hears of it
    pending.push(preparing)
  }
  for (let i = 0; i <= lookAhead; i++) enqueue()
  for (let next = pending.shift(); next; next = pending.shift()) {
    const { rows, size, all, assembled } = await next
    enqueue()
    yield await toBatch(onEngine, store, ids, rows, size, all, assembled)
  }
}

function orderOf(store: Store<object>, ids: Int32Array, o: BatchOptions): Int32Array {
  const { shuffle } = o
  if (o.balanced && !shuffle) throw new DataError('Cannot draw classes equally often without a seed: balanced needs shuffle. Add shuffle: { seed: 0, epoch: 1 }.')
  const random = shuffle && randomStream(shuffle.seed, shuffle.epoch)
  const order = !random ? Int32Array.from(ids, (_, row) => row) : o.balanced ? balancedOrder(store.labels, ids, random) : permutation(ids.length, random)
  if (!store.content.arrange || !(shuffle || o.byLength)) return order
  return store.content.arrange(order.map((row) => ids[row]!), o).map((place) => order[place]!)
}

/** As many draws as rows, each class equally often; within a class all rows are used before one is used again. */
function balancedOrder(labels: Int32Array, ids: Int32Array, random: () => number): Int32Array {
  const byClass = new Map<number, number[]>()
  ids.forEach((id, row) => {
    const label = labels[id] ?? -1
    const rows = byClass.get(label)
    if (rows) rows.push(row)
    else byClass.set(label, [row])
  })
  const classes = [...byClass.values()]
  const queues: number[][] = classes.map(() => [])
  const drawn = Int32Array.from(ids, (_, i) => {
    const c = i % classes.length, rows = classes[c]!
    if (queues[c]!.length === 0) queues[c] = Array.from(permutation(rows.length, random), (place) => rows[place]!)
    return queues[c]!.pop()!
  })
  return permutation(drawn.length, random).map((place) => drawn[place]!)
}

/** Classes, numbers or, where a row may have several classes, a 1 for each; 0 where there is no row. */
function labelsOf({ task, classes, labels, several, numbers }: Store<object>, rows: readonly number[], size: number): Block {
  const width = task === 'multi-label' ? classes.length : 1
  const data = several || numbers ? new Float32Array(size * width) : new Int32Array(size)
  rows.forEach((id, place) => {
    if (several) for (const label of several[id]!) data[place * width + label] = 1
    else data[place] = numbers?.[id] ?? labels[id] ?? -1
  })
  return { data, shape: task === 'multi-label' ? [size, width] : [size] }
}

const toTensor = ({ data, shape }: Block): tf.Tensor => tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32')

const tensorsOf = (blocks: Record<string, Block>) => Object.fromEntries(Object.entries(blocks).map(([name, block]) => [name, toTensor(block)]))

async function toBatch(onEngine: boolean, store: Store<object>, ids: Int32Array, rows: Int32Array, size: number, all: number, { inputs, labels, broken, mixed, change }: Assembled): Promise<Batch> {
  const weights = new Float32Array(size).fill(1, 0, rows.length)
  for (const place of broken ?? []) weights[place] = 0
  return {
    inputs: change ? await applyChange(change.apply, tensorsOf({ ...inputs, ...change.inputs }), onEngine) : tensorsOf(inputs),
    labels: toTensor(labels ?? labelsOf(store, Array.from(rows, (row) => ids[row]!), size)),
    weights: tf.tensor1d(weights, 'float32'),
    size: rows.length,
    all,
    rows: Array.from(rows),
    ...(mixed ? { mixed: { labels: toTensor(mixed.labels), share: toTensor(mixed.share) } } : {}),
  }
}
