// Tables that a step only looks rows up in (embeddings): their gradient is rows and numbers, not a table, and only those rows are updated.
import { DType } from './dtypes.js'
import type { Graph, Node } from './graph.js'
import type { Entry } from './tape.js'
import type { OpWriter } from './writer.js'

/** Some rows of a table, none twice, and the gradient of each. */
export interface Rows<Ref> { at: Ref; gradient: Ref }

/** The entries that look up rows of a variable, if nothing else uses it. */
export function lookupsOf(entries: readonly Entry[], variable: number, axisIsFirst: (entry: Entry) => boolean): Entry[] {
  const users = entries.filter(({ inputs }) => inputs.includes(variable))
  const looksUp = (entry: Entry) => entry.op === 'GatherV2' && entry.inputs[0] === variable && entry.inputs.lastIndexOf(variable) === 0 && axisIsFirst(entry) && !entry.attributes.some(({ name, value }) => name === 'batch_dims' && value !== 0)
  return users.length > 0 && users.every(looksUp) ? users : []
}

/** The gradients of several lookups in one table, rows that came up more than once summed. */
export function rowsOf(graph: Graph, shape: readonly number[], lookups: readonly { at: Node; gradient: Node }[]): Rows<Node> {
  const ints = (...of: number[]) => graph.constant(of, [of.length], DType.int32), first = graph.constant([0], [], DType.int32)
  const joined = (parts: Node[]) => parts.length === 1 ? parts[0]! : graph.op('ConcatV2', [parts, first])[0]!
  const at = joined(lookups.map(({ at }) => graph.op('Reshape', [at, ints(-1)])[0]!))
  const gradient = joined(lookups.map(({ gradient }) => graph.op('Reshape', [gradient, ints(-1, ...shape.slice(1))])[0]!))
  const [unique, place] = graph.op('Unique', [at], { out_idx: DType.int32 })
  const [size] = graph.op('Size', [unique!], { out_type: DType.int32 })
  const [sums] = graph.op('UnsortedSegmentSum', [gradient, place!, size!])
  return { at: unique!, gradient: sums! }
}

/** The rows whose gradient is not zero: of a whole table's gradient, or of those looked up. */
export function movedRows<Ref>(writer: OpWriter<Ref>, rank: number, gradient: Ref, at?: Ref): Rows<Ref> {
  const axes = Array.from({ length: rank - 1 }, (_, i) => i + 1)
  const moves = writer.op('Any', [writer.op('NotEqual', [gradient, writer.constant([0], [])])[0]!, writer.constant(axes, [axes.length], DType.int32)], { keep_dims: false })[0]!
  const rows = writer.op('Reshape', [writer.op('Where', [moves])[0]!, writer.constant([-1], [1], DType.int32)])[0]!
  const taken = (from: Ref) => writer.op('GatherV2', [from, rows, writer.constant([0], [], DType.int32)])[0]!
  return { at: at === undefined ? rows : taken(at), gradient: taken(gradient) }
}
