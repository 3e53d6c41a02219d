// What stands beside an exported graph: the class names and how an example becomes an input. And the way a folder appears whole.
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ModelError } from '../errors.js'
import { writePreprocessing } from '../preprocessing-files.js'
import type { Model } from '../types.js'
import { writeWhole } from '../write-whole.js'

/** Fills a new folder beside `folder` and moves it there when it is whole. An export of the same kind is replaced; any other content is left alone. */
export async function writeFolder(folder: string, mark: string, fill: (work: string) => Promise<void>): Promise<string> {
  const path = resolve(folder.replace(/^file:(\/\/)?/, ''))
  const there = await stat(path).catch(() => undefined)
  if (there && !there.isDirectory()) throw new ModelError(`Cannot export to ${path}: there is a file of that name. Give a folder.`)
  const inside = there ? await readdir(path) : []
  if (inside.length > 0 && !inside.includes(mark)) throw new ModelError(`Cannot export to ${path}: it holds other files (${inside.slice(0, 3).join(', ')}). Give an empty folder, or one of its own such as ${join(path, 'export')}.`)
  let work
  try {
    await mkdir(dirname(path), { recursive: true })
    work = await mkdtemp(`${path}.partial-`)
    await fill(work)
    await rm(path, { recursive: true, force: true })
    await rename(work, path)
    return path
  } catch (error) {
    if (work) await rm(work, { recursive: true, force: true })
    if (error instanceof ModelError || !(error as NodeJS.ErrnoException).code) throw error
    throw new ModelError(`Cannot export to ${path}: ${(error as Error).message}. Check that the folder can be written and the disk has room.`, { cause: error })
  }
}

export async function writeBeside(folder: string, model: Model): Promise<void> {
  await writePreprocessing(folder, model.preprocessing)
  await writeWhole(join(folder, 'labels.json'), `${JSON.stringify(model.classes, null, 2)}\n`)
}
