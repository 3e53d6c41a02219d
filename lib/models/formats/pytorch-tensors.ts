// The short list of names that a PyTorch weights file may import, and the tensor records that they make. Everything else is refused.
import { ModelError } from '../errors.js'
import type { PickleGlobal } from './pickle.js'
import type { StoredType } from './weights.js'

export interface Storage { readonly key: string; readonly dtype: StoredType; readonly count: number }

/** A view of a storage, in elements. */
export interface StoredTensor { readonly kind: 'tensor'; readonly storage: Storage; readonly offset: number; readonly shape: readonly number[]; readonly strides: readonly number[] }

export const isTensor = (value: unknown): value is StoredTensor => typeof value === 'object' && value !== null && (value as StoredTensor).kind === 'tensor'

const storageTypes: Record<string, StoredType> = {
  DoubleStorage: 'F64', FloatStorage: 'F32', HalfStorage: 'F16', BFloat16Storage: 'BF16', LongStorage: 'I64', IntStorage: 'I32', ShortStorage: 'I16', CharStorage: 'I8', ByteStorage: 'U8', BoolStorage: 'BOOL',
}
/** Values that training checkpoints carry beside the weights; they are read and ignored. */
const inert = new Set(['torch.device', 'torch.Size', ...['float16', 'float32', 'float64', 'bfloat16', 'int8', 'int16', 'int32', 'int64', 'uint8', 'bool'].map((type) => `torch.${type}`)])

const isCounts = (value: unknown): value is number[] => Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)

export function tensorGlobals(path: string): (module: string, name: string) => PickleGlobal | undefined {
  const rebuild = (args: readonly unknown[]): StoredTensor => {
    const [storage, offset, shape, strides] = args
    const known = typeof storage === 'object' && storage !== null && 'dtype' in storage && 'count' in storage
    if (!known || !Number.isSafeInteger(offset) || (offset as number) < 0 || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length || shape.length > 8) {
      throw new ModelError(`Cannot read ${path}: a tensor is described by offset ${String(offset)}, shape ${JSON.stringify(shape)} and strides ${JSON.stringify(strides)}; each must be made of whole numbers from 0. The file is damaged; fetch it again.`)
    }
    return { kind: 'tensor', storage: storage as Storage, offset: offset as number, shape, strides }
  }
  const parameter = (args: readonly unknown[]): unknown => args[0]
  const table = new Map<string, PickleGlobal>([
    ['collections.OrderedDict', { name: 'OrderedDict', call: (args) => new Map(Array.isArray(args[0]) ? (args[0] as unknown[]).filter(Array.isArray).map(([key, value]) => [key, value] as [unknown, unknown]) : []) }],
    ['torch._utils._rebuild_tensor', { name: '_rebuild_tensor', call: rebuild }],
    ['torch._utils._rebuild_tensor_v2', { name: '_rebuild_tensor_v2', call: rebuild }],
    ['torch._utils._rebuild_parameter', { name: '_rebuild_parameter', call: parameter }],
    ...[...inert].map((name): [string, PickleGlobal] => [name, { name, call: () => null }]),
    ...Object.entries(storageTypes).map(([name, dtype]): [string, PickleGlobal] => [`torch.${name}`, { name, dtype } as PickleGlobal]),
  ])
  return (module, name) => table.get(`${module}.${name}`)
}
