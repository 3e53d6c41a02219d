// Opens PyTorch weight files (.pth, .pt, .bin), zip and legacy format. Only tensors come out; any other import in the file is refused by name.
import { ModelError } from '../errors.js'
import { RandomAccessFile } from './file.js'
import { PickleTruncated, unpickle, type PickleGlobal } from './pickle.js'
import { isTensor, tensorGlobals, type Storage, type StoredTensor } from './pytorch-tensors.js'
import { bytesOf, decode, elements, type WeightFile } from './weights.js'
import { readZip } from './zip.js'

/** Where a storage's bytes lie. */
interface Place { start: number; bytes: number }
const largestPickle = 256 * 2 ** 20
/** The names under which training scripts keep the weights beside optimizers and counters. */
const wrappers = ['state_dict', 'model_state_dict', 'model_state', 'model', 'module', 'net']

function storageOf(path: string, id: unknown): Storage {
  const [kind, type, key, , count, view] = Array.isArray(id) ? id as unknown[] : []
  const dtype = (type as { dtype?: Storage['dtype'] } | undefined)?.dtype
  if (kind !== 'storage' || dtype === undefined || (typeof key !== 'string' && typeof key !== 'number')) throw new ModelError(`Cannot read ${path}: it refers to something outside of itself that is not a tensor's storage.`)
  if (!Number.isSafeInteger(count) || (count as number) < 0) throw new ModelError(`Cannot read ${path}: storage ${key} has size ${count}, which must be a whole number from 0.`)
  if (view !== undefined && view !== null) throw new ModelError(`Cannot read ${path}: storage ${key} is a view of another, a form from before PyTorch 0.4. Save the weights again with a newer PyTorch.`)
  return { key: String(key), dtype: dtype!, count: count as number }
}

function collect(path: string, value: unknown): Map<string, StoredTensor> {
  const found = new Map<string, StoredTensor>()
  const tensorsIn = (table: unknown) => table instanceof Map && [...table.values()].some(isTensor)
  let table = value
  for (let depth = 0; depth < 3 && table instanceof Map && !tensorsIn(table); depth++) {
    const inner: unknown = wrappers.map((name) => (table as Map<unknown, unknown>).get(name)).find((candidate) => candidate instanceof Map)
    table = inner
  }
  if (table instanceof Map) for (const [name, tensor] of table) if (typeof name === 'string' && isTensor(tensor)) found.set(name, tensor)
  if (found.size === 0) throw new ModelError(`Cannot find weights in ${path}: it holds no table of named tensors (looked at the top and under ${wrappers.join(', ')}). Save it with torch.save(model.state_dict(), file).`)
  return found
}

function check(path: string, name: string, { storage, offset, shape, strides }: StoredTensor, place: Place | undefined): void {
  const damaged = (why: string): never => { throw new ModelError(`Cannot read tensor "${name}" of ${path}: ${why}. The file is truncated or damaged; fetch it again.`) }
  if (!place) damaged(`its storage "${storage.key}" is missing`)
  if (place!.bytes < storage.count * bytesOf[storage.dtype]) damaged(`its storage "${storage.key}" should have ${storage.count * bytesOf[storage.dtype]} bytes and has ${place!.bytes}`)
  const n = elements(shape)
  const last = n === 0 ? offset - 1 : shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, offset)
  if (last >= storage.count || n > storage.count) damaged(`shape [${shape.join(', ')}] with strides [${strides.join(', ')}] from ${offset} reaches beyond the ${storage.count} numbers of its storage`)
}

function gather(data: Float32Array | Int32Array, shape: readonly number[], strides: readonly number[]): Float32Array | Int32Array {
  const out = data instanceof Float32Array ? new Float32Array(elements(shape)) : new Int32Array(elements(shape))
  const index = shape.map(() => 0)
  for (let i = 0, from = 0; i < out.length; i++) {
    out[i] = data[from]!
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d]!
      if (++index[d]! < shape[d]!) break
      from -= shape[d]! * strides[d]!
      index[d] = 0
    }
  }
  return out
}

const contiguous = (shape: readonly number[], strides: readonly number[]) => {
  let step = 1
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== step) return false
    step *= shape[d]!
  }
  return true
}

function weightFile(file: RandomAccessFile, value: unknown, places: ReadonlyMap<string, Place>): WeightFile {
  const tensors = collect(file.path, value)
  for (const [name, tensor] of tensors) check(file.path, name, tensor, places.get(tensor.storage.key))
  return {
    path: file.path, metadata: {},
    entries: new Map([...tensors].map(([name, { shape, storage }]) => [name, { shape, dtype: storage.dtype }])),
    async read(name, scratch) {
      const tensor = tensors.get(name)
      if (!tensor) throw new ModelError(`Cannot read tensor "${name}" from ${file.path}: the file has no tensor of that name.`)
      const { storage, offset, shape, strides } = tensor, size = bytesOf[storage.dtype]
      const reach = elements(shape) === 0 ? 0 : 1 + shape.reduce((sum, n, i) => sum + (n - 1) * strides[i]!, 0)
      const data = decode(await file.read(places.get(storage.key)!.start + offset * size, reach * size, scratch), storage.dtype, `tensor "${name}" of ${file.path}`)
      return contiguous(shape, strides) ? data : gather(data, shape, strides)
    },
    close: () => file.close(),
  }
}

