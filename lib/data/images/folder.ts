// images.fromFolder: class subfolders, or train/validation/test with classes in them, in a folder or an archive.
import { basename, join } from 'node:path'
import { partName } from '../dataset.js'
import { DataError, shown } from '../errors.js'
import { filesBelow, list, openFolder } from '../folders.js'
import type { DataProblem, Dataset } from '../types.js'
import { buildImages, type FileEntry, type ImageRow } from './build.js'
import { pictureFiles } from './decode.js'
import { fromTable } from './table.js'

export interface FolderOptions {
  /** Names and order of the classes. Default: the subfolders' names, sorted. */
  classes?: readonly string[]
  /** Default: the folder's name. */
  name?: string
  /** Default true: parts that the folders do not name are cut here, stratified, with seed 0. */
  split?: boolean
  /** 'full' decodes every picture once, 'header' only reads sizes. Default 'full' up to 2,000 pictures. */
  check?: 'full' | 'header'
}

/**
 * Pictures in class subfolders: `folder/ant/1.jpg`, or `folder/train/ant/1.jpg`; a `.tar.gz` or `.zip` of it does as well.
 * JPEG, PNG, BMP, WebP, GIF, TIFF and AVIF. Files that cannot be read are listed in `problems` and left out.
 * With an `index.csv` (columns file, label, split …) beside the folders, that table decides.
 * Parts: those named, else 70/15/15 % stratified with seed 0; where only two are named, validation is cut from training.
 * @throws DataError when there is no such folder, no picture, or fewer than two classes.
 * @example const photos = await images.fromFolder('data/ants-bees')
 */
export async function fromFolder<Row extends ImageRow = ImageRow>(path: string, o: FolderOptions = {}): Promise<Dataset<Row>> {
  const folder = await openFolder(path, 'images')
  const name = o.name ?? basename(path).replace(/\.(tar\.gz|tgz|tar|zip)$/i, '')
  const entries = await list(folder)
  if (entries.some((entry) => entry.isFile() && entry.name === 'index.csv')) return fromTable<Row>(join(folder, 'index.csv'), { ...o, name })
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const parts = folders.some((name) => partName(name) === 'train') && folders.every((name) => ['train', 'validation', 'test'].includes(partName(name))) && folders.length > 1 ? folders : undefined
  const what = `images from ${shown(path)}`
  const advice = 'Put each class into a subfolder with its name: ants/1.jpg, bees/2.jpg, or train/ants/1.jpg, test/bees/2.jpg.'
  if (folders.length === 0) throw new DataError(`Cannot load ${what}: classes are read from subfolders, and it has none (${entries.length === 0 ? 'it is empty' : `it holds ${entries.slice(0, 3).map((entry) => entry.name).join(', ')}${entries.length > 3 ? ' …' : ''}`}). ${advice}`)
  const problems: DataProblem[] = []
  const found = await Promise.all((parts ?? [undefined]).map((part) => classesBelow(folder, part, problems)))
  const files = found.flat()
  if (o.classes) {
    const missing = o.classes.filter((label) => !files.some(({ row }) => row['label'] === label) && !problems.some((problem) => problem.rule === 'empty class' && problem.file.endsWith(label)))
    if (missing.length > 0) throw new DataError(`Cannot load ${what}: every class must have a subfolder, and there is none called ${missing.map(shown).join(', ')}. Subfolders are ${[...new Set(files.map(({ row }) => row['label']))].join(', ')}.`)
  }
  return buildImages<Row>(folder, files, { name, classes: o.classes, check: o.check, split: o.split, what, advice, problems })
}

async function classesBelow(root: string, part: string | undefined, problems: DataProblem[]): Promise<FileEntry[]> {
  const folders = (await list(join(root, part ?? ''))).filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const found = await Promise.all(folders.map(async (label) => {
    const files = (await filesBelow(root, part ? `${part}/${label}` : label)).filter((file) => pictureFiles.test(file))
    if (files.length === 0) problems.push({ file: part ? `${part}/${label}` : label, rule: 'empty class', detail: 'the subfolder holds no picture' })
    return files.map((file) => ({ file, part, row: { label }, columns: {} }))
  }))
  return found.flat()
}
