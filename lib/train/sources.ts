// Where a step's inputs come from: batches of a split, or features of the frozen backbone that were computed once.
import * as tf from '@tensorflow/tfjs'
import { disposeBatch, type AugmentOptions, type Batch, type Split } from '../data/index.js'
import { recordFunction, type TensorMap } from '../engine/index.js'
import type { Model } from '../models/index.js'
import { concat } from './concat.js'
import { randomNumbers } from './random.js'
import type { Team } from './team.js'

export interface StepBatch {
  /** What the model's forward (or head) takes. */
  inputs: TensorMap
  labels: tf.Tensor
  weights: tf.Tensor
  mixed?: { labels: tf.Tensor; share: tf.Tensor }
  /** Real rows, and those of the whole step, when this is one worker's share of it. */
  size: number
  all: number
  /** Which rows of the split the real ones are; absent where the source's rows are nobody's (features, kept examples). */
  rows?: readonly number[]
  dispose(): void
}

export interface BatchOrder { batchSize: number; shuffle?: { seed: number; epoch: number }; byLength?: boolean; augment?: AugmentOptions }

export interface Source {
  rows: number
  /** All values of a source of features, row after row. */
  stored?: { features: Float32Array; labels: Int32Array | Float32Array; weights: Float32Array }
  batches(order: BatchOrder): AsyncIterable<StepBatch>
}

/** The part of a batch or split that this room needs, whatever its rows are. */
type AnySplit = Pick<Split<any>, 'size' | 'batches' | 'rows'>

export type Share = { index: number; of: number } | undefined

/** @param share which part of every batch, for one of several workers @param count how much a row counts */
export function splitSource(split: AnySplit, model: Model, share?: Share, count?: (row: any) => number): Source {
  return {
    rows: split.size,
    async *batches(order) {
      for await (const batch of split.batches({ ...order, preprocessing: model.preprocessing, ...(share ? { share } : {}) })) {
        const { inputs, labels, size, all, rows, mixed } = batch, weights = count ? counted(batch, split.rows, count) : batch.weights
        yield { inputs, labels, weights, size, all, rows, ...(mixed ? { mixed } : {}), dispose: () => { disposeBatch(batch); if (count) weights.dispose() } }
      }
    },
  }
}

function counted({ weights, rows }: Batch, records: readonly object[], count: (row: any) => number): tf.Tensor {
  const values = weights.dataSync().slice()
  rows.forEach((row, place) => { values[place]! *= count(records[row]!) })
  return tf.tensor1d(values as Float32Array)
}

interface Stored { inputs: Record<string, { data: Float32Array | Int32Array; row: number[]; type: 'float32' | 'int32' }>; labels: { data: Float32Array | Int32Array; row: number[]; type: 'float32' | 'int32' }; weights: Float32Array }

/** Most bytes that are kept of examples or features. */
export const mostKept = 512 * 2 ** 20

/** Everything that a source gives without augmentation, kept in memory, rows of like length together; undefined when `aborted` says so in between. */
export async function keep(source: Source, batchSize: number, aborted: () => boolean, transform?: (inputs: TensorMap) => Promise<TensorMap>, team?: Team): Promise<Source | undefined> {
  const blocks: Block[] = []
  try {
    for await (const batch of source.batches({ batchSize, byLength: true })) {
      const inputs = transform ? await transform(batch.inputs) : Object.fromEntries(Object.entries(batch.inputs).map(([name, tensor]) => [name, tensor.clone()]))
      blocks.push({ inputs, labels: batch.labels.clone(), weights: batch.weights.clone(), size: batch.size })
      batch.dispose()
      if (aborted()) return undefined
    }
    if (!alike(blocks)) return keptBatches(blocks, source.rows)
    const own = collect(blocks)
    return team?.workers ? storedSource(await ofAll(own, team), (await team.workers.sum(Float32Array.of(source.rows)))[0]!, team.share) : storedSource(own, source.rows)
  } finally {
    for (const block of blocks) tf.dispose([block.inputs, block.labels, block.weights])
  }
}

interface Block { inputs: TensorMap; labels: tf.Tensor; weights: tf.Tensor; size: number }

/** Whether all batches have rows of the same shapes, one in each input; texts of different lengths have not, and pairs for encoders have two. */
function alike(blocks: readonly Block[]): boolean {
  const shapes = ({ inputs, labels }: Block) => [...Object.values(inputs), labels].map(({ shape }) => shape.slice(1).join()).join(' ')
  const single = ({ inputs, labels }: Block) => Object.values(inputs).every(({ shape }) => shape[0] === labels.shape[0])
  return blocks.every((block) => shapes(block) === shapes(blocks[0]!) && single(block))
}

