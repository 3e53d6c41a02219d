// From a tape to a graph: only what the outputs need, under op names that TensorFlow can differentiate, with captured tensors as inputs.
import * as tf from '@tensorflow/tfjs'
import type { Backend } from './backend.js'
import type { SyncedBatchNorm } from './cluster/index.js'
import { DType } from './dtypes.js'
import type { Graph, Node } from './graph.js'
import { normalizedLater, type RewriteContext, rewrites } from './rewrites.js'
import type { Runtime } from './runtime.js'
import type { Entry } from './tape.js'

/** A tensor from outside the function that it uses: a variable (its value at each call) or a fixed tensor. */
export type Capture = { variable: tf.Variable } | { id: number }

/** Fixed tensors up to this many elements are written into the graph, where shape inference sees them. */
const smallEnough = 256

export interface ReplayOptions { /** The type that matrices are multiplied in, where it is not their own. */ narrow: number | undefined; xla?: boolean; synced?: SyncedBatchNorm | undefined; lookups?: RewriteContext['lookups'] }

export class Replay {
  readonly captures: Capture[] = []
  readonly captureNodes: Node[] = []
  /** Fixed tensors that are written into the graph. */
  readonly constants = new Set<number>()
  readonly #variables: Map<number, tf.Variable>

  /** @param where nodes of the tensors that are known already: inputs, trained variables, state */
  constructor(readonly graph: Graph, readonly runtime: Runtime, readonly backend: Backend, readonly where: Map<number, Node>, readonly hostMade: ReadonlySet<number>, readonly options: ReplayOptions) {
    this.#variables = variablesById(backend)
  }

  /** Another replay into the same graph, from other nodes. */
  beside(where: Map<number, Node>): Replay { return new Replay(this.graph, this.runtime, this.backend, where, this.hostMade, this.options) }

  /** The entries that lead to the wanted tensors. */
  static needed(entries: readonly Entry[], wanted: readonly number[]): Entry[] {
    const need = new Set(wanted)
    return [...entries].reverse().filter(({ inputs, outputs }) => {
      if (!outputs.some(({ id }) => need.has(id))) return false
      for (const input of inputs) need.add(input)
      return true
    }).reverse()
  }

  play(recorded: readonly Entry[]): void {
    const { entries, same } = withoutIdleCasts(recorded)
    const producer = new Map(entries.flatMap((entry) => entry.outputs.map(({ id }) => [id, entry] as const)))
    const { tensors } = this.runtime
    const shapeOf = (id: number) => producer.get(id)?.outputs.find((output) => output.id === id)?.shape ?? (tensors.has(id) ? tensors.shape(id) : this.graph.shapeOf(this.where.get(id)!)!)
    const constant = (id: number) => producer.has(id) || !tensors.has(id) || tensors.lazy(id) || shapeOf(id).length ? undefined : (tensors.read(id) as Float32Array)[0]
    const context = { xla: false, ...this.options, producer, where: this.where, shapeOf, constant }
    const early = normalizedLater(entries, context)
    for (const entry of entries) {
      if (entry.outputs.every(({ id }) => this.where.has(id))) continue
      const later = entry.outputs[0] && early.get(entry.outputs[0].id)
      if (later) {
        this.where.set(later.outputs[0]!.id, rewrites[later.op]!(this.graph, later, later.inputs.slice(0, 3).map((id) => this.node(id)), context)[0]!)
        continue
      }
      const inputs = entry.inputs.map((id) => this.node(id))
      const rewrite = rewrites[entry.op]
      const outputs = rewrite ? rewrite(this.graph, entry, inputs, context) : this.graph.executed(entry.op, inputs, entry.attributes)
      entry.outputs.forEach(({ id }, i) => this.where.set(id, outputs[i]!))
    }
    for (const [id, original] of same) this.where.set(id, this.node(original))
  }

  /** The node of a tensor; what comes from outside becomes an input or a constant here. */
  node(id: number): Node {
    const known = this.where.get(id)
    if (known) return known
    const node = this.#outside(id)
    this.where.set(id, node)
    return node
  }

  #outside(id: number): Node {
    const { tensors } = this.runtime
    const shape = tensors.shape(id), dtype = tensors.dtype(id)
    const variable = this.#variables.get(id)
    const small = shape.reduce((size, length) => size * length, 1) <= smallEnough || dtype === DType.string
    if (!variable && (small || this.hostMade.has(id))) {
      this.constants.add(id)
      return this.graph.tensor(id)
    }
    this.captures.push(variable ? { variable } : { id: tensors.share(id) })
    const node = this.graph.input(dtype, shape)
    this.captureNodes.push(node)
    return node
  }
}

/** TensorFlow.js casts float32 to float32 before it sums: such a cast is left out, and what used it uses its input. */
function withoutIdleCasts(entries: readonly Entry[]): { entries: Entry[]; same: ReadonlyMap<number, number> } {
  const same = new Map<number, number>()
  const kept = entries.flatMap((entry) => {
    const inputs = entry.inputs.map((id) => same.get(id) ?? id)
    const type = (wanted: string) => entry.attributes.find(({ name }) => name === wanted)?.value
    if (entry.op !== 'Cast' || type('SrcT') !== type('DstT')) return [{ ...entry, inputs }]
    same.set(entry.outputs[0]!.id, inputs[0]!)
    return []
  })
  return { entries: kept, same }
}

/** All living tf.Variables by the number of their value. */
export function variablesById(backend: Backend): Map<number, tf.Variable> {
  const variables = (tf.engine() as unknown as { registeredVariables: Record<string, tf.Variable> }).registeredVariables
  return new Map(Object.values(variables).filter(({ isDisposed }) => !isDisposed).map((variable) => [backend.tensorMap.get(variable.dataId)?.id ?? -1, variable]))
}
