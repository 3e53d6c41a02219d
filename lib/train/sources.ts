// Where a step's inputs come from: batches of a split, or features of the frozen backbone that were computed once.
import * as tf from '@tensorflow/tfjs'
import { disposeBatch, type AugmentOptions, type Split } from '../data/index.js'
import { recordFunction, type TensorMap } from '../engine/index.js'
import type { Model } from '../models/index.js'
import { randomNumbers } from './random.js'

export interface StepBatch {
  /** What the model's forward (or head) takes. */
  inputs: TensorMap
  labels: tf.Tensor
  weights: tf.Tensor
  mixed?: { labels: tf.Tensor; share: tf.Tensor }
  /** Real rows. */
  size: number
  dispose(): void
}

export interface BatchOrder { batchSize: number; shuffle?: { seed: number; epoch: number }; augment?: AugmentOptions }

export interface Source {
  rows: number
  /** All values of a source of features, row after row. */
  stored?: { features: Float32Array; labels: Int32Array; weights: Float32Array }
  batches(order: BatchOrder): AsyncIterable<StepBatch>
}

/** The part of a batch or split that this room needs, whatever its rows are. */
type AnySplit = Pick<Split, 'size' | 'batches'>

export function splitSource(split: AnySplit, model: Model): Source {
  return {
    rows: split.size,
    async *batches(order) {
      for await (const batch of split.batches({ ...order, preprocessing: model.preprocessing })) {
        const { inputs, labels, weights, size, mixed } = batch
        yield { inputs, labels, weights, size, ...(mixed ? { mixed } : {}), dispose: () => disposeBatch(batch) }
      }
    },
  }
}

interface Stored { inputs: Record<string, { data: Float32Array | Int32Array; row: number[]; type: 'float32' | 'int32' }>; labels: { data: Float32Array | Int32Array; row: number[]; type: 'float32' | 'int32' }; weights: Float32Array }

/** Most bytes that are kept of examples or features. */
export const mostKept = 512 * 2 ** 20

/** Everything that a source gives without augmentation, kept in memory; undefined when `aborted` says so in between. */
export async function keep(source: Source, batchSize: number, aborted: () => boolean, transform?: (inputs: TensorMap) => Promise<TensorMap>): Promise<Source | undefined> {
  const blocks: { inputs: TensorMap; labels: tf.Tensor; weights: tf.Tensor; size: number }[] = []
  try {
    for await (const batch of source.batches({ batchSize })) {
      const inputs = transform ? await transform(batch.inputs) : Object.fromEntries(Object.entries(batch.inputs).map(([name, tensor]) => [name, tensor.clone()]))
      blocks.push({ inputs, labels: batch.labels.clone(), weights: batch.weights.clone(), size: batch.size })
      batch.dispose()
      if (aborted()) return undefined
    }
    return storedSource(collect(blocks), source.rows)
  } finally {
    for (const block of blocks) tf.dispose([block.inputs, block.labels, block.weights])
  }
}

function collect(blocks: readonly { inputs: TensorMap; labels: tf.Tensor; weights: tf.Tensor; size: number }[]): Stored {
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

function storedSource({ inputs, labels, weights }: Stored, rows: number): Source {
  const features = inputs['features']
  return {
    rows,
    ...(features ? { stored: { features: features.data as Float32Array, labels: labels.data as Int32Array, weights } } : {}),
    async *batches({ batchSize, shuffle }) {
      const order = shuffle ? shuffled(rows, randomNumbers(shuffle.seed, shuffle.epoch)) : Int32Array.from({ length: rows }, (_, i) => i)
      for (let from = 0; from < rows; from += batchSize) {
        const picked = order.subarray(from, from + batchSize)
        const take = ({ data, row, type }: Stored['labels']) => {
          const width = row.reduce((a, b) => a * b, 1)
          const block = type === 'int32' ? new Int32Array(batchSize * width) : new Float32Array(batchSize * width)
          picked.forEach((id, place) => block.set(data.subarray(id * width, (id + 1) * width), place * width))
          return tf.tensor(block, [batchSize, ...row], type)
        }
        const batch = { inputs: Object.fromEntries(Object.entries(inputs).map(([name, stored]) => [name, take(stored)])), labels: take(labels), weights: take({ data: weights, row: [], type: 'float32' }) }
        yield { ...batch, size: picked.length, dispose: () => { tf.dispose([batch.inputs, batch.labels, batch.weights]) } }
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

/** Features of the backbone for all rows of a source, as a source of `{ features }`. */
export async function featureSource(model: Model, source: Source, batchSize: number, aborted: () => boolean): Promise<Source | undefined> {
  const compute = recordFunction((inputs) => ({ features: model.features(inputs) }), { variables: Object.values(model.weights()) })
  try {
    return await keep(source, batchSize, aborted, (inputs) => compute.runAsync(inputs))
  } finally { compute.dispose() }
}