async function openZipFormat(file: RandomAccessFile): Promise<WeightFile> {
  const entries = await readZip(file.path)
  const description = entries.find(({ name }) => /^[^/]+\/data\.pkl$/.test(name))
  if (!description) throw new ModelError(`Cannot read ${file.path} as PyTorch weights: it is a zip archive without data.pkl. Give the weights file inside of it.`)
  if (description.size > largestPickle) throw new ModelError(`Cannot read ${file.path}: its description of the tensors has ${description.size} bytes, and ${largestPickle} is the most.`)
  const folder = description.name.replace(/data\.pkl$/, '')
  for (const entry of entries) if (entry.compressed) throw new ModelError(`Cannot read ${file.path}: its part ${entry.name} is compressed, which torch.save never does. Save the weights again.`)
  const order = entries.find(({ name }) => name === `${folder}byteorder`)
  if (order && new TextDecoder().decode(await file.read(order.start, Math.min(order.size, 16))).trim() === 'big') throw new ModelError(`Cannot read ${file.path}: it was saved on a big-endian machine. Save it again on a little-endian one.`)
  const { value } = unpickle(await file.read(description.start, description.size), { what: file.path, global: tensorGlobals(file.path), persistent: (id) => storageOf(file.path, id) })
  const places = new Map<string, Place>()
  for (const { name, start, size } of entries) if (name.startsWith(`${folder}data/`)) places.set(name.slice(folder.length + 5), { start, bytes: size })
  return weightFile(file, value, places)
}

/** One pickle from `start`; its length is not known beforehand, so a longer piece is read until it is complete. */
async function pickleAt(file: RandomAccessFile, start: number, global: (module: string, name: string) => PickleGlobal | undefined, persistent?: (id: unknown) => unknown) {
  for (let length = 1 << 16; ; length *= 4) {
    const available = Math.min(length, file.size - start, largestPickle)
    try {
      const { value, end } = unpickle(await file.read(start, available), { what: file.path, global, ...(persistent && { persistent }) })
      return { value, end: start + end }
    } catch (error) {
      if (!(error instanceof PickleTruncated) || available < length) throw error
    }
  }
}

async function openLegacyFormat(file: RandomAccessFile): Promise<WeightFile> {
  const nothing = () => undefined
  const magic = await pickleAt(file, 0, nothing)
  if (magic.value !== 0x1950a86a20f9469cfc6cn) throw new ModelError(`Cannot read ${file.path} as PyTorch weights: it begins with a pickle that is not torch.save's. Give a file written by torch.save or a .safetensors file.`)
  const version = await pickleAt(file, magic.end, nothing)
  const system = await pickleAt(file, version.end, nothing)
  if (system.value instanceof Map && system.value.get('little_endian') === false) throw new ModelError(`Cannot read ${file.path}: it was saved on a big-endian machine. Save it again on a little-endian one.`)
  const storages = new Map<string, Storage>()
  const body = await pickleAt(file, system.end, tensorGlobals(file.path), (id) => {
    const storage = storageOf(file.path, id)
    storages.set(storage.key, storage)
    return storage
  })
  const keys = await pickleAt(file, body.end, nothing)
  const places = new Map<string, Place>()
  let at = keys.end
  for (const key of Array.isArray(keys.value) ? keys.value.map(String) : []) {
    const storage = storages.get(key)
    if (!storage) throw new ModelError(`Cannot read ${file.path}: it lists storage "${key}" that no tensor uses. The file is damaged; fetch it again.`)
    const count = new DataView((await file.read(at, 8)).buffer).getBigInt64(0, true)
    if (count !== BigInt(storage.count)) throw new ModelError(`Cannot read ${file.path}: storage "${key}" should have ${storage.count} numbers and says ${count}. The file is damaged; fetch it again.`)
    const bytes = storage.count * bytesOf[storage.dtype]
    if (at + 8 + bytes > file.size) throw new ModelError(`Cannot read ${file.path}: it ends at byte ${file.size}, in the middle of storage "${key}" that goes to ${at + 8 + bytes}. The file is truncated; fetch it again.`)
    places.set(key, { start: at + 8, bytes })
    at += 8 + bytes
  }
  return weightFile(file, body.value, places)
}

/** Opens a file written by `torch.save` (a state dict, alone or within a training checkpoint). */
export async function openPyTorch(path: string): Promise<WeightFile> {
  const file = await RandomAccessFile.open(path)
  try {
    const head = await file.read(0, Math.min(4, file.size))
    if (head[0] === 0x50 && head[1] === 0x4b) return await openZipFormat(file)
    if (head[0] !== 0x80) throw new ModelError(`Cannot read ${path} as PyTorch weights: it begins with ${file.size === 0 ? 'nothing' : `bytes ${[...head].map((b) => b.toString(16).padStart(2, '0')).join(' ')}`}, neither a zip archive nor a pickle. Give a file written by torch.save or a .safetensors file.`)
    return await openLegacyFormat(file)
  } catch (error) {
    await file.close()
    throw error
  }
}
