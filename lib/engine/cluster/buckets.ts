// The gradients of a step as sums over all workers: fused into buckets, so that a network's hundreds of small tensors travel as a few large ones.
import { DType } from '../dtypes.js'
import type { OpWriter } from '../writer.js'
import { groupKey, type Workers } from './workers.js'

/** Numbers in one bucket: 4 MiB travel well, and the last layers' gradients leave while the first layers' are computed. */
const bucketSize = 1 << 20

/** Writes CollectiveReduceV2: the sum over all workers. */
export function sumOver<Ref>(writer: OpWriter<Ref>, workers: Workers, value: Ref, key: number, after: readonly Ref[] = []): Ref {
  const scalar = (number: number) => writer.constant([number], [], DType.int32)
  const attributes = Object.fromEntries(workers.reduceAttributes().map(({ name, value: of }) => [name, of as number | string]))
  return writer.op('CollectiveReduceV2', [value, scalar(workers.size), scalar(groupKey), scalar(key), []], attributes, after)[0]!
}

interface Shaped<Ref> { ref: Ref; shape: readonly number[] }

export interface Local<Ref> {
  /** Of weight · loss. */
  gradients: readonly Shaped<Ref>[]
  /** New values of variables that every worker assigned for itself; all get their mean. */
  state: readonly Shaped<Ref>[]
  /** The mean over this worker's rows, and what they weigh: the sum of the weights of that mean. */
  loss: Ref
  weight: Ref
  /** Scalars, summed as they are. */
  totals: readonly Ref[]
  /** Two numbers, summed as they are. */
  signals: Ref
}

export interface Reduced<Ref> { gradients: Ref[]; state: Ref[]; loss: Ref; totals: Ref[]; signals: Ref }

/**
 * Of all workers' rows: the mean loss and its gradients, Σ gradient / Σ weight. All workers get the same bits.
 *
 * @param key the first key of this step's collectives
 */
export function reduceStep<Ref>(writer: OpWriter<Ref>, workers: Workers, key: number, { gradients, state, loss, weight, totals, signals }: Local<Ref>): Reduced<Ref> {
  const ints = (...values: number[]) => writer.constant(values, [values.length], DType.int32)
  const axis = writer.constant([0], [], DType.int32)
  const flat = (ref: Ref) => writer.op('Reshape', [ref, ints(-1)])[0]!
  const slice = (ref: Ref, from: number, length: number) => writer.op('Slice', [ref, ints(from), ints(length)])[0]!
  // Over NCCL every worker must start its collectives in the same order; over gRPC they may overtake each other.
  let previous: readonly Ref[] = workers.transport === 'nccl' ? gradients.map(({ ref }) => ref) : []
  const sum = (ref: Ref) => {
    const summed = sumOver(writer, workers, ref, key++, previous)
    if (workers.transport === 'nccl') previous = [summed]
    return summed
  }
  const small = sum(writer.op('ConcatV2', [[writer.op('Pack', [[weight, writer.op('Mul', [loss, weight])[0]!, ...totals]], { axis: 0 })[0]!, signals], axis])[0]!)
  const whole = writer.op('Maximum', [slice(small, 0, 1), writer.constant([1e-12], [1])])[0]!
  const scalar = (at: number) => writer.op('Reshape', [slice(small, at, 1), ints()])[0]!

  const inBuckets = (tensors: readonly Shaped<Ref>[], divisor: Ref): Ref[] => {
    const sizes = tensors.map(({ shape }) => shape.reduce((size, length) => size * length, 1)), reduced = new Array<Ref>(tensors.length)
    for (const bucket of fill(sizes)) {
      const joined = bucket.length === 1 ? flat(tensors[bucket[0]!]!.ref) : writer.op('ConcatV2', [bucket.map((i) => flat(tensors[i]!.ref)), axis])[0]!
      const mean = writer.op('Div', [sum(joined), divisor])[0]!
      let at = 0
      for (const i of bucket) {
        reduced[i] = writer.op('Reshape', [bucket.length === 1 ? mean : slice(mean, at, sizes[i]!), ints(...tensors[i]!.shape)])[0]!
        at += sizes[i]!
      }
    }
    return reduced
  }
  return {
    state: inBuckets(state, writer.constant([workers.size], [1])), gradients: inBuckets(gradients, whole),
    loss: writer.op('Reshape', [writer.op('Div', [slice(small, 1, 1), whole])[0]!, ints()])[0]!, totals: totals.map((_, i) => scalar(2 + i)), signals: slice(small, 2 + totals.length, 2),
  }
}

/** Places of the gradients by bucket, from the last variable to the first: in the order in which the backward pass makes them. */
function fill(sizes: readonly number[]): number[][] {
  const buckets: number[][] = []
  let room = 0
  for (let i = sizes.length - 1; i >= 0; i--) {
    if (sizes[i]! > room) { buckets.push([]); room = bucketSize }
    buckets.at(-1)!.push(i)
    room -= sizes[i]!
  }
  return buckets
}
