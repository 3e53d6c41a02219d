// One way to write down ops that serves both worlds: run them now (here), or add them to a graph (graph.ts).
// Optimizers are written once against it.
import { attributesFor, type AttributeValues } from './op-definitions.js'
import { DType } from './dtypes.js'
import type { Runtime } from './runtime.js'

export interface OpWriter<Ref> {
  /** @param after refs whose ops must have run before, for ops with side effects */
  op(name: string, inputs: readonly (Ref | readonly Ref[])[], attributes?: AttributeValues, after?: readonly Ref[]): Ref[]
  constant(values: readonly number[], shape: readonly number[], dtype?: number): Ref
}

/** Runs each op at once; what it made is let go with `release`. */
export class ImmediateWriter implements OpWriter<number> {
  readonly #made: number[] = []

  constructor(readonly runtime: Runtime) {}

  op(name: string, inputs: readonly (number | readonly number[])[], attributes: AttributeValues = {}): number[] {
    const definition = this.runtime.definitions.get(name)
    const outputs = name === 'Unpack' ? attributes['num'] as number : definition.outputs
    const made = this.runtime.run(name, attributesFor(definition, attributes), inputs, outputs).map(({ id }) => id)
    this.#made.push(...made)
    return made
  }

  constant(values: readonly number[], shape: readonly number[], dtype: number = DType.float32): number {
    const id = this.runtime.tensors.create(shape, dtype, values)
    this.#made.push(id)
    return id
  }

  /** Takes one ref out of the writer's hands. */
  keep(id: number): number {
    this.#made.splice(this.#made.indexOf(id), 1)
    return id
  }

  release(): void {
    for (const id of this.#made.splice(0)) this.runtime.tensors.delete(id)
  }
}
