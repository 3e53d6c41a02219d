// One TensorFlow context: runs ops and functions on the tensors of its table, now or on another thread. What is recorded is tape.ts.
import { type Attribute, setAttribute } from './attributes.js'
import type { CApi, Pointer } from './c-api.js'
import { EngineError, StatusCode } from './errors.js'
import { OpDefinitions } from './op-definitions.js'
import { TensorTable } from './tensors.js'

/** What tfjs-node's kernels get back for each output. */
export interface TensorMetadata { id: number; shape: number[]; dtype: number }

/** Takes the place of running an op: its outputs have shapes and no values; lengths that only a run can tell are −1. */
export interface ByShape {
  execute(op: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): TensorMetadata[]
  dispose(): void
}

/** Listens to everything that happens to tensors while a step is recorded. */
export interface Listener {
  executed(op: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: readonly TensorMetadata[]): void
  /** Where ops are not run but known by their shapes. */
  readonly shapes?: ByShape | undefined
  /** JavaScript made values for a new tensor (TensorFlow.js sends them on when an op needs them). */
  written(values: unknown): void
  made(id: number, shape: readonly number[], dtype: number, values: unknown): void
  /** Before a tensor is deleted; true keeps it, and the listener deletes it later. */
  deleting(id: number): boolean
  /** Before a tensor's values are read by JavaScript. */
  reading(id: number): void
}

export class Runtime {
  readonly tensors: TensorTable
  readonly definitions: OpDefinitions
  listener: Listener | undefined
  /** Ops run so far, for benchmarks and tests. */
  executed = 0
  readonly #outputs: BigUint64Array[] = []
  readonly #count = new Int32Array(1)

  constructor(readonly api: CApi, readonly context: Pointer, readonly status: Pointer) {
    this.tensors = new TensorTable(api, context, status, (what, op) => this.check(what, op))
    this.definitions = new OpDefinitions(api, status)
  }

  /** Throws what TensorFlow put into the status, if it is not OK. */
  check(what: string, op?: string, status = this.status): void {
    const code = this.api.TF_GetCode(status) as number
    if (code !== StatusCode.ok) throw errorOf(code, this.api.TF_Message(status) as string, what, op)
  }

  #prepare(name: string, attributes: readonly Attribute[], inputs: readonly (number | readonly number[])[], status: Pointer): Pointer {
    const { api } = this
    const op = api.TFE_NewOp(this.context, name, status) as Pointer | null
    if (!op) { this.check(`run ${name}`, name, status); throw new EngineError(`Cannot run ${name}`, { op: name }) }
    try {
      for (const input of inputs) {
        if (typeof input === 'number') api.TFE_OpAddInput(op, this.tensors.handle(input), status)
        else api.TFE_OpAddInputList(op, BigUint64Array.from(input, (id) => this.tensors.handle(id)), input.length, status)
      }
      for (const attribute of attributes) setAttribute(api, 'op', op, attribute, status)
      this.check(`run ${name}`, name, status)
    } catch (error) {
      api.TFE_DeleteOp(op)
      throw error
    }
    return op
  }

  #take(handles: BigUint64Array, count: number): TensorMetadata[] {
    return Array.from({ length: count }, (_, i) => {
      const handle = handles[i]!
      return { id: this.tensors.add(handle), shape: this.tensors.shapeOf(handle), dtype: this.api.TFE_TensorHandleDataType(handle) as number }
    })
  }

  /** Runs an op, or a function by its name, and waits for it. The listener hears of it. */
  execute(name: string, attributes: readonly Attribute[], inputs: readonly (number | readonly number[])[], outputs: number): TensorMetadata[] {
    const shapes = this.listener?.shapes
    const results = shapes ? shapes.execute(name, attributes, inputs.flat(), outputs) : this.run(name, attributes, inputs, outputs)
    this.listener?.executed(name, attributes, inputs.flat(), results)
    return results
  }

  /** The same for the engine's own work, which is never part of a recording; an input may be a list. */
  run(name: string, attributes: readonly Attribute[], inputs: readonly (number | readonly number[])[], outputs: number): TensorMetadata[] {
    this.executed++
    const op = this.#prepare(name, attributes, inputs, this.status)
    const handles = this.#outputs[outputs] ??= new BigUint64Array(Math.max(outputs, 1))
    this.#count[0] = outputs
    this.api.TFE_Execute(op, handles, this.#count, this.status)
    this.api.TFE_DeleteOp(op)
    this.check(`run ${name}`, name)
    return this.#take(handles, this.#count[0])
  }

  /** The same on another thread; the event loop goes on. An aborted signal ends ops that wait (collectives, queues); TensorFlow does not look at it between arithmetic ops. */
  async executeAsync(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number, signal?: AbortSignal): Promise<TensorMetadata[]> {
    this.executed++
    const { api } = this
    const status = api.TF_NewStatus() as Pointer
    const handles = new BigUint64Array(new ArrayBuffer(Math.max(outputs, 1) * 8)), count = new Int32Array(new ArrayBuffer(4)).fill(outputs) // off V8's heap: they must not move
    const op = this.#prepare(name, attributes, inputs, status)
    const cancellation = signal && api.TFE_NewCancellationManager() as Pointer
    const cancel = () => api.TFE_CancellationManagerStartCancel(cancellation)
    try {
      if (cancellation) {
        api.TFE_OpSetCancellationManager(op, cancellation, status)
        if (signal.aborted) cancel()
        signal.addEventListener('abort', cancel)
      }
      await new Promise<void>((resolve, reject) => api.TFE_Execute.async(op, handles, count, status, (error: Error | null) => error ? reject(error) : resolve()))
      this.check(`run ${name}`, name, status)
      return this.#take(handles, count[0]!)
    } finally {
      signal?.removeEventListener('abort', cancel)
      api.TFE_DeleteOp(op)
      if (cancellation) api.TFE_DeleteCancellationManager(cancellation)
      api.TF_DeleteStatus(status)
    }
  }

  create(shape: readonly number[], dtype: number, values: ArrayLike<unknown> | ArrayBufferView): number {
    const id = this.tensors.create(shape, dtype, values)
    this.listener?.made(id, shape, dtype, values)
    return id
  }

  delete(id: number): void {
    if (!this.listener?.deleting(id)) this.tensors.delete(id)
  }
}

/** TensorFlow's message without its own graph's debris, in our shape. */
function errorOf(code: number, told: string, what: string, op: string | undefined): EngineError {
  const reason = told.replace(/\s*\[Op:[^\]]*\].*$/s, '').replace(/\{\{(?:function_)?node ([^}]*)\}\}\s*/g, '').replace(/\[\[.*?\]\]\s*/gs, '').split('\n').find((line) => line.trim() && !/^\s*\(\d\)/.test(line))?.trim() ?? told.trim()
  const next = code === StatusCode.resourceExhausted ? ' Use a smaller batch, or dispose tensors that are no longer needed.' : ''
  return new EngineError(`Cannot ${what}: ${reason}${/[.!?]$/.test(reason) ? '' : '.'}${next}`, { code, ...(op ? { op } : {}) })
}
