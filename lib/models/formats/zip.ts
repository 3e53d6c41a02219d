// The table of contents of a zip archive, and unpacking chosen entries to a folder. Names that leave the folder and archives that swell are refused.
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'
import yauzl from 'yauzl'
import { ModelError } from '../errors.js'

export interface ZipEntry { readonly name: string; readonly size: number; readonly compressed: boolean; /** First byte of the data in the archive. */ readonly start: number }

interface Entry { fileName: string; uncompressedSize: number; compressedSize: number; compressionMethod: number; crc32: number; isEncrypted(): boolean }
interface Archive {
  eachEntry(visit: (entry: Entry) => Promise<void>): Promise<void>
  dataStart(entry: Entry): Promise<number>
}

/** yauzl's callbacks as promises; every fault in the archive becomes an error that names it. */
async function withArchive<T>(path: string, use: (archive: Archive) => Promise<T>): Promise<T> {
  const fail = (error: Error): never => { throw error instanceof ModelError ? error : new ModelError(`Cannot read the archive ${path}: ${error.message}. It is truncated, damaged or unsafe; fetch it again.`, { cause: error }) }
  const zip = await new Promise<any>((resolve, reject) => yauzl.open(path, { lazyEntries: true, autoClose: false, strictFileNames: true } as yauzl.Options, (error, file) => error ? reject(error) : resolve(file))).catch(fail)
  const later = <R>(start: (done: (error: Error | null, value: R) => void) => void) => new Promise<R>((resolve, reject) => start((error, value) => error ? reject(error) : resolve(value)))
  try {
    return await use({
      eachEntry: (visit) => new Promise<void>((resolve, reject) => {
        zip.on('error', reject)
        zip.on('end', resolve)
        zip.on('entry', (entry: Entry) => visit(entry).then(() => zip.readEntry(), reject))
        zip.readEntry()
      }),
      dataStart: async (entry) => (await later<{ fileDataStart: number }>((done) => zip.readLocalFileHeader(entry, { minimal: true }, done))).fileDataStart,
    })
  } catch (error) {
    return fail(error as Error)
  } finally {
    zip.close()
  }
}

/** Lets an entry's bytes pass, and fails unless they are as many as the table of contents says, with its CRC-32. */
function exactly({ fileName, uncompressedSize, crc32 }: Entry): Transform {
  const sum = (zlib as { crc32?: (data: Buffer, value: number) => number }).crc32 // from Node 20.15
  let bytes = 0, crc = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      crc = sum?.(chunk, crc) ?? crc
      done(bytes > uncompressedSize ? new Error(`${fileName} is longer than its ${uncompressedSize} bytes`) : null, chunk)
    },
    flush(done) {
      done(bytes !== uncompressedSize ? new Error(`${fileName} has ${bytes} of its ${uncompressedSize} bytes`) : sum && crc !== crc32 ? new Error(`${fileName} does not have its checksum`) : null)
    },
  })
}

/** Every file of the archive and where its bytes lie. */
export async function readZip(path: string): Promise<ZipEntry[]> {
  return withArchive(path, async (archive) => {
    const entries: ZipEntry[] = []
    await archive.eachEntry(async (entry) => {
      if (entry.fileName.endsWith('/')) return
      const start = await archive.dataStart(entry)
      entries.push({ name: entry.fileName, size: entry.uncompressedSize, compressed: entry.compressionMethod !== 0 || entry.compressedSize !== entry.uncompressedSize, start })
    })
    return entries
  })
}

/** Unpacks the entries that `wanted` accepts under `folder` and returns their names. An archive that swells more than 200-fold beyond 256 MB is refused as a bomb. */
export async function unpackZip(path: string, folder: string, wanted: (name: string) => boolean, archiveBytes: number, signal?: AbortSignal): Promise<string[]> {
  return withArchive(path, async (archive) => {
    const names: string[] = []
    let total = 0
    await archive.eachEntry(async (entry) => {
      const name = entry.fileName
      if (name.endsWith('/') || !wanted(name)) return
      if (entry.isEncrypted()) throw new ModelError(`Cannot unpack ${name} from ${path}: it is encrypted. Unpack it yourself and give its path.`)
      total += entry.uncompressedSize
      if (total > 256 * 2 ** 20 && total > 200 * archiveBytes) throw new ModelError(`Cannot unpack ${path}: its ${archiveBytes} bytes would swell to more than ${total}. It is not a package of weights.`)
      if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) throw new ModelError(`Cannot unpack ${name} from ${path}: its compression method ${entry.compressionMethod} is unknown. Unpack it yourself and give its path.`)
      const target = join(folder, name), start = await archive.dataStart(entry)
      await mkdir(dirname(target), { recursive: true })
      const stored = entry.compressedSize === 0 ? Readable.from([]) : createReadStream(path, { start, end: start + entry.compressedSize - 1 })
      const inflate = entry.compressionMethod === 8 ? [zlib.createInflateRaw()] : []
      await pipeline([stored, ...inflate, exactly(entry), createWriteStream(target)], signal ? { signal } : {})
      names.push(name)
    })
    return names
  })
}
