// From a list of picture files with labels to a Dataset: looks at every file once, names the broken ones, makes the classes. Where lists come from: folder.ts, table.ts.
import { join } from 'node:path'
import { mapAtMost } from '../atmost.js'
import { createDataset } from '../dataset.js'
import { tableLabels, type LabelOptions, type StoredLabels } from '../labels.js'
import type { DataProblem, Dataset } from '../types.js'
import { filesSource, PictureContent } from './content.js'
import { decodePicture, problemOf, sizeOf } from './decode.js'

/** Columns that every set of pictures has. Sizes in pixels, as shown. */
export interface ImageRow { file: string; label: string; width: number; height: number }

export interface FileEntry { /** Relative to the folder, with /. */ file: string; part: string | undefined; /** With the label's columns. */ row: Record<string, unknown>; /** What stays in the data set's rows. */ columns: Record<string, unknown> }

export interface BuildOptions {
  name: string
  /** Names and order of the classes; other labels are left out. Default: those found, sorted. */
  classes?: readonly string[] | undefined
  /** 'full' decodes every picture once, 'header' reads sizes only; broken rest shows up when it is used. Default 'full' up to 2,000 pictures. */
  check?: 'full' | 'header' | undefined
  /** Default true: parts that are not given are cut here (stratified, seed 0). */
  split?: boolean | undefined
  group?: string | undefined
  /** Default: one class each, in 'label'. */
  labels?: LabelOptions
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
  const labels = tableLabels(entries.map(({ row }) => row), o.labels ?? {}, o.classes, (row) => entries[row]!.file, problems)
  const full = (o.check ?? (entries.length <= fullCheckUpTo ? 'full' : 'header')) === 'full'
  const sizes = await mapAtMost(entries.length, full ? 8 : 16, async (row) => {
    const { file } = entries[row]!
    if (!labels.known(row)) return undefined
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
  const kept = Array.from(entries.keys()).filter((row) => sizes[row] !== undefined), entryOf = (row: number) => entries[row]!
  labels.check(kept, o.what, o.advice)
  const rows = kept.map((row) => ({ file: entryOf(row).file, ...labels.shown(row), ...entryOf(row).columns, width: sizes[row]!.width, height: sizes[row]!.height }) as unknown as Row)
  return datasetOf(folder, rows, labels.of(kept), kept.some((row) => entryOf(row).part) ? kept.map((row) => entryOf(row).part) : undefined, o)
}

/** On its own, so that what the data set keeps does not hold on to the list that it was made from. */
function datasetOf<Row extends ImageRow>(folder: string, rows: readonly Row[], labels: StoredLabels, parts: readonly (string | undefined)[] | undefined, o: BuildOptions): Dataset<Row> {
  return createDataset<Row>({
    kind: 'images', name: o.name, ...labels, rows, key: (id) => rows[id]!.file, content: new PictureContent(filesSource(folder, rows), rows.length, labels.labels, o.problems), problems: o.problems, notes: o.notes ?? [], group: o.group,
  }, parts, o.split === undefined ? {} : { split: o.split })
}
