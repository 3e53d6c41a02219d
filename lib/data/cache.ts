// Where this room keeps what it unpacked or fetched: `AFINAR_CACHE`, or ~/.cache/afinar, folder `data`. A folder there is complete or absent.
import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { DataError } from './errors.js'

const cacheFolder = (): string => join(resolve(process.env['AFINAR_CACHE'] || join(homedir(), '.cache', 'afinar')), 'data')

/** The folder of this key, filled by `fill` unless it is there. Two processes may fill at once: the first to finish wins. */
export async function keptFolder(name: string, key: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), `${name.replace(/[^\w.-]/g, '_')}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`)
  if (existsSync(folder)) return folder
  const work = `${folder}.partial-${randomUUID().slice(0, 8)}`
  try {
    await mkdir(work, { recursive: true })
  } catch (error) {
    throw new DataError(`Cannot keep data in ${dirname(folder)}: ${(error as Error).message}. Set AFINAR_CACHE to a folder that can be written.`, { cause: error })
  }
  try {
    await fill(work)
    await rename(work, folder).catch((error) => { if (!existsSync(folder)) throw error })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return folder
}

/** Changes when the file does: its place, size and time. */
export async function identityOf(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file)
  return `${basename(file)} ${resolve(file)} ${size} ${mtimeMs}`
}
