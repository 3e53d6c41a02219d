// What every weights file looks like to the rest of the room, and how stored numbers become the two kinds that TensorFlow.js keeps.
import { ModelError } from '../errors.js'

export type StoredType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL'
export const bytesOf: Readonly<Record<StoredType, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 }

export interface WeightEntry { readonly shape: readonly number[]; readonly dtype: StoredType }

/** An open weights file. Numbers stay on disk until `read`, so loading needs the memory of one tensor beside the model. */
export interface WeightFile {
  readonly path: string
  readonly entries: ReadonlyMap<string, WeightEntry>
  readonly metadata: Readonly<Record<string, string>>
  /** Axes in TensorFlow's order and names of TensorFlow's kind; absent: PyTorch's. */
  readonly layout?: 'tensorflow'
  /** The network as Keras describes it, where the file holds that too. */
  readonly topology?: unknown
  /** One tensor's numbers, row-major: floats of any width as float32, integers and booleans as int32. With `scratch` they may lie there, until its next use. */
  read(name: string, scratch?: Uint8Array): Promise<Float32Array | Int32Array>
  close(): Promise<void>
}

export const elements = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

let halves: Float32Array | undefined
const halfTable = () => halves ??= Float32Array.from({ length: 65536 }, (_, bits) => half(bits))

/** Little-endian bytes of `dtype` → float32 or int32. Copies, unless the bytes are aligned float32 or int32 already. */
export function decode(bytes: Uint8Array, dtype: StoredType, what: string): Float32Array | Int32Array {
  const n = bytes.byteLength / bytesOf[dtype]
  if (dtype === 'I8') return Int32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, n))
  if (dtype === 'U8' || dtype === 'BOOL') return Int32Array.from(bytes)
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
  const { buffer, byteOffset } = aligned
  switch (dtype) {
    case 'F32': return new Float32Array(buffer as ArrayBuffer, byteOffset, n)
    case 'I32': return new Int32Array(buffer as ArrayBuffer, byteOffset, n)
    case 'F64': return Float32Array.from(new Float64Array(buffer, byteOffset, n))
    case 'I16': return Int32Array.from(new Int16Array(buffer, byteOffset, n))
    case 'F16': {
      const table = halfTable()
      return Float32Array.from(new Uint16Array(buffer, byteOffset, n), (bits) => table[bits]!)
    }
    case 'BF16': {
      const out = new Uint32Array(n), source = new Uint16Array(buffer, byteOffset, n)
      for (let i = 0; i < n; i++) out[i] = source[i]! << 16
      return new Float32Array(out.buffer)
    }
    case 'I64': return Int32Array.from(new BigInt64Array(buffer, byteOffset, n), (value) => {
      if (value > 2147483647n || value < -2147483648n) throw new ModelError(`Cannot read ${what}: its 64-bit integer ${value} does not fit the 32 bits that TensorFlow.js has.`)
      return Number(value)
    })
  }
}
