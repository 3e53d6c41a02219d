// From a list of picture files with labels to a Dataset: looks at every file once, names the broken ones, makes the classes. Where lists come from: folder.ts, table.ts.
import { join } from 'node:path'
import { mapAtMost } from '../atmost.js'
import { checkClasses, classify } from '../classes.js'
import { createDataset } from '../dataset.js'
import type { DataProblem, Dataset } from '../types.js'
import { filesSource, PictureContent } from './content.js'
import { decodePicture, problemOf, sizeOf } from './decode.js'

/** Columns that every set of pictures has. Sizes in pixels, as shown. */
export interface ImageRow { file: string; label: string; width: number; height: number }

export interface FileEntry { /** Relative to the folder, with /. */ file: string; label: string | undefined; part: string | undefined; columns: Record<string, unknown> }

export interface BuildOptions {
  name: string
  /** Names and order of the classes; other labels are left out. Default: those found, sorted. */
  classes?: readonly string[] | undefined
  /** 'full' decodes every picture once, 'header' reads sizes only; broken rest shows up when it is used. Default 'full' up to 2,000 pictures. */
  check?: 'full' | 'header' | undefined
  /** Default true: parts that are not given are cut here (stratified, seed 0). */
  split?: boolean | undefined
  group?: string | undefined
  /** For messages: where the pictures were sought, and what to do when there are none. */
  what: string
  advice: string
  notes?: readonly string[]
  problems: DataProblem[]
}

const fullCheckUpTo = 2000

const white = [255, 255, 255] as const

export async function buildImages<Row extends ImageRow>(folder: string, entries: readonly FileEntry[], o: BuildOptions): Promise<Dataset<Row>> {
  const { problems } = o
  const { classes, ids } = classify(entries.map(({ label }) => label), o.classes, (row) => entries[row]!.file, problems)
  const full = (o.check ?? (entries.length <= fullCheckUpTo ? 'full' : 'header')) === 'full'
  const sizes = await mapAtMost(entries.length, full ? 8 : 16, async (row) => {
    const { file } = entries[row]!
    if (ids[row]! < 0) return undefined
    const path = join(folder, file)
    try {
      if (!full) return await sizeOf(path)
      const { width, height } = await decodePicture(path, white)
      return { width, height }
    } catch (error) {
      problems.push(await problemOf(path, file, error))
      return undefined
    }
  })
  problems.sort((a, b) => a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : a.file < b.file ? -1 : 1)
  const kept = Int32Array.from(entries.keys()).filter((row) => sizes[row] !== undefined), entryOf = (row: number) => entries[row]!
  const labels = kept.map((row) => ids[row]!)
  checkClasses(o.what, classes, labels, problems, o.advice)
  const rows = Array.from(kept, (row) => ({ file: entryOf(row).file, label: classes[ids[row]!]!, ...entryOf(row).columns, width: sizes[row]!.width, height: sizes[row]!.height }) as unknown as Row)
  return datasetOf(folder, rows, labels, classes, kept.some((row) => entryOf(row).part) ? Array.from(kept, (row) => entryOf(row).part) : undefined, o)
}

/** On its own, so that what the data set keeps does not hold on to the list that it was made from. */
function datasetOf<Row extends ImageRow>(folder: string, rows: readonly Row[], labels: Int32Array, classes: readonly string[], parts: readonly (string | undefined)[] | undefined, o: BuildOptions): Dataset<Row> {
  return createDataset<Row>({
    kind: 'images', name: o.name, classes, rows, labels, key: (id) => rows[id]!.file, content: new PictureContent(filesSource(folder, rows), labels, o.problems), problems: o.problems, notes: o.notes ?? [], group: o.group,
  }, parts, o.split === undefined ? {} : { split: o.split })
}
