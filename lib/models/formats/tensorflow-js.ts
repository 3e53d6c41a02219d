// Weights of TensorFlow.js models (Layers and graph models): the manifest in model.json and its shards, also quantized to 8 or 16 bits.
import { basename, dirname, join } from 'node:path'
import { ModelError } from '../errors.js'
import { RandomAccessFile } from './file.js'
import { decode, elements, type WeightEntry, type WeightFile } from './weights.js'

const largestJSON = 256 * 2 ** 20
/** Bytes of a number. */
const widths: Record<string, number> = { float32: 4, int32: 4, bool: 1, float16: 2, uint8: 1, uint16: 2 }
interface Quantization { type: 'uint8' | 'uint16' | 'float16'; scale: number; min: number }
interface Slice extends WeightEntry { group: number; start: number; bytes: number; quantized?: Quantization }

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

function refuse(path: string, why: string): never {
  throw new ModelError(`Cannot read ${path} as a TensorFlow.js model: ${why}. The file is damaged or not a TensorFlow.js model; fetch it again.`)
}

/** The parsed model.json. */
export async function readModelJSON(path: string): Promise<Record<string, unknown>> {
  const file = await RandomAccessFile.open(path)
  try {
    if (file.size > largestJSON) refuse(path, `it has ${file.size} bytes, and the largest that is read has ${largestJSON}`)
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await file.read(0, file.size)))
    return isObject(json) ? json : refuse(path, 'it is not a JSON object')
  } catch (error) {
    if (error instanceof ModelError) throw error
    return refuse(path, `it is not JSON (${(error as Error).message})`)
  } finally {
    await file.close()
  }
}

function quantizationOf(path: string, name: string, value: unknown): Quantization | undefined {
  if (value === undefined || value === null) return undefined
  const { dtype, scale = 1, min = 0 } = (isObject(value) ? value : {}) as { dtype?: unknown; scale?: unknown; min?: unknown }
  if (dtype !== 'uint8' && dtype !== 'uint16' && dtype !== 'float16') refuse(path, `weight "${name}" is quantized as ${JSON.stringify(dtype)}, and only uint8, uint16 and float16 are known`)
  if (!Number.isFinite(scale) || !Number.isFinite(min)) refuse(path, `weight "${name}" is quantized with scale ${JSON.stringify(scale)} and min ${JSON.stringify(min)}, which must be numbers`)
  return { type: dtype, scale: scale as number, min: min as number }
}

/** Where a group's weights lie, one after the other. */
function slicesOf(path: string, group: number, weights: unknown, into: Map<string, Slice>): number {
  if (!Array.isArray(weights)) refuse(path, `group ${group} of its manifest has no list of weights`)
  let start = 0
  for (const one of weights as unknown[]) {
    const { name, shape, dtype, quantization } = (isObject(one) ? one : {}) as Record<string, unknown>
    if (typeof name !== 'string' || name === '') refuse(path, 'a weight of its manifest has no name')
    if (into.has(name as string)) refuse(path, `its manifest names the weight "${name}" twice`)
    if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !Number.isSafeInteger(elements(shape as number[]))) refuse(path, `weight "${name}" has shape ${JSON.stringify(shape)}, which must be a list of whole numbers from 0`)
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') refuse(path, `weight "${name}" has type ${JSON.stringify(dtype)}, and the types that can be read are float32, int32 and bool`)
    const quantized = quantizationOf(path, name as string, quantization)
    const bytes = elements(shape as number[]) * widths[quantized?.type ?? dtype as string]!
    into.set(name as string, { shape: shape as number[], dtype: dtype === 'float32' ? 'F32' : dtype === 'int32' ? 'I32' : 'BOOL', group, start, bytes, ...(quantized && { quantized }) })
    start += bytes
  }
  return start
}

/** Bytes of a group, across its shards. */
class Shards {
  constructor(readonly path: string, readonly files: RandomAccessFile[]) {}
  get size(): number { return this.files.reduce((sum, { size }) => sum + size, 0) }
  async read(start: number, length: number, scratch?: Uint8Array): Promise<Uint8Array> {
    const out = scratch && scratch.length >= length ? scratch.subarray(0, length) : new Uint8Array(length)
    let done = 0, begin = 0
    for (const file of this.files) {
      const from = Math.max(start + done, begin), until = Math.min(start + length, begin + file.size)
      if (from < until) {
        const part = out.subarray(done, done + until - from)
        await file.read(from - begin, part.length, part)
        done += part.length
      }
      begin += file.size
    }
    return out
  }
}

function dequantize(bytes: Uint8Array, { type, scale, min }: Quantization, whole: boolean): Float32Array | Int32Array {
  if (type === 'float16') return decode(bytes, 'F16', '')
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice()
  const stored = type === 'uint8' ? bytes : new Uint16Array(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / 2)
  const out = whole ? new Int32Array(stored.length) : new Float32Array(stored.length)
  for (let i = 0; i < stored.length; i++) out[i] = whole ? Math.round(stored[i]! * scale + min) : stored[i]! * scale + min
  return out
}

/** Opens the weights of model.json. Names are the manifest's own; floats are float32 whatever they are stored as. */
export async function openTensorFlowJS(path: string): Promise<WeightFile> {
  const { weightsManifest: manifest, modelTopology } = await readModelJSON(path)
  if (!Array.isArray(manifest)) refuse(path, 'it has no "weightsManifest"')
  const slices = new Map<string, Slice>(), groups: Shards[] = []
  const close = async () => { for (const { files } of groups) for (const file of files) await file.close() }
  try {
    for (const [at, group] of (manifest as unknown[]).entries()) {
      const { paths, weights } = (isObject(group) ? group : {}) as Record<string, unknown>
      const bad = Array.isArray(paths) ? paths.find((name) => typeof name !== 'string' || basename(name) !== name || name === '..' || name.includes('\\')) : null
      if (!Array.isArray(paths) || bad !== undefined) refuse(path, `its shard ${JSON.stringify(bad)} is not the name of a file beside it`)
      const wanted = slicesOf(path, at, weights, slices), shards = new Shards(path, [])
      groups.push(shards)
      for (const name of paths as string[]) shards.files.push(await RandomAccessFile.open(join(dirname(path), name)))
      if (shards.size !== wanted) refuse(path, `the weights of group ${at} need ${wanted} bytes and its shards have ${shards.size}`)
    }
    return {
      path, entries: slices, metadata: {}, layout: 'tensorflow', topology: isObject(modelTopology) && 'model_config' in modelTopology ? modelTopology['model_config'] : modelTopology,
      async read(name, scratch) {
        const slice = slices.get(name)
        if (!slice) throw new ModelError(`Cannot read tensor "${name}" from ${path}: the model has no weight of that name.`)
        const { quantized, dtype } = slice, bytes = await groups[slice.group]!.read(slice.start, slice.bytes, quantized ? undefined : scratch)
        return quantized ? dequantize(bytes, quantized, dtype !== 'F32') : decode(bytes, dtype, `tensor "${name}" of ${path}`)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
