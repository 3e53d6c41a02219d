// Variables of a TensorFlow SavedModel or checkpoint: a sorted table of names (variables.index, LevelDB's form) and files of bytes.
// Every block and every tensor has a checksum (CRC-32C), which is verified.
import { basename, dirname, join } from 'node:path'
import { ModelError } from '../errors.js'
import { crc32c, unmasked } from './crc32c.js'
import { RandomAccessFile } from './file.js'
import { readFields } from './protobuf.js'
import { bytesOf, decode, elements, type StoredType, type WeightEntry, type WeightFile } from './weights.js'

const largestIndex = 64 * 2 ** 20, footerBytes = 48, magic = 0xdb4775248b80fb57n
/** TensorFlow's numbers of data types; others (strings, resources) are no weights. */
const types: Record<number, StoredType> = { 1: 'F32', 2: 'F64', 3: 'I32', 4: 'U8', 5: 'I16', 6: 'I8', 9: 'I64', 10: 'BOOL', 14: 'BF16', 19: 'F16' }
interface Slice extends WeightEntry { shard: number; start: number; bytes: number; checksum: number }

function refuse(path: string, why: string): never {
  throw new ModelError(`Cannot read ${path} as TensorFlow variables: ${why}. The file is truncated or damaged; fetch it again.`)
}

/** A number in seven bits a byte, as LevelDB's blocks have it. */
class Cursor {
  constructor(readonly path: string, readonly bytes: Uint8Array, public at = 0, readonly end = bytes.length) {}
  number(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.at < this.end ? this.bytes[this.at++]! : refuse(this.path, 'its table ends in the middle of a number')
      value += (byte & 127) * scale
      if (byte < 128) return Number.isSafeInteger(value) ? value : refuse(this.path, 'its table has a number that is too large')
    }
    return refuse(this.path, 'its table has a number that is too large')
  }
  take(length: number): Uint8Array {
    if (this.at + length > this.end) refuse(this.path, 'an entry of its table is longer than the table')
    return this.bytes.subarray(this.at, this.at += length)
  }
}

/** The keys and values of one block of the table. */
function block(path: string, file: Uint8Array, offset: number, size: number): { key: Buffer; value: Uint8Array }[] {
  if (offset + size + 5 > file.length || size < 4) refuse(path, `a block of its table lies at bytes ${offset} to ${offset + size + 5}, and the file has ${file.length}`)
  const view = new DataView(file.buffer, file.byteOffset), type = file[offset + size]!
  if (type !== 0) refuse(path, 'its table is compressed, which TensorFlow never writes')
  if (unmasked(view.getUint32(offset + size + 1, true)) !== crc32c(file.subarray(offset, offset + size + 1))) refuse(path, 'a block of its table does not have its checksum')
  const restarts = view.getUint32(offset + size - 4, true), end = offset + size - 4 - 4 * restarts
  if (end < offset) refuse(path, `a block of its table claims ${restarts} restarts`)
  const cursor = new Cursor(path, file, offset, end), entries: { key: Buffer; value: Uint8Array }[] = []
  let key = Buffer.alloc(0)
  while (cursor.at < end) {
    const shared = cursor.number(), own = cursor.number(), length = cursor.number()
    if (shared > key.length) refuse(path, 'an entry of its table shares more of its name than there is')
    key = Buffer.concat([key.subarray(0, shared), cursor.take(own)])
    entries.push({ key, value: cursor.take(length) })
  }
  return entries
}

