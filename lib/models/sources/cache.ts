// The cache of downloaded weights: one folder per source, filled completely or not at all, each file with a checksum that is verified at every use.
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { ModelError } from '../errors.js'

/** `AFINAR_CACHE`, or ~/.cache/afinar. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string => resolve(env['AFINAR_CACHE'] || join(os.homedir(), '.cache', 'afinar'))

export interface CachedFile { /** Path inside the folder, with /. */ name: string; bytes: number; sha256: string }
export interface CacheRecord { source: string; fetched: string; /** Such as the version that was downloaded, and its licence. */ facts: Record<string, string>; files: CachedFile[] }
export interface CachedFolder extends CacheRecord { folder: string }

/** With one buffer for the whole file: a stream would leave as much garbage as the file is long. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256'), file = await open(path, 'r'), buffer = Buffer.allocUnsafeSlow(1 << 20)
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

const isRecord = (value: unknown): value is CacheRecord => {
  const record = value as CacheRecord | null
  return typeof record === 'object' && record !== null && Array.isArray(record.files) && record.files.every(({ name, sha256: sum }) => typeof name === 'string' && typeof sum === 'string' && !name.split('/').includes('..') && !name.startsWith('/'))
}

/** The cached files of `source`, verified; undefined when nothing (or something damaged, which is then removed) is there. */
async function verified(folder: string): Promise<CachedFolder | undefined> {
  const text = await readFile(join(folder, 'record.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const record: unknown = JSON.parse(text)
    if (!isRecord(record)) throw new Error('record')
    for (const { name, bytes, sha256: sum } of record.files) {
      const path = join(folder, name)
      if ((await stat(path)).size !== bytes || await sha256(path) !== sum) throw new Error(name)
    }
    return { ...record, folder }
  } catch {
    await rm(folder, { recursive: true, force: true })
    return undefined
  }
}

/**
 * The folder of `key` in the cache, filled by `fill` when it is not there yet. `fill` writes into an empty folder and names the files to keep.
 * A file that no longer has its checksum is fetched again. Two processes may fill at the same time: the first to finish wins.
 */
export async function cached(source: string, key: readonly string[], fill: (folder: string) => Promise<{ files: string[]; facts?: Record<string, string> }>, env?: NodeJS.ProcessEnv): Promise<CachedFolder> {
  const folder = join(cacheFolder(env), ...key.map((part) => part.replace(/[^\w.@+-]/g, '_').replace(/^\.+/, '_')))
  const there = await verified(folder)
  if (there) return there
  let work
  try {
    await mkdir(dirname(folder), { recursive: true })
    work = await mkdtemp(`${folder}.partial-`)
  } catch (error) {
    throw new ModelError(`Cannot keep ${source} in the cache ${cacheFolder(env)}: ${(error as Error).message}. Set AFINAR_CACHE to a folder that can be written.`, { cause: error })
  }
  try {
    const { files, facts = {} } = await fill(work)
    const entries = await Promise.all(files.map(async (name) => ({ name, bytes: (await stat(join(work, name))).size, sha256: await sha256(join(work, name)) })))
    await writeFile(join(work, 'record.json'), JSON.stringify({ source, fetched: new Date().toISOString(), facts, files: entries } satisfies CacheRecord, null, 2))
    await rename(work, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
      await rm(work, { recursive: true, force: true })
    })
  } catch (error) {
    await rm(work, { recursive: true, force: true })
    throw error
  }
  const filled = await verified(folder)
  if (!filled) throw new ModelError(`Cannot use ${source}: the files in ${folder} changed while they were written. Try again.`)
  return filled
}
