// A tf.Variable whose value lives in a TensorFlow resource variable, so that a recorded step updates it in place.
// TensorFlow.js sees an ordinary tensor; its handle is read from the resource when somebody uses it.
import type * as tf from '@tensorflow/tfjs'
import { type Attribute, AttributeKind } from './attributes.js'
import type { Backend } from './backend.js'
import { DType } from './dtypes.js'
import type { Pointer } from './c-api.js'
import type { Runtime } from './runtime.js'
import type { LazyHandle } from './tensors.js'

/** The name that makes a resource live exactly as long as its handle (ResourceHandle::ANONYMOUS_NAME). */
const anonymous = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347'

const typeAttribute = (dtype: number): Attribute[] => [{ name: 'dtype', type: AttributeKind.type, value: dtype }]

export class Cell implements LazyHandle {
  /** Number of the resource handle: the input of ReadVariableOp, ResourceApplyAdam … */
  readonly resource: number
  /** Number under which TensorFlow.js knows the value. */
  readonly id: number

  constructor(readonly runtime: Runtime, readonly shape: readonly number[], readonly dtype: number, initial?: number) {
    const attributes: Attribute[] = [
      ...typeAttribute(dtype), { name: 'shape', type: AttributeKind.shape, value: shape },
      { name: 'shared_name', type: AttributeKind.string, value: anonymous }, { name: 'container', type: AttributeKind.string, value: '' },
    ]
    this.resource = runtime.run('VarHandleOp', attributes, [], 1)[0]!.id
    this.id = runtime.tensors.addLazy(this)
    if (initial === undefined) this.clear()
    else this.assign(initial)
  }

  /** Zeros in all places. */
  clear(): void {
    const { runtime, shape, dtype } = this
    const dims = runtime.tensors.create([shape.length], DType.int32, Int32Array.from(shape)), zero = runtime.tensors.create([], dtype, [0])
    const [filled] = runtime.run('Fill', [], [dims, zero], 1)
    this.assign(filled!.id)
    for (const id of [dims, zero, filled!.id]) runtime.tensors.delete(id)
  }

  assign(id: number): void {
    this.settle()
    this.runtime.run('AssignVariableOp', typeAttribute(this.dtype), [this.resource, id], 0)
  }

  read(): Pointer {
    const [value] = this.runtime.run('ReadVariableOp', typeAttribute(this.dtype), [this.resource], 1)
    return this.runtime.tensors.take(value!.id)
  }

  /** Lets go of the value that was read: before an update, so that it happens in place, and so that the next reader sees it. */
  settle(): void {
    this.runtime.tensors.forget(this.id)
  }

  release(): void {
    this.runtime.tensors.delete(this.resource)
  }

  dispose(): void {
    this.runtime.tensors.delete(this.id)
  }
}

/** The cell of a variable, made now if need be. Clones of the variable keep the value they have. */
export function cellOf(runtime: Runtime, backend: Backend, variable: tf.Variable): Cell {
  const [id] = backend.getInputTensorIds([variable])
  const data = backend.tensorMap.get(variable.dataId)
  const held = runtime.tensors.lazy(id!)
  if (held instanceof Cell) {
    if (data.refCount > 1) {
      data.id = runtime.tensors.share(held.id)
      moveTo(backend, variable, held)
    }
    return held
  }
  const cell = new Cell(runtime, variable.shape, runtime.tensors.dtype(id!), id!)
  if (data.refCount > 1) {
    moveTo(backend, variable, cell)
  } else {
    runtime.tensors.delete(id!)
    data.id = cell.id
  }
  return cell
}

/** Gives the variable data of its own: the cell's. What shared the old data keeps it. */
function moveTo(backend: Backend, variable: tf.Variable, cell: Cell): void {
  const value = backend.createOutputTensor({ id: cell.id, shape: [...cell.shape], dtype: cell.dtype })
  variable.assign(value as tf.Tensor<tf.Rank>)
  value.dispose()
}
