// Where the catalogue's files are: the project's notebooks/data, the folder that AFINAR_DATA names, else fetched from the public address into the cache.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keptFolder } from '../cache.js'
import { DataError } from '../errors.js'

export interface SampleFile {
  file: string
  /** Public address; where its file differs from ours in name, `file` is what it is kept as. */
  address?: string
  /** Of the file at the address, where it is known. */
  sha256?: string
  /** What to do when nothing works. */
  advice: string
}

const upwards = (from: string): string[] => dirname(from) === from ? [from] : [from, ...upwards(dirname(from))]

/** Folders that are looked into, in order. */
export function sampleFolders(): string[] {
  const here = upwards(dirname(fileURLToPath(import.meta.url))).slice(0, 5).map((folder) => join(folder, 'notebooks', 'data'))
  const working = upwards(process.cwd()).slice(0, 5).flatMap((folder) => [join(folder, 'data'), join(folder, 'notebooks', 'data')])
  const named = process.env['AFINAR_DATA']
  return [...working, ...here, ...(named ? [resolve(named)] : [])]
}

/** The file's path. `fetcher` is for tests. */
export async function findSample({ file, address, sha256, advice }: SampleFile, fetcher: typeof fetch = fetch): Promise<string> {
  const found = sampleFolders().map((folder) => join(folder, file)).find((path) => existsSync(path))
  if (found) return found
  const named = process.env['AFINAR_DATA']
  const missing = (why: string, cause?: unknown) => new DataError(`Cannot find the sample data ${file}: it is not in the project's notebooks/data${named ? ` and not in ${named} (AFINAR_DATA)` : ', AFINAR_DATA is not set'}, and ${why}. ${advice}`, cause === undefined ? undefined : { cause })
  if (!address) throw missing('it has no public address')
  const folder = await keptFolder(file.replace(/\W/g, '-'), address, async (work) => {
    const response = await fetcher(address, { redirect: 'follow' }).catch((error) => { throw missing(`${address} cannot be reached (${(error as Error).message})`, error) })
    if (!response.ok) throw missing(`${address} answered ${response.status} ${response.statusText}`)
    const bytes = Buffer.from(await response.arrayBuffer())
    const sum = createHash('sha256').update(bytes).digest('hex')
    if (sha256 && sum !== sha256) throw missing(`${address} sent something else: its SHA-256 is ${sum}, expected ${sha256}`)
    await writeFile(join(work, file), bytes)
  })
  return join(folder, file)
}
