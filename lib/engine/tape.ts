// What happened to tensors while a function ran: the raw material of a recording.
import type { Attribute } from './attributes.js'
import type { ByShape, Listener, Runtime, TensorMetadata } from './runtime.js'

export interface Entry { op: string; attributes: readonly Attribute[]; inputs: readonly number[]; outputs: readonly TensorMetadata[] }

/** Listens from `new` to `stop`; with `shapes` nothing is run. Tensors made on the host stay alive until `release`, so that they can become constants of the graph. */
export class Tape implements Listener {
  readonly entries: Entry[] = []
  /** Tensors that JavaScript made while the tape ran, in order. */
  readonly created: { id: number; shape: readonly number[]; dtype: number; /** Entries before it. */ at: number }[] = []
  /** Why what happened cannot be recorded. */
  reason: string | undefined
  readonly #computed = new Set<number>()
  readonly #made = new Set<number>()
  readonly #written = new WeakSet<object>()
  readonly #kept: number[] = []
  readonly #outer: Listener | undefined

  constructor(readonly runtime: Runtime, readonly shapes?: ByShape) {
    this.#outer = runtime.listener
    runtime.listener = this
  }

  executed(op: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: readonly TensorMetadata[]): void {
    this.entries.push({ op, attributes, inputs: [...inputs], outputs })
    for (const { id } of outputs) this.#computed.add(id)
  }

  written(values: unknown): void {
    if (typeof values === 'object' && values !== null) this.#written.add(values)
  }

  /** Values that were there before the tape are sent late; they are not the function's own. */
  made(id: number, shape: readonly number[], dtype: number, values: unknown): void {
    if (!this.#written.has(values as object)) return
    this.created.push({ id, shape: [...shape], dtype, at: this.entries.length })
    this.#made.add(id)
  }

  deleting(id: number): boolean {
    if (this.#computed.has(id)) return false
    this.#kept.push(id)
    return true
  }

  reading(id: number): void {
    if (this.#made.has(id)) return
    const last = this.entries.at(-1)?.op
    this.reason ??= `it reads a tensor's values in JavaScript (dataSync, arraySync or a loop over them${last ? `, after ${last}` : ''})`
  }

  stop(): void {
    this.runtime.listener = this.#outer
  }

  /** Lets the kept tensors go. */
  release(): void {
    for (const id of this.#kept.splice(0)) this.runtime.delete(id)
    this.shapes?.dispose()
  }
}

/**
 * Why two tapes of the same function are not the same recording, or undefined when they are: other ops, or host-made
 * tensors with other values (random numbers drawn in JavaScript, a counter).
 */
export function difference(first: Tape, second: Tape, length = first.entries.length): string | undefined {
  if (second.entries.length < length) return 'it runs other ops from call to call'
  for (let i = 0; i < length; i++) if (first.entries[i]!.op !== second.entries[i]!.op) return `it runs other ops from call to call (${first.entries[i]!.op}, then ${second.entries[i]!.op})`
  const mine = first.created.filter(({ at }) => at <= length)
  for (const [i, { id, shape, at }] of mine.entries()) {
    const other = second.created[i]
    if (!other) break
    const [a, b] = [id, other.id].map((one) => bytes(first.runtime.tensors.read(one)))
    if (String(shape) !== String(other.shape) || !a!.equals(b!)) return `it makes other numbers in JavaScript in each call (a [${shape}] tensor before ${first.entries[at]?.op ?? 'the end'}; use context.random for random numbers)`
  }
  return undefined
}

function bytes(values: ReturnType<Runtime['tensors']['read']>): Buffer {
  return Array.isArray(values) ? Buffer.concat(values) : Buffer.from(values.buffer, values.byteOffset, values.byteLength)
}
