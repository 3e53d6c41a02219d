// Runs ops by their shapes alone: TensorFlow's shape inference in a graph that is never run. So a recording learns what a function does
// without the time and the memory of doing it, and its values come later, op by op, each let go after its last use.
import type { Attribute } from './attributes.js'
import { DType } from './dtypes.js'
import { EngineError } from './errors.js'
import { Graph, type Node } from './graph.js'
import { Replay } from './replay.js'
import type { ByShape, Runtime, TensorMetadata } from './runtime.js'
import type { Entry } from './tape.js'
import type { LazyHandle } from './tensors.js'

/** Tensors up to this many elements are known by value: shapes, axes, sizes. */
const smallEnough = 256

/** A tensor that has a shape and no values. */
class Shape implements LazyHandle {
  readonly resource = -1
  constructor(readonly shape: readonly number[], readonly dtype: number) {}
  read(): never { throw new EngineError('Cannot read a tensor while a function is recorded by its shapes: it has no values yet.') }
  release(): void {}
}

export class Shapes implements ByShape {
  readonly #graph: Graph
  readonly #nodes = new Map<number, Node>()

  constructor(readonly runtime: Runtime) { this.#graph = new Graph(runtime) }

  execute(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): TensorMetadata[] {
    const { tensors } = this.runtime
    const made = this.#graph.executed(name, inputs.map((id) => this.#node(id)), attributes)
    return made.slice(0, outputs).map((node) => {
      const shape = this.#graph.shapeOf(node), dtype = this.#graph.dtype(node)
      if (!shape) throw new EngineError(`Cannot tell the shape of what ${name} makes before it runs.`, { op: name })
      const id = tensors.addLazy(new Shape(shape, dtype))
      this.#nodes.set(id, node)
      return { id, shape, dtype }
    })
  }

  #node(id: number): Node {
    const known = this.#nodes.get(id)
    if (known) return known
    const { tensors } = this.runtime, shape = tensors.shape(id), dtype = tensors.dtype(id)
    const small = !tensors.lazy(id) && dtype !== DType.resource && shape.reduce((size, length) => size * length, 1) <= smallEnough
    const node = small ? this.#graph.tensor(id) : this.#graph.input(dtype, shape)
    this.#nodes.set(id, node)
    return node
  }

  dispose(): void {
    this.#nodes.clear()
    this.#graph.dispose()
  }
}

/**
 * The values of the wanted tensors, op by op from the entries that lead to them.
 * @returns numbers of tensors, in order; the caller deletes them
 */
export function evaluate(runtime: Runtime, recorded: readonly Entry[], wanted: readonly number[]): number[] {
  const { tensors } = runtime, entries = Replay.needed(recorded, wanted), kept = new Set(wanted), made = new Map<number, number>(), lastUse = new Map<number, number>()
  entries.forEach(({ inputs, outputs }, i) => { for (const id of [...inputs, ...outputs.map(({ id }) => id)]) lastUse.set(id, i) })
  try {
    entries.forEach(({ op, attributes, inputs, outputs }, i) => {
      const results = runtime.run(op, attributes, inputs.map((id) => made.get(id) ?? id), outputs.length)
      outputs.forEach(({ id }, k) => made.set(id, results[k]!.id))
      for (const id of new Set([...inputs, ...outputs.map(({ id }) => id)])) {
        if (lastUse.get(id) !== i || kept.has(id) || !made.has(id)) continue
        tensors.delete(made.get(id)!)
        made.delete(id)
      }
    })
    return wanted.map((id) => tensors.share(made.get(id) ?? id))
  } finally {
    for (const id of made.values()) tensors.delete(id)
  }
}
