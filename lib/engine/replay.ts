// From a tape to a graph: only what the outputs need, under op names that TensorFlow can differentiate, with captured tensors as inputs.
import * as tf from '@tensorflow/tfjs'
import type { Backend } from './backend.js'
import { DType } from './dtypes.js'
import type { Graph, Node } from './graph.js'
import { rewrites } from './rewrites.js'
import type { Runtime } from './runtime.js'
import type { Entry } from './tape.js'

/** A tensor from outside the function that it uses: a variable (its value at each call) or a fixed tensor. */
export type Capture = { variable: tf.Variable } | { id: number }

/** Fixed tensors up to this many elements are written into the graph, where shape inference sees them. */
const smallEnough = 256

export interface ReplayOptions { mixed: boolean }

export class Replay {
  readonly captures: Capture[] = []
  readonly captureNodes: Node[] = []
  readonly #variables: Map<number, tf.Variable>

  /** @param where nodes of the tensors that are known already: inputs, trained variables, state */
  constructor(readonly graph: Graph, readonly runtime: Runtime, backend: Backend, readonly where: Map<number, Node>, readonly hostMade: ReadonlySet<number>, readonly options: ReplayOptions) {
    this.#variables = variablesById(backend)
  }

  /** The entries that lead to the wanted tensors. */
  static needed(entries: readonly Entry[], wanted: readonly number[]): Entry[] {
    const need = new Set(wanted)
    return [...entries].reverse().filter(({ inputs, outputs }) => {
      if (!outputs.some(({ id }) => need.has(id))) return false
      for (const input of inputs) need.add(input)
      return true
    }).reverse()
  }

  play(entries: readonly Entry[]): void {
    const producer = new Map(entries.flatMap((entry) => entry.outputs.map(({ id }) => [id, entry] as const)))
    const context = { ...this.options, producer, where: this.where }
    for (const entry of entries) {
      const inputs = entry.inputs.map((id) => this.node(id))
      const rewrite = rewrites[entry.op]
      const outputs = rewrite ? rewrite(this.graph, entry, inputs, context) : this.graph.executed(entry.op, inputs, entry.attributes)
      entry.outputs.forEach(({ id }, i) => this.where.set(id, outputs[i]!))
    }
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
    const shape = tensors.shapeOf(tensors.handle(id)), dtype = tensors.dtype(id)
    const variable = this.#variables.get(id)
    const small = shape.reduce((size, length) => size * length, 1) <= smallEnough || dtype === DType.string
    if (!variable && (small || this.hostMade.has(id))) return this.graph.tensor(id)
    this.captures.push(variable ? { variable } : { id: tensors.share(id) })
    const node = this.graph.input(dtype, shape)
    this.captureNodes.push(node)
    return node
  }
}

/** All living tf.Variables by the number of their value. */
function variablesById(backend: Backend): Map<number, tf.Variable> {
  const variables = (tf.engine() as unknown as { registeredVariables: Record<string, tf.Variable> }).registeredVariables
  return new Map(Object.values(variables).filter(({ isDisposed }) => !isDisposed).map((variable) => [backend.tensorMap.get(variable.dataId)?.id ?? -1, variable]))
}
