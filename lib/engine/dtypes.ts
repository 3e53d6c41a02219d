// TensorFlow's data types: numbers, names, sizes, and how each looks in JavaScript's memory.
import { EngineError } from './errors.js'

/** Numbers of tensorflow/core/framework/types.proto. */
export const DType = {
  float32: 1, float64: 2, int32: 3, uint8: 4, int16: 5, int8: 6, string: 7, complex64: 8, int64: 9, bool: 10,
  bfloat16: 14, uint16: 17, complex128: 18, float16: 19, resource: 20, variant: 21, uint32: 22, uint64: 23,
} as const

export type DTypeName = keyof typeof DType

const bytes: Record<number, number> = { 1: 4, 2: 8, 3: 4, 4: 1, 5: 2, 6: 1, 7: 24, 8: 8, 9: 8, 10: 1, 14: 2, 17: 2, 18: 16, 19: 2, 22: 4, 23: 8 }

export function nameOf(dtype: number): string {
  return Object.entries(DType).find(([, number]) => number === dtype)?.[0] ?? `type ${dtype}`
}

/** Bytes of one element; 0 where a type has none of its own. */
export const sizeOf = (dtype: number): number => bytes[dtype] ?? 0

export function bytesOf(dtype: number): number {
  const size = bytes[dtype]
  if (size === undefined) throw new EngineError(`Cannot copy a ${nameOf(dtype)} tensor to or from JavaScript: it has no bytes of its own.`)
  return size
}

export type Values = Float32Array | Float64Array | Int32Array | Uint8Array | Int16Array | Int8Array | Uint16Array | Uint32Array | BigInt64Array | BigUint64Array

type Kind = { new (buffer: ArrayBuffer): Values; from(values: Iterable<never>): Values }
const kinds: Record<number, unknown> = {
  1: Float32Array, 2: Float64Array, 3: Int32Array, 4: Uint8Array, 5: Int16Array, 6: Int8Array, 8: Float32Array, 9: BigInt64Array, 10: Uint8Array,
  14: Uint16Array, 17: Uint16Array, 18: Float64Array, 19: Uint16Array, 22: Uint32Array, 23: BigUint64Array,
}

/** Wraps raw bytes as the typed array of a dtype. float16 and bfloat16 come as their bits, complex as interleaved pairs. */
export function valuesOf(dtype: number, buffer: ArrayBuffer): Values {
  bytesOf(dtype)
  return new (kinds[dtype] as Kind)(buffer)
}

/** The typed array that a dtype needs; numbers and booleans are converted, int64 also takes pairs of int32 (tfjs-node's Int64Scalar). */
export function asBytes(dtype: number, values: ArrayLike<unknown> | ArrayBufferView, size: number): ArrayBufferView {
  const wanted = size * bytesOf(dtype)
  if (ArrayBuffer.isView(values) && values.byteLength === wanted && (dtype !== DType.float32 || values instanceof Float32Array) && (dtype !== DType.int32 || values instanceof Int32Array)) return values
  const wide = dtype === DType.int64 || dtype === DType.uint64
  const list = Array.from(values as ArrayLike<number>, (value) => wide ? BigInt(value) : Number(value))
  const converted = (kinds[dtype] as Kind).from(list as never)
  if (converted.byteLength !== wanted) throw new EngineError(`Cannot make a ${nameOf(dtype)} tensor of ${size} elements from ${list.length} values.`)
  return converted
}

/** What TensorFlow.js can hold, and what everything else is cast to when it leaves the engine. */
export function dtypeInTensorFlowJS(dtype: number): number {
  switch (dtype) {
    case DType.float16: case DType.bfloat16: case DType.float64: return DType.float32
    case DType.uint8: case DType.int8: case DType.int16: case DType.uint16: case DType.uint32: case DType.int64: case DType.uint64: return DType.int32
    case DType.complex128: return DType.complex64
    default: return dtype
  }
}
