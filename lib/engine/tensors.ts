// Tensors in TensorFlow's memory and the numbers that TensorFlow.js knows them by: make, read, delete. Ops are ops.ts.
import type { CApi, Pointer } from './c-api.js'
import { asBytes, bytesOf, DType, nameOf, type Values, valuesOf } from './dtypes.js'
import { EngineError } from './errors.js'

export type Check = (what: string, op?: string) => void

/** A tensor whose handle is made when somebody asks for it (the current value of a resource variable). */
export interface LazyHandle {
  /** A handle to the value now; the table owns it until `forget`. */
  read(): Pointer
  release(): void
  readonly resource: number
  readonly shape: readonly number[]
  readonly dtype: number
}

/** The notebook's cell at work, where the session that runs it tells. */
const runningCell = (): number | undefined => {
  try {
    return (globalThis as Record<symbol, { cell?: number } | undefined>)[Symbol.for('afinar.session')]?.cell
  } catch { return undefined }
}

/** Every live tensor by number. A number is never used twice. */
export class TensorTable {
  readonly #handles = new Map<number, Pointer>()
  readonly #lazy = new Map<number, LazyHandle>()
  /** The cells that tensors were made in. */
  readonly #cells = new Map<number, number>()
  #next = 1

  constructor(readonly api: CApi, readonly context: Pointer, readonly status: Pointer, readonly check: Check) {}

