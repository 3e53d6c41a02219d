// The table of contents of a zip archive, and unpacking chosen entries to a folder. Names that leave the folder and archives that swell are refused.
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import yauzl from 'yauzl'
import { ModelError } from '../errors.js'

export interface ZipEntry { readonly name: string; readonly size: number; readonly compressed: boolean; /** First byte of the data in the archive. */ readonly start: number }

interface Entry { fileName: string; uncompressedSize: number; compressedSize: number; compressionMethod: number; isEncrypted(): boolean }
interface Archive {
  eachEntry(visit: (entry: Entry) => Promise<void>): Promise<void>
  dataStart(entry: Entry): Promise<number>
  stream(entry: Entry): Promise<Readable>
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
      stream: (entry) => later<Readable>((done) => zip.openReadStream(entry, done)),
    })
  } catch (error) {
    return fail(error as Error)
  } finally {
    zip.close()
  }
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
      const target = join(folder, name)
      await mkdir(dirname(target), { recursive: true })
      await pipeline(await archive.stream(entry), createWriteStream(target), ...(signal ? [{ signal }] : []) as [])
      names.push(name)
    })
    return names
  })
}