/** The batches as they came, in their order. */
function keptBatches(blocks: readonly Block[], rows: number): Source {
  const save = (tensor: tf.Tensor) => ({ data: tensor.dataSync().slice() as Float32Array | Int32Array, shape: tensor.shape, type: tensor.dtype as 'float32' | 'int32' })
  const kept = blocks.map(({ inputs, labels, weights, size }) => ({ inputs: Object.entries(inputs).map(([name, tensor]) => [name, save(tensor)] as const), labels: save(labels), weights: save(weights), size }))
  const make = ({ data, shape, type }: ReturnType<typeof save>) => tf.tensor(data, shape, type)
  return {
    rows,
    async *batches() {
      for (const one of kept) {
        const batch = { inputs: Object.fromEntries(one.inputs.map(([name, saved]) => [name, make(saved)])), labels: make(one.labels), weights: make(one.weights) }
        yield { ...batch, size: one.size, all: one.size, dispose: () => { tf.dispose([batch.inputs, batch.labels, batch.weights]) } }
      }
    },
  }
}

function collect(blocks: readonly Block[]): Stored {
  const join = (tensors: readonly tf.Tensor[]) => {
    const first = tensors[0]!, row = first.shape.slice(1), width = row.reduce((a, b) => a * b, 1)
    const rows = blocks.reduce((sum, { size }) => sum + size, 0)
    const type = first.dtype === 'int32' ? 'int32' as const : 'float32' as const
    const data = type === 'int32' ? new Int32Array(rows * width) : new Float32Array(rows * width)
    let at = 0
    tensors.forEach((tensor, i) => {
      const values = tensor.dataSync() as Float32Array | Int32Array
      data.set(values.subarray(0, blocks[i]!.size * width), at)
      at += blocks[i]!.size * width
    })
    return { data, row, type }
  }
  return {
    inputs: Object.fromEntries(Object.keys(blocks[0]!.inputs).map((name) => [name, join(blocks.map(({ inputs }) => inputs[name]!))])),
    labels: join(blocks.map(({ labels }) => labels)),
    weights: join(blocks.map(({ weights }) => weights)).data as Float32Array,
  }
}

/** The rows of all workers, in the order of the workers. */
async function ofAll({ inputs, labels, weights }: Stored, team: Team): Promise<Stored> {
  const join = async <T extends Float32Array | Int32Array>(values: T) => {
    const all = concat(await team.workers!.gather(values instanceof Float32Array ? values : Float32Array.from(values)))
    return (values instanceof Int32Array ? Int32Array.from(all) : all) as T
  }
  const joined = async ({ data, ...rest }: Stored['labels']) => ({ ...rest, data: await join(data) })
  const names = Object.keys(inputs).sort(), whole: Stored['inputs'] = {}
  for (const name of names) whole[name] = await joined(inputs[name]!)
  return { inputs: whole, labels: await joined(labels), weights: await join(weights) }
}

function storedSource({ inputs, labels, weights }: Stored, rows: number, share?: Share): Source {
  const features = inputs['features']
  return {
    rows,
    ...(features ? { stored: { features: features.data as Float32Array, labels: labels.data as Int32Array | Float32Array, weights } } : {}),
    async *batches({ batchSize, shuffle }) {
      const order = shuffle ? shuffled(rows, randomNumbers(shuffle.seed, shuffle.epoch)) : Int32Array.from({ length: rows }, (_, i) => i)
      // In training every worker takes its part of each batch; what is only read (no shuffle) each reads whole.
      const size = share && shuffle ? batchSize / share.of : batchSize, offset = share && shuffle ? share.index * size : 0
      for (let from = 0; from < rows; from += batchSize) {
        const all = order.subarray(from, from + batchSize), picked = all.subarray(offset, offset + size)
        const take = ({ data, row, type }: Stored['labels']) => {
          const width = row.reduce((a, b) => a * b, 1)
          const block = type === 'int32' ? new Int32Array(size * width) : new Float32Array(size * width)
          picked.forEach((id, place) => block.set(data.subarray(id * width, (id + 1) * width), place * width))
          return tf.tensor(block, [size, ...row], type)
        }
        const batch = { inputs: Object.fromEntries(Object.entries(inputs).map(([name, stored]) => [name, take(stored)])), labels: take(labels), weights: take({ data: weights, row: [], type: 'float32' }) }
        yield { ...batch, size: picked.length, all: all.length, dispose: () => { tf.dispose([batch.inputs, batch.labels, batch.weights]) } }
      }
    },
  }
}

function shuffled(count: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1)), other = order[j]!
    order[j] = order[i]!
    order[i] = other
  }
  return order
}

/** Features of the backbone for all rows of a source, as a source of `{ features }`. A team's workers each compute those of their own source, and have them all. */
export async function featureSource(model: Model, source: Source, batchSize: number, aborted: () => boolean, team?: Team): Promise<Source | undefined> {
  const compute = recordFunction((inputs) => ({ features: model.features(inputs) }), { variables: Object.values(model.weights()) })
  try {
    return await keep(source, batchSize, aborted, (inputs) => compute.runAsync(inputs), team)
  } finally { compute.dispose() }
}
