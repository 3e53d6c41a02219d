// Ops of TensorFlow.js' kernels under other names, where TensorFlow's gradients or its fast kernels want it: old versions, ops without
// a gradient in TensorFlow's C++, batch normalization, and matrix products in bfloat16 when precision is mixed.
import { AttributeKind } from './attributes.js'
import type { SyncedBatchNorm } from './cluster/index.js'
import { DType } from './dtypes.js'
import type { Graph, Node } from './graph.js'
import { areMoments, type Producers, standardized } from './moments.js'
import type { Entry } from './tape.js'

export interface RewriteContext extends Producers {
  /** The type that products are made in, where it is not the tensors' own. */
  narrow: number | undefined
  /** XLA fuses by itself, and better where it sees the formula. */
  xla: boolean
  /** Takes the place of the fused training op where several workers train together. */
  synced?: SyncedBatchNorm | undefined
  where: Map<number, Node>
  /** Resources of variables that are only looked up in, by number; what was taken from where is added to `taken`. */
  lookups?: { resources: ReadonlyMap<number, Node>; taken: Map<number, { variable: number; at: Node }> } | undefined
}

type Rewrite = (graph: Graph, entry: Entry, inputs: readonly Node[], context: RewriteContext) => Node[]

const attribute = (entry: Entry, name: string): unknown => entry.attributes.find((one) => one.name === name)?.value

/** Products of two float32 tensors in the narrow type, where there is one; sums in float32. */
const product = (name: string): Rewrite => (graph, { attributes }, inputs, { narrow: type }) => {
  if (type === undefined || graph.dtype(inputs[0]!) !== DType.float32) return graph.executed(name, inputs, attributes)
  const narrow = inputs.map((input) => graph.op('Cast', [input], { SrcT: DType.float32, DstT: type })[0]!)
  const [wide] = graph.executed(name, narrow, attributes.map((one) => one.name === 'T' ? { ...one, value: type } : one))
  return graph.op('Cast', [wide!], { SrcT: type, DstT: DType.float32 })
}

/** Matrices by MatMul, which has the faster kernel and gradient; stacks of matrices stay, unless all are multiplied by one matrix. */
const matMul: Rewrite = (graph, entry, inputs, context) => {
  const [a, b] = entry.inputs.map((id) => context.shapeOf(id)) as [readonly number[], readonly number[]]
  const [transpose_a, transpose_b] = [Boolean(attribute(entry, 'adj_x')), Boolean(attribute(entry, 'adj_y'))]
  const flat = a.length > 2 && !transpose_a
  if (b.length !== 2 || (a.length !== 2 && !flat)) return product('BatchMatMulV2')(graph, entry, inputs, context)
  const attributes = [{ name: 'T', type: AttributeKind.type, value: graph.dtype(inputs[0]!) }, ...Object.entries({ transpose_a, transpose_b }).map(([name, value]) => ({ name, type: AttributeKind.bool, value }))]
  const reshaped = (node: Node, shape: readonly number[]) => graph.op('Reshape', [node, graph.constant(shape, [shape.length], DType.int32)])[0]!
  const rows = flat ? reshaped(inputs[0]!, [-1, a.at(-1)!]) : inputs[0]!
  const [made] = product('MatMul')(graph, { ...entry, attributes }, [rows, inputs[1]!], context)
  return [flat ? reshaped(made!, entry.outputs[0]!.shape) : made!]
}

/**
 * TensorFlow.js always normalizes with a given mean and variance. TensorFlow's gradient of that op knows none for the mean and
 * the variance. So: constants and variables → the fused op; the moments of x itself (training) → the fused training op, whose
 * variance is the unbiased one and is turned back; anything else → written out.
 */
