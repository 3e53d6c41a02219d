// Reads safetensors files (https://github.com/huggingface/safetensors): a JSON table of contents, then bytes. Strict: what the format forbids is refused.
import { ModelError } from '../errors.js'
import { RandomAccessFile } from './file.js'
import { bytesOf, decode, elements, type StoredType, type WeightEntry, type WeightFile } from './weights.js'

const largestHeader = 100_000_000
interface Slice extends WeightEntry { readonly begin: number; readonly end: number }

function refuse(path: string, why: string): never {
  throw new ModelError(`Cannot read ${path} as safetensors: ${why}. The file is truncated, damaged or not safetensors; fetch it again.`)
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function sliceOf(path: string, name: string, record: unknown, room: number): Slice {
  const { dtype, shape, data_offsets: offsets } = (typeof record === 'object' && record !== null ? record : {}) as Record<string, unknown>
  if (typeof dtype !== 'string' || !Object.hasOwn(bytesOf, dtype)) refuse(path, `tensor "${name}" has type ${JSON.stringify(dtype)}, and the types that can be read are ${Object.keys(bytesOf).join(', ')}`)
  if (!Array.isArray(shape) || !shape.every(isCount)) refuse(path, `tensor "${name}" has shape ${JSON.stringify(shape)}, which must be a list of whole numbers from 0`)
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) refuse(path, `tensor "${name}" has offsets ${JSON.stringify(offsets)}, which must be two whole numbers from 0`)
  const [begin, end] = offsets as [number, number]
  if (begin > end || end > room) refuse(path, `tensor "${name}" lies at bytes ${begin} to ${end}, and the file holds ${room}`)
  const size = elements(shape as number[]) * bytesOf[dtype as StoredType]
  if (end - begin !== size) refuse(path, `tensor "${name}" of shape [${shape.join(', ')}] and type ${dtype} needs ${size} bytes and has ${end - begin}`)
  return { dtype: dtype as StoredType, shape: shape as number[], begin, end }
}

/** Opens a safetensors file and checks its whole table of contents: types, shapes, offsets in range, no gap, no overlap. */
export async function openSafetensors(path: string): Promise<WeightFile> {
  const file = await RandomAccessFile.open(path)
  try {
    if (file.size < 8) refuse(path, `it has ${file.size} bytes, fewer than the 8 that give the size of the header`)
    const length = new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true)
    if (length > BigInt(Math.min(largestHeader, file.size - 8))) refuse(path, `its header claims ${length} bytes and the file has ${file.size}`)
    const start = 8 + Number(length)
    let header: unknown
    try {
      header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await file.read(8, Number(length))))
    } catch (error) {
      refuse(path, `its header is not JSON (${(error as Error).message})`)
    }
    if (typeof header !== 'object' || header === null || Array.isArray(header)) refuse(path, 'its header is not a JSON object')
    const slices = new Map<string, Slice>()
    let metadata: Record<string, string> = {}
    for (const [name, record] of Object.entries(header)) {
      if (name !== '__metadata__') slices.set(name, sliceOf(path, name, record, file.size - start))
      else if (typeof record === 'object' && record !== null && Object.values(record).every((value) => typeof value === 'string')) metadata = record as Record<string, string>
      else refuse(path, 'its "__metadata__" is not a table of strings')
    }
    let end = 0
    for (const [name, slice] of [...slices].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
      if (slice.begin !== end) refuse(path, `tensor "${name}" begins at byte ${slice.begin}, where ${slice.begin < end ? 'another tensor still lies' : 'a gap ends'}; the rule is one after the other (byte ${end})`)
      end = slice.end
    }
    if (end !== file.size - start) refuse(path, `its tensors end at byte ${end} and the file at ${file.size - start}`)
    return {
      path, entries: slices, metadata,
      async read(name, scratch) {
        const slice = slices.get(name)
        if (!slice) throw new ModelError(`Cannot read tensor "${name}" from ${path}: the file has no tensor of that name.`)
        return decode(await file.read(start + slice.begin, slice.end - slice.begin, scratch), slice.dtype, `tensor "${name}" of ${path}`)
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}
