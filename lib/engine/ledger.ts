// Who holds TensorFlow's memory: weights and optimizer state by name, all other tensors by the notebook cell that made them and their shape.
import * as tf from '@tensorflow/tfjs'
import { DType, nameOf, sizeOf } from './dtypes.js'
import type { StartedEngine } from './engine.js'

export interface Holding {
  kind: 'weight' | 'optimizer' | 'tensor'
  /** A variable's name ('dense/kernel'), a slot's ('dense/kernel/m'), or a tensor's dtype and shape ('float32 [16, 10]'). */
  name: string
  /** The cell that made it, where a notebook's session tells. */
  cell: number | undefined
  tensors: number
  bytes: number
}

/** The tensors alive at one moment, the largest holders first. Prints as a table. */
export class Ledger {
  /** @internal */
  constructor(readonly holdings: readonly Holding[]) {}

  get tensors(): number { return this.holdings.reduce((sum, { tensors }) => sum + tensors, 0) }
  get bytes(): number { return this.holdings.reduce((sum, { bytes }) => sum + bytes, 0) }

  /** What has come since: the holders that have more tensors now than then, with the difference. */
  since(before: Ledger): Ledger {
    const then = new Map(before.holdings.map((one) => [keyOf(one), one]))
    return new Ledger(this.holdings.flatMap((one) => {
      const { tensors = 0, bytes = 0 } = then.get(keyOf(one)) ?? {}
      return one.tensors > tensors ? [{ ...one, tensors: one.tensors - tensors, bytes: one.bytes - bytes }] : []
    }))
  }

  toString(): string {
    const size = (bytes: number) => bytes < 2 ** 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`
    const rows = this.holdings.map(({ kind, name, cell, tensors, bytes }) => `${size(bytes).padStart(10)}  ${String(tensors).padStart(5)} × ${kind.padEnd(9)} ${name}${cell === undefined ? '' : `, made in cell ${cell}`}`)
    return [`${size(this.bytes)} in ${this.tensors} tensors`, ...rows].join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

const keyOf = ({ kind, name, cell }: Holding) => `${kind} ${name} ${cell}`

export function takeLedger({ runtime: { tensors }, backend, programs }: StartedEngine): Ledger {
  const known = new Map<number, Pick<Holding, 'kind' | 'name'>>()
  const resources = new Set<number>()
  const variables = (tf.engine() as unknown as { registeredVariables: Record<string, tf.Variable> }).registeredVariables
  for (const variable of Object.values(variables)) if (!variable.isDisposed) known.set(backend.tensorMap.get(variable.dataId)?.id ?? -1, { kind: 'weight', name: variable.name })
  for (const program of programs) for (const { name, cell } of program.holdings()) known.set(cell.id, { kind: 'optimizer', name })
  for (const { resource } of tensors.lazies()) resources.add(resource)
  const rows = new Map<string, Holding>()
  for (const { id, shape, dtype, cell } of tensors.alive()) {
    if (resources.has(id)) continue                                                    // the handle of a variable; its value has a number of its own
    const held = known.get(id) ?? { kind: 'tensor' as const, name: `${nameOf(dtype)} [${shape.join(', ')}]` }
    const row: Holding = { ...held, cell: held.kind === 'tensor' ? cell : undefined, tensors: 0, bytes: 0 }
    const one = rows.get(keyOf(row)) ?? row
    one.tensors++
    one.bytes += shape.reduce((size, length) => size * length, 1) * (dtype === DType.resource || dtype === DType.variant ? 0 : sizeOf(dtype))
    rows.set(keyOf(row), one)
  }
  return new Ledger([...rows.values()].sort((a, b) => b.bytes - a.bytes || b.tensors - a.tensors))
}