const batchNorm: Rewrite = (graph, entry, [x, scale, offset, mean, variance], context) => {
  const { producer, where, synced } = context
  const epsilon = attribute(entry, 'epsilon') as number
  const fused = (is_training: boolean, m: Node, v: Node) => graph.op('FusedBatchNormV3', [x!, scale!, offset!, m, v], { epsilon, is_training, data_format: (attribute(entry, 'data_format') as string | undefined) ?? 'NHWC' })
  const [xId, , , meanId, varianceId] = entry.inputs as [number, number, number, number, number]
  if (!producer.has(meanId) && !producer.has(varianceId)) return fused(false, mean!, variance!)
  if (where.has(entry.outputs[0]!.id)) return [where.get(entry.outputs[0]!.id)!]
  if (areMoments(context, xId, meanId, varianceId, 'all but the last')) {
    if (synced && (attribute(entry, 'data_format') ?? 'NHWC') === 'NHWC') {
      const [y, everybodysMean, everybodysVariance] = synced.forward(graph, { x: x!, scale: scale!, offset: offset!, epsilon, count: entry.outputs[0]!.shape.slice(0, -1).reduce((product, length) => product * length, 1) })
      where.set(meanId, everybodysMean)
      where.set(varianceId, everybodysVariance)
      return [y]
    }
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

/** Normalizations by the batch that can stand where their mean is first made, so that running averages use theirs: by the number of the mean. */
export function normalizedLater(entries: readonly Entry[], context: Producers): ReadonlyMap<number, Entry> {
  const found = entries.flatMap((entry) => {
    const [x, scale, offset, mean, variance] = entry.inputs as [number, number, number, number, number]
    const ready = entry.op === 'FusedBatchNorm' && !context.producer.has(scale) && !context.producer.has(offset) && areMoments(context, x, mean, variance, 'all but the last')
    return ready ? [[mean, entry] as const] : []
  })
  return new Map(found)
}

/**
 * (x − mean) · 1/√(variance + ε) over the last axis, as layer normalization writes it: TensorFlow's fused training op on rows as
 * channels does it, and its gradient, in one pass each where the ops of the formula take a dozen.
 */
const layerNorm: Rewrite = (graph, entry, inputs, context) => {
  const found = context.xla ? undefined : standardized(context, entry)
  const x = found && context.where.get(found.x)
  if (!x) return graph.executed(entry.op, inputs, entry.attributes)
  const shape = entry.outputs[0]!.shape, width = shape.at(-1)!, rows = shape.slice(0, -1).reduce((product, length) => product * length, 1)
  const reshaped = (node: Node, to: readonly number[]) => graph.op('Reshape', [node, graph.constant(to, [to.length], DType.int32)])[0]!
  const [one, zero, none] = [graph.constant(new Array<number>(rows).fill(1), [rows]), graph.constant(new Array<number>(rows).fill(0), [rows]), graph.constant([], [0])]
  const [y] = graph.op('FusedBatchNormV3', [reshaped(x, [1, rows, width, 1]), one, zero, none, none], { epsilon: found.epsilon, is_training: true, data_format: 'NCHW' })
  return [reshaped(y!, shape)]
}

/** y, with a slope that TensorFlow does not know: that of `line`, which is linear in what y depends on. */
function withSlopeOf(graph: Graph, y: Node, line: Node): Node {
  const still = (node: Node) => graph.op('StopGradient', [node])[0]!
  return graph.op('AddV2', [still(y), graph.op('Sub', [line, still(line)])[0]!])[0]!
}

/** The op's second output is the gradient of its first. */
const ctc: Rewrite = (graph, { attributes }, inputs) => {
  const [losses, slope] = graph.executed('CTCLoss', inputs, attributes)
  const line = graph.op('Sum', [graph.op('Mul', [inputs[0]!, graph.op('StopGradient', [slope!])[0]!])[0]!, graph.constant([0, 2], [2], DType.int32)], { keep_dims: false })[0]!
  return [withSlopeOf(graph, losses!, line), slope!]
}

/** The values taken again by their places: a lookup has a gradient. */
const topK: Rewrite = (graph, entry, inputs, { shapeOf }) => {
  const [values, places] = graph.executed('TopKV2', inputs, entry.attributes)
  if (graph.dtype(inputs[0]!) !== DType.float32) return [values!, places!]
  const { shape } = entry.outputs[0]!, width = shapeOf(entry.inputs[0]!).at(-1)!, rows = shape.slice(0, -1).reduce((product, length) => product * length, 1)
  const ints = (...of: number[]) => graph.constant(of, [of.length], DType.int32), int = (of: number) => graph.constant([of], [], DType.int32)
  const reshaped = (node: Node, ...to: number[]) => graph.op('Reshape', [node, ints(...to)])[0]!
  const starts = reshaped(graph.op('Range', [int(0), int(rows * width), int(width)])[0]!, rows, 1)
  const at = graph.op('AddV2', [reshaped(places!, rows, -1), starts])[0]!
  const taken = graph.op('GatherV2', [reshaped(inputs[0]!, -1), reshaped(at, -1), int(0)])[0]!
  return [graph.op('Reshape', [taken, graph.constant(shape, [shape.length], DType.int32)])[0]!, places!]
}

/** Products over 1, 2, 4 … neighbours (Hillis & Steele 1986), whose gradient is right also where a factor is 0. */
const cumprod: Rewrite = (graph, entry, inputs, { constant }) => {
  const { shape } = entry.outputs[0]!, axis = constant(entry.inputs[1]!)
  if (axis === undefined || graph.dtype(inputs[0]!) !== DType.float32) return graph.executed('Cumprod', inputs, entry.attributes)
  const at = axis < 0 ? axis + shape.length : axis, ints = (of: number[], dims = [of.length]) => graph.constant(of, dims, DType.int32)
  const turned = (node: Node) => attribute(entry, 'reverse') ? graph.op('ReverseV2', [node, ints([at])])[0]! : node
  const shifted = (node: Node, by: number) => {
    const padded = graph.op('PadV2', [node, ints(shape.flatMap((_, i) => [i === at ? by : 0, 0]), [shape.length, 2]), graph.constant([1], [])])[0]!
    return graph.op('Slice', [padded, ints(shape.map(() => 0)), ints([...shape])])[0]!
  }
  let y = turned(inputs[0]!)
  if (attribute(entry, 'exclusive')) y = shifted(y, 1)
  for (let by = 1; by < shape[at]!; by *= 2) y = graph.op('Mul', [y, shifted(y, by)])[0]!
  return [turned(y)]
}

/** Rows of a variable that is only looked up in are taken from where it is, without reading it as a whole. */
const gather: Rewrite = (graph, entry, inputs, { lookups }) => {
  const resource = lookups?.resources.get(entry.inputs[0]!)
  if (!resource) return graph.executed(entry.op, inputs, entry.attributes)
  lookups!.taken.set(entry.outputs[0]!.id, { variable: entry.inputs[0]!, at: inputs[1]! })
  return graph.op('ResourceGather', [resource, inputs[1]!], { dtype: DType.float32, batch_dims: 0, validate_indices: true })
}

export const rewrites: Record<string, Rewrite | undefined> = {
  FusedBatchNorm: batchNorm, Mul: layerNorm,
  BatchMatMul: matMul, BatchMatMulV2: matMul, MatMul: product('MatMul'),
  GatherV2: gather, CTCLoss: ctc, TopKV2: topK, Cumprod: cumprod,
  Conv2D: product('Conv2D'), DepthwiseConv2dNative: product('DepthwiseConv2dNative'),
}
