// Archives: .tar, .tar.gz, .tgz and .zip unpacked into the cache, and single entries of zips (npz, wheels). Refuses paths that lead out, links and bombs.
import { createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import * as tar from 'tar'
import yauzl from 'yauzl'
import { identityOf, keptFolder } from './cache.js'
import { DataError } from './errors.js'

export const isArchive = (file: string): boolean => /\.(tar|tar\.gz|tgz|zip|whl)$/i.test(file)

/** What an archive may unpack to: entries, bytes, and bytes per byte of archive beyond the first GB. */
const most = { entries: 2_000_000, bytes: 200e9, ratio: 100, free: 1e9 }

class Meter {
  #entries = 0
  #bytes = 0
  constructor(private readonly file: string, private readonly packed: number) {}
  add(bytes: number): void {
    this.#entries++
    this.#bytes += bytes
    const bomb = this.#bytes > most.free && this.#bytes > this.packed * most.ratio
    if (this.#entries > most.entries || this.#bytes > most.bytes || bomb) throw new DataError(`Cannot unpack "${this.file}": it grows to more than ${this.#bytes.toLocaleString('en')} bytes in ${this.#entries} entries from ${this.packed.toLocaleString('en')}, which looks like a bomb. Unpack it yourself if you trust it and give the folder.`)
  }
}

const leadsOut = (name: string) => name.startsWith('/') || /^[a-z]:/i.test(name) || name.split(/[\\/]/).includes('..')

const refuseEntry = (file: string, name: string, why: string): never => { throw new DataError(`Cannot unpack "${file}": entry ${JSON.stringify(name)} ${why}. Such an archive is not safe: unpack it yourself and look at it.`) }

/** Unpacks once; the folder is reused while the archive stays the same. */
export async function unpacked(file: string): Promise<string> {
  const packed = (await stat(file)).size
  return keptFolder(basename(file).replace(/\.(tar\.gz|tgz|tar|zip|whl)$/i, ''), await identityOf(file), async (folder) => {
    try {
      if (/\.(zip|whl)$/i.test(file)) await unzip(file, folder, packed)
      else await untar(file, folder, packed)
    } catch (error) {
      if (error instanceof DataError) throw error
      throw new DataError(`Cannot unpack "${file}": ${(error as Error).message}. The archive is damaged or not what its name says; fetch it again.`, { cause: error })
    }
  })
}

async function untar(file: string, folder: string, packed: number): Promise<void> {
  const meter = new Meter(file, packed)
  let refusal: unknown
  let entries = 0
  await tar.extract({
    file, cwd: folder, strict: true, noChmod: true,
    filter(name, entry) {
      if (refusal) return false
      entries++
      try {
        meter.add('size' in entry ? Number(entry.size) || 0 : 0)
        if (leadsOut(name)) refuseEntry(file, name, 'leads out of the folder')
        const type = 'type' in entry ? entry.type : 'File'
        return type === 'File' || type === 'OldFile' || type === 'Directory' || type === 'ContiguousFile'
      } catch (error) { refusal = error; return false }
    },
  })
  if (refusal) throw refusal
  if (entries === 0) throw new DataError(`Cannot unpack "${file}": there is nothing in it. The archive is damaged or not what its name says; fetch it again.`)
}

async function unzip(file: string, folder: string, packed: number): Promise<void> {
  const meter = new Meter(file, packed)
  await eachEntry(file, async (entry, openStream) => {
    meter.add(entry.uncompressedSize)
    if (entry.fileName.endsWith('/')) return
    const target = join(folder, entry.fileName)
    await mkdir(dirname(target), { recursive: true })
    await pipeline(await openStream(), createWriteStream(target))
  })
}

type OpenStream = () => Promise<NodeJS.ReadableStream>

/** Goes through a zip; yauzl itself checks names and sizes. */
async function eachEntry(file: string, visit: (entry: yauzl.Entry, openStream: OpenStream) => Promise<void>): Promise<void> {
  const zip = await promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open)(file, { lazyEntries: true, autoClose: false, strictFileNames: false })
  try {
    await new Promise<void>((resolve, reject) => {
      zip.on('error', reject)
      zip.on('end', resolve)
      zip.on('entry', (entry: yauzl.Entry) => {
        if (leadsOut(entry.fileName)) { try { refuseEntry(file, entry.fileName, 'leads out of the folder') } catch (error) { reject(error); return } }
        visit(entry, () => promisify<yauzl.Entry, NodeJS.ReadableStream>(zip.openReadStream.bind(zip) as never)(entry)).then(() => zip.readEntry(), reject)
      })
      zip.readEntry()
    })
  } finally { zip.close() }
}

/** The entries whose name `wanted` accepts, in memory. */
export async function zipEntries(file: string, wanted: (name: string) => boolean, largest = 4e9): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  try {
    await eachEntry(file, async (entry, openStream) => {
      if (entry.fileName.endsWith('/') || !wanted(entry.fileName)) return
      if (entry.uncompressedSize > largest) refuseEntry(file, entry.fileName, `has ${entry.uncompressedSize.toLocaleString('en')} bytes, more than the limit of ${largest.toLocaleString('en')}`)
      const chunks: Buffer[] = []
      for await (const chunk of await openStream()) chunks.push(chunk as Buffer)
      found.set(entry.fileName, Buffer.concat(chunks))
    })
  } catch (error) {
    if (error instanceof DataError) throw error
    throw new DataError(`Cannot read "${file}": ${(error as Error).message}. It is damaged or no zip file; fetch it again.`, { cause: error })
  }
  return found
}
