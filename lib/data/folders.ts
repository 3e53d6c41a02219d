// Folders and archives as loaders meet them: found, entered, listed in a fixed order. What the files are is the loaders' business.
import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { isArchive, unpacked } from './archive.js'
import { DataError, shown } from './errors.js'

const visible = (entries: Dirent[]) => entries.filter(({ name }) => !name.startsWith('.') && name !== '__MACOSX').sort((a, b) => a.name < b.name ? -1 : 1)

/** What a folder holds, without hidden entries. */
export const list = async (folder: string): Promise<Dirent[]> => visible(await readdir(folder, { withFileTypes: true }))

/** The folder of a path: itself, or what the archive holds; a lonely folder inside an archive is entered. */
export async function openFolder(path: string, what: string): Promise<string> {
  const full = resolve(path)
  const found = await stat(full).catch(() => undefined)
  if (!found) throw new DataError(`Cannot load ${what} from ${shown(path)}: there is no such file or folder (looked at ${full}). Check the path; relative ones start at the notebook's folder.`)
  if (found.isFile() && !isArchive(full)) throw new DataError(`Cannot load ${what} from ${shown(path)}: it must be a folder, .tar.gz, .tgz, .tar or .zip, got a file ending in ${shown(extname(full))}. Use fromTable for tables.`)
  if (found.isDirectory()) return full
  for (let folder = await unpacked(full); ;) {
    const [only, ...others] = await list(folder)
    if (!only?.isDirectory() || others.length > 0) return folder
    folder = join(folder, only.name)
  }
}

/** All files below, relative to `root` with /, sorted. */
export async function filesBelow(root: string, under: string): Promise<string[]> {
  const nested = await Promise.all((await list(join(root, under))).map(async (entry) => {
    const path = under === '' ? entry.name : `${under}/${entry.name}`
    return entry.isDirectory() ? filesBelow(root, path) : [path]
  }))
  return nested.flat()
}
