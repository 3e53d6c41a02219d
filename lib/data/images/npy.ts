// NumPy's .npy arrays and Yann LeCun's IDX, read from bytes. Numbers only; what they mean is decided in arrays.ts.
import { DataError } from '../errors.js'

export interface NumberArray { shape: number[]; data: Uint8Array | Int8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array | BigInt64Array | BigUint64Array }

type Kind = { new(buffer: ArrayBuffer, offset: number, length: number): NumberArray['data']; BYTES_PER_ELEMENT: number }

const kinds: Record<string, Kind> = {
  u1: Uint8Array, b1: Uint8Array, i1: Int8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array, i8: BigInt64Array, u8: BigUint64Array, f4: Float32Array, f8: Float64Array,
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)

function numbers(bytes: Uint8Array, start: number, kind: Kind, shape: number[], what: string, swap = false): NumberArray {
  const length = sizeOf(shape), needed = length * kind.BYTES_PER_ELEMENT
  if (!Number.isSafeInteger(needed) || start + needed > bytes.length) throw new DataError(`Cannot read ${what}: shape [${shape.join(', ')}] needs ${needed} bytes, the file has ${bytes.length - start}. It is cut off; fetch it again.`)
  const copy = bytes.slice(start, start + needed)
  if (swap && kind.BYTES_PER_ELEMENT > 1) for (let at = 0; at < copy.length; at += kind.BYTES_PER_ELEMENT) copy.subarray(at, at + kind.BYTES_PER_ELEMENT).reverse()
  return { shape, data: new kind(copy.buffer, copy.byteOffset, length) }
}

/** One .npy file. Objects (pickles) are refused. */
export function parseNpy(bytes: Uint8Array, what: string): NumberArray {
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('latin1')
  if (bytes.length < 12 || text(1, 6) !== 'NUMPY') throw new DataError(`Cannot read ${what}: it is no .npy array (it begins with ${JSON.stringify(text(0, 6))}). Save it with numpy.save or numpy.savez.`)
  const long = bytes[6]! >= 2
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = long ? 12 + view.getUint32(8, true) : 10 + view.getUint16(8, true)
  const header = text(long ? 12 : 10, start)
  const type = /'descr':\s*'([<>|=])([a-zA-Z]\d+)'/.exec(header), order = /'fortran_order':\s*(True|False)/.exec(header), shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header)
  const kind = type && kinds[type[2]!]
  if (!kind || !order || !shape) throw new DataError(`Cannot read ${what}: arrays of numbers are read, got header ${header.trim().slice(0, 80)}. Convert it with astype('uint8') or astype('float32').`)
  if (order[1] === 'True') throw new DataError(`Cannot read ${what}: it is stored column by column (fortran_order). Save numpy.ascontiguousarray(a) instead.`)
  return numbers(bytes, start, kind, shape[1]!.split(',').map((part) => part.trim()).filter((part) => part !== '').map(Number), what, type[1] === '>')
}

const idxKinds: Record<number, Kind> = { 0x08: Uint8Array, 0x09: Int8Array, 0x0b: Int16Array, 0x0c: Int32Array, 0x0d: Float32Array, 0x0e: Float64Array }

/** One IDX file, as MNIST comes in. */
export function parseIdx(bytes: Uint8Array, what: string): NumberArray {
  const kind = idxKinds[bytes[2] ?? 0]
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 0 || !kind) throw new DataError(`Cannot read ${what}: it is no IDX file. Its first bytes must be 0, 0, a type and the number of dimensions.`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), rank = bytes[3]!
  if (bytes.length < 4 + rank * 4) throw new DataError(`Cannot read ${what}: its header is cut off. Fetch it again.`)
  return numbers(bytes, 4 + rank * 4, kind, Array.from({ length: rank }, (_, i) => view.getUint32(4 + i * 4)), what, true)
}