/** BundleEntryProto: dtype 1, shape 2, shard_id 3, offset 4, size 5, crc32c 6, slices 7. */
function sliceOf(path: string, name: string, value: Uint8Array): Slice | undefined {
  let dtype = 0, shard = 0, start = 0, bytes = 0, checksum = 0
  const shape: number[] = []
  for (const { field, number, content } of readFields(value, path)) {
    if (field === 1) dtype = number
    if (field === 2) for (const dimension of readFields(content, path)) if (dimension.field === 2) shape.push(readFields(dimension.content, path).find((part) => part.field === 1)?.number ?? 0)
    if (field === 3) shard = number
    if (field === 4) start = number
    if (field === 5) bytes = number
    if (field === 6) checksum = number
    if (field === 7) refuse(path, `variable "${name}" is cut into slices; save it again without partitions`)
  }
  const type = types[dtype]
  if (!type) return undefined
  if (![...shape, shard, start, bytes].every((n) => Number.isSafeInteger(n) && n >= 0)) refuse(path, `variable "${name}" has shape [${shape.join(', ')}] at byte ${start}, which must be whole numbers from 0`)
  if (elements(shape) * bytesOf[type] !== bytes) refuse(path, `variable "${name}" of shape [${shape.join(', ')}] and type ${type} needs ${elements(shape) * bytesOf[type]} bytes and has ${bytes}`)
  return { dtype: type, shape, shard, start, bytes, checksum }
}

async function table(path: string): Promise<{ slices: Map<string, Slice>; shards: number }> {
  const index = await RandomAccessFile.open(path)
  try {
    if (index.size < footerBytes || index.size > largestIndex) refuse(path, `it has ${index.size} bytes, and a table has from ${footerBytes} to ${largestIndex}`)
    const file = await index.read(0, index.size), footer = new Cursor(path, file, file.length - footerBytes)
    if (new DataView(file.buffer, file.byteOffset).getBigUint64(file.length - 8, true) !== magic) refuse(path, 'it does not end as a table does')
    for (let skip = 0; skip < 2; skip++) footer.number() // the table of what there is beside the entries
    const blocks = block(path, file, footer.number(), footer.number())
    const slices = new Map<string, Slice>()
    let shards = 1
    for (const { value } of blocks) {
      const handle = new Cursor(path, value)
      for (const { key, value: entry } of block(path, file, handle.number(), handle.number())) {
        const name = key.toString('utf8')
        if (name === '') { // BundleHeaderProto: num_shards 1, endianness 2
          const header = readFields(entry, path)
          shards = header.find(({ field }) => field === 1)?.number ?? 1
          if ((header.find(({ field }) => field === 2)?.number ?? 0) !== 0) refuse(path, 'its numbers are big-endian; save it on another machine')
          continue
        }
        const slice = sliceOf(path, name, entry)
        if (slice) slices.set(name.replace(/\/\.ATTRIBUTES\/VARIABLE_VALUE$/, ''), slice)
      }
    }
    if (!Number.isSafeInteger(shards) || shards < 1 || shards > 99_999) refuse(path, `it claims ${shards} files of bytes`)
    return { slices, shards }
  } finally {
    await index.close()
  }
}

/** Opens `variables.index` (or any checkpoint's .index). Names are TensorFlow's, without what Keras puts behind them. */
export async function openTensorBundle(path: string): Promise<WeightFile> {
  const { slices, shards } = await table(path), files: RandomAccessFile[] = []
  const close = async () => { for (const file of files) await file.close() }
  try {
    const stem = basename(path).replace(/\.index$/, ''), pad = (n: number) => String(n).padStart(5, '0')
    for (let shard = 0; shard < shards; shard++) files.push(await RandomAccessFile.open(join(dirname(path), `${stem}.data-${pad(shard)}-of-${pad(shards)}`)))
    for (const [name, { shard, start, bytes }] of slices) if (shard >= shards || start + bytes > files[shard]!.size) refuse(path, `variable "${name}" lies at bytes ${start} to ${start + bytes} of file ${shard}, which has ${files[shard]?.size ?? 0}`)
    return {
      path, entries: slices, metadata: {}, layout: 'tensorflow',
      async read(name, scratch) {
        const slice = slices.get(name)
        if (!slice) throw new ModelError(`Cannot read tensor "${name}" from ${path}: there is no variable of that name.`)
        const bytes = await files[slice.shard]!.read(slice.start, slice.bytes, scratch)
        if (crc32c(bytes) !== unmasked(slice.checksum)) refuse(path, `variable "${name}" does not have its checksum`)
        return decode(bytes, slice.dtype, `variable "${name}" of ${path}`)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