  /** How many tensors are alive, those of variables included. */
  get size(): number { return this.#handles.size + [...this.#lazy.keys()].filter((id) => !this.#handles.has(id)).length }

  add(handle: Pointer): number {
    this.#handles.set(this.#next, handle)
    const cell = runningCell()
    if (cell !== undefined) this.#cells.set(this.#next, cell)
    return this.#next++
  }

  addLazy(lazy: LazyHandle): number {
    this.#lazy.set(this.#next, lazy)
    return this.#next++
  }

  lazies(): Iterable<LazyHandle> { return this.#lazy.values() }

  /** All that is alive, by number. */
  alive(): { id: number; shape: readonly number[]; dtype: number; cell: number | undefined }[] {
    const plain = [...this.#handles].filter(([id]) => !this.#lazy.has(id)).map(([id, handle]) => ({ id, dtype: this.dtype(id), shape: this.shapeOf(handle), cell: this.#cells.get(id) }))
    return [...plain, ...[...this.#lazy].map(([id, { shape, dtype }]) => ({ id, shape, dtype, cell: this.#cells.get(id) }))]
  }

  handle(id: number): Pointer {
    const handle = this.#handles.get(id)
    if (handle !== undefined) return handle
    const lazy = this.#lazy.get(id)
    if (!lazy) throw new EngineError(`Cannot use tensor ${id}: it has been disposed. Keep it with tf.keep, or use it before dispose.`)
    const read = lazy.read()
    this.#handles.set(id, read)
    return read
  }

  /** Takes a tensor out of the table; whoever takes the handle deletes it. */
  take(id: number): Pointer {
    const handle = this.handle(id)
    this.#handles.delete(id)
    this.#cells.delete(id)
    return handle
  }

  lazy(id: number): LazyHandle | undefined { return this.#lazy.get(id) }

  has(id: number): boolean { return this.#handles.has(id) || this.#lazy.has(id) }

  /** Drops the handle that `handle` made of a lazy tensor; the next use reads anew. */
  forget(id: number): void {
    const handle = this.#handles.get(id)
    if (handle === undefined || !this.#lazy.has(id)) return
    this.api.TFE_DeleteTensorHandle(handle)
    this.#handles.delete(id)
  }

  delete(id: number): void {
    const handle = this.#handles.get(id), lazy = this.#lazy.get(id)
    if (handle === undefined && !lazy) throw new EngineError(`Cannot delete tensor ${id}: it does not exist, or was deleted before.`)
    if (handle !== undefined) this.api.TFE_DeleteTensorHandle(handle)
    this.#handles.delete(id)
    this.#cells.delete(id)
    lazy?.release()
    this.#lazy.delete(id)
  }

  /** A second number for the same memory; each is deleted on its own. */
  share(id: number): number {
    const copy = this.api.TFE_TensorHandleCopySharingTensor(this.handle(id), this.status) as Pointer
    this.check('share a tensor')
    return this.add(copy)
  }

  create(shape: readonly number[], dtype: number, values: ArrayLike<unknown> | ArrayBufferView): number {
    return this.add(dtype === DType.string ? this.#strings(shape, values as ArrayLike<unknown>) : this.#numbers(shape, dtype, values))
  }

  #allocate(shape: readonly number[], dtype: number, bytes: number): Pointer {
    const tensor = this.api.TF_AllocateTensor(dtype, BigInt64Array.from(shape, BigInt), shape.length, bytes) as Pointer | null
    if (!tensor) throw new EngineError(`Cannot make a ${nameOf(dtype)} tensor of shape [${shape}]: ${bytes} bytes of memory are not to be had. Use a smaller batch.`, { code: 8 })
    return tensor
  }

  #numbers(shape: readonly number[], dtype: number, values: ArrayLike<unknown> | ArrayBufferView): Pointer {
    const size = shape.reduce((product, length) => product * length, 1)
    const source = asBytes(dtype, values, size)
    const tensor = this.#allocate(shape, dtype, source.byteLength)
    if (source.byteLength) this.api.copy(this.api.TF_TensorData(tensor) as Pointer, source, source.byteLength)
    return this.#toHandle(tensor)
  }

  #strings(shape: readonly number[], values: ArrayLike<unknown>): Pointer {
    const size = shape.reduce((product, length) => product * length, 1)
    const list = values instanceof Uint8Array && size === 1 ? [values] : values
    if (list.length !== size) throw new EngineError(`Cannot make a string tensor of shape [${shape}] from ${list.length} strings: it needs ${size}.`)
    const tensor = this.#allocate(shape, DType.string, size * bytesOf(DType.string))
    const data = size ? this.api.TF_TensorData(tensor) as Pointer : 0n, places: Pointer[] = []
    for (let i = 0; i < size; i++) {
      const value = list[i], content = typeof value === 'string' ? Buffer.from(value) : value as Uint8Array
      const place = data + BigInt(i * bytesOf(DType.string))
      places.push(place)
      this.api.TF_StringInit(place)
      this.api.TF_StringCopy(place, content.length ? content : null, content.length)
    }
    // Nobody frees the strings of a tensor that was allocated through the C API; so TensorFlow makes a copy of its own, and ours go.
    const ours = this.api.TFE_NewTensorHandle(tensor, this.status) as Pointer
    this.check('make a string tensor')
    const copy = this.#copyOf(ours)
    this.api.TFE_DeleteTensorHandle(ours)
    for (const place of places) this.api.TF_StringDealloc(place)
    this.api.TF_DeleteTensor(tensor)
    this.check('make a string tensor')
    return copy
  }

  #copyOf(handle: Pointer): Pointer {
    const { api, status } = this, op = api.TFE_NewOp(this.context, 'DeepCopy', status) as Pointer, outputs = new BigUint64Array(1)
    api.TFE_OpAddInput(op, handle, status)
    api.TFE_Execute(op, outputs, Int32Array.of(1), status)
    api.TFE_DeleteOp(op)
    return outputs[0]!
  }

  #toHandle(tensor: Pointer): Pointer {
    const handle = this.api.TFE_NewTensorHandle(tensor, this.status) as Pointer
    this.api.TF_DeleteTensor(tensor)
    this.check('make a tensor')
    return handle
  }

  dtype(id: number): number { return this.#lazy.get(id)?.dtype ?? this.api.TFE_TensorHandleDataType(this.handle(id)) as number }

  shape(id: number): number[] {
    const lazy = this.#lazy.get(id)
    return lazy ? [...lazy.shape] : this.shapeOf(this.handle(id))
  }

  shapeOf(handle: Pointer): number[] {
    const rank = this.api.TFE_TensorHandleNumDims(handle, this.status) as number
    const shape = new Array<number>(Math.max(rank, 0))
    for (let i = 0; i < rank; i++) shape[i] = Number(this.api.TFE_TensorHandleDim(handle, i, this.status))
    return shape
  }

  /** Copies a tensor's values to JavaScript; strings come as one Uint8Array each. Waits for whatever computes them. */
  read(id: number): Values | Uint8Array[] {
    const handle = this.handle(id), dtype = this.api.TFE_TensorHandleDataType(handle) as number
    if (dtype === DType.resource || dtype === DType.variant) return new Uint8Array(0)
    const tensor = this.api.TFE_TensorHandleResolve(handle, this.status) as Pointer
    this.check('read a tensor')
    const bytes = Number(this.api.TF_TensorByteSize(tensor)), data = bytes ? this.api.TF_TensorData(tensor) as Pointer : 0n
    try {
      if (dtype === DType.string) return this.#readStrings(data, bytes / bytesOf(DType.string))
      const copy = new Uint8Array(bytes)
      if (bytes) this.api.copy(copy, data, bytes)
      return valuesOf(dtype, copy.buffer)
    } finally {
      this.api.TF_DeleteTensor(tensor)
    }
  }

  #readStrings(data: Pointer, size: number): Uint8Array[] {
    return Array.from({ length: size }, (_, i) => {
      const place = data + BigInt(i * bytesOf(DType.string)), length = Number(this.api.TF_StringGetSize(place))
      const content = new Uint8Array(length)
      if (length) this.api.copy(content, this.api.TF_StringGetDataPointer(place) as Pointer, length)
      return content
    })
  }
}
