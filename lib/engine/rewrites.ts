// Ops of TensorFlow.js' kernels under other names, where TensorFlow's gradients or its fast kernels want it: old versions, batch
// normalization, and matrix products in bfloat16 when precision is mixed.
import { DType } from './dtypes.js'
import type { Graph, Node } from './graph.js'
import type { Entry } from './tape.js'

export interface RewriteContext {
  mixed: boolean
  /** The entry that made a tensor. */
  producer: ReadonlyMap<number, Entry>
  where: Map<number, Node>
}

type Rewrite = (graph: Graph, entry: Entry, inputs: readonly Node[], context: RewriteContext) => Node[]

const attribute = (entry: Entry, name: string): unknown => entry.attributes.find((one) => one.name === name)?.value

/** Products of two float32 tensors in bfloat16, sums in float32. */
const product = (name: string): Rewrite => (graph, { attributes }, inputs, { mixed }) => {
  if (!mixed || graph.dtype(inputs[0]!) !== DType.float32) return graph.executed(name, inputs, attributes)
  const narrow = inputs.map((input) => graph.op('Cast', [input], { SrcT: DType.float32, DstT: DType.bfloat16 })[0]!)
  const [wide] = graph.executed(name, narrow, attributes.map((one) => one.name === 'T' ? { ...one, value: DType.bfloat16 } : one))
  return graph.op('Cast', [wide!], { SrcT: DType.bfloat16, DstT: DType.float32 })
}

/**
 * TensorFlow.js always normalizes with a given mean and variance. TensorFlow's gradient of that op knows none for the mean and
 * the variance. So: constants and variables → the fused op; the moments of x itself (training) → the fused training op, whose
 * variance is the unbiased one and is turned back; anything else → written out.
 */
const batchNorm: Rewrite = (graph, entry, [x, scale, offset, mean, variance], { producer, where }) => {
  const epsilon = attribute(entry, 'epsilon') as number
  const fused = (is_training: boolean, m: Node, v: Node) => graph.op('FusedBatchNormV3', [x!, scale!, offset!, m, v], { epsilon, is_training, data_format: (attribute(entry, 'data_format') as string | undefined) ?? 'NHWC' })
  const [xId, , , meanId, varianceId] = entry.inputs as [number, number, number, number, number]
  if (!producer.has(meanId) && !producer.has(varianceId)) return fused(false, mean!, variance!)
  if (areMoments(producer, xId, meanId, varianceId)) {
    const none = graph.constant([], [0])
    const [y, batchMean, unbiased] = fused(true, none, none)
    const count = entry.outputs[0]!.shape.slice(0, -1).reduce((product, length) => product * length, 1)
    where.set(meanId, batchMean!)
    where.set(varianceId, graph.op('Mul', [unbiased!, graph.constant([(count - 1) / count], [])])[0]!)
    return [y!]
  }
  const root = graph.op('Rsqrt', [graph.op('AddV2', [variance!, graph.constant([epsilon], [])])[0]!])[0]!
  const factor = graph.op('Mul', [root, scale!])[0]!
  const shift = graph.op('Sub', [offset!, graph.op('Mul', [mean!, factor])[0]!])[0]!
  return graph.op('AddV2', [graph.op('Mul', [x!, factor])[0]!, shift])
}

/** Whether mean and variance are those of tf.moments(x) over all but the last axis: Mean(x), Mean(Square(Sub(x, Reshape(mean)))). */
function areMoments(producer: ReadonlyMap<number, Entry>, x: number, mean: number, variance: number): boolean {
  const from = (id: number, op: string) => { const entry = producer.get(id); return entry?.op === op ? entry : undefined }
  const through = (id: number): number => { const entry = from(id, 'Reshape'); return entry ? through(entry.inputs[0]!) : id }
  const square = from(through(from(through(variance), 'Mean')?.inputs[0] ?? -1), 'Square')
  const sub = from(through(square?.inputs[0] ?? -1), 'Sub')
  const means = from(through(mean), 'Mean')
  return sub !== undefined && means !== undefined && sub.inputs[0] === x && through(sub.inputs[1]!) === through(mean) && means.inputs[0] === x && means.outputs[0]!.shape.length <= 4 && means.outputs[0]!.shape.reduce((size, length) => size * length, 1) === producer.get(mean)!.outputs[0]!.shape.at(-1)
}

export const rewrites: Record<string, Rewrite | undefined> = {
  FusedBatchNorm: batchNorm,
  BatchMatMul: product('BatchMatMulV2'), BatchMatMulV2: product('BatchMatMulV2'), MatMul: product('MatMul'),
  Conv2D: product('Conv2D'), DepthwiseConv2dNative: product('DepthwiseConv2dNative'),
}
