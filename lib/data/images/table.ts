// images.fromTable: a table that names each picture's file, its label and, where there are any, its part, its group and more.
import { basename, dirname, join, resolve } from 'node:path'
import { isArchive } from '../archive.js'
import { otherColumns } from '../choose-parts.js'
import { labelOf } from '../classes.js'
import { DataError, shown } from '../errors.js'
import { openFolder } from '../folders.js'
import { labelColumns, type LabelOptions, type NumberLabel, type OneClass, type SeveralClasses } from '../labels.js'
import { needColumns, readRows } from '../tables/read.js'
import type { DataProblem, Dataset } from '../types.js'
import { buildImages, type ImageRow } from './build.js'

export interface ImageTableOptions {
  /** Column with the file's path, relative to `folder`. Default 'file'. */
  file?: string
  /** Column with the part: train, validation (val, dev), test. Default 'split' where there is such a column. */
  split?: string | boolean
  /** Column whose equal values stay in one part: a patient, a slide. */
  group?: string
  /** Where the paths start. Default: the table's folder. */
  folder?: string
  classes?: readonly string[]
  name?: string
  check?: 'full' | 'header'
}

/** Pictures that may have several classes, and pictures with a number: in place of `label`. */
export type SeveralImageRow = Omit<ImageRow, 'label'> & { labels: readonly string[] }
export type NumberImageRow = Omit<ImageRow, 'label'> & { value: number }

/**
 * Pictures listed in a table (CSV, TSV, Parquet, JSON lines), or in the `index.csv` of an archive. All other columns stay in the rows.
 * Each has one class (`label`), several (`labels`) or a number (`value`); the model's task must be the data's.
 * @throws DataError when the table or a named column is missing, or fewer than two classes have a readable picture.
 * @example const cells = await images.fromTable<{ slide: string }>('cells/index.csv', { file: 'file', label: 'label', group: 'slide' })
 * @example const chests = await images.fromTable('chests.csv', { labels: 'findings', group: 'patient' }) // findings: effusion|edema
 */
export function fromTable<Columns extends object = object>(table: string, o?: ImageTableOptions & OneClass): Promise<Dataset<ImageRow & Columns>>
export function fromTable<Columns extends object = object>(table: string, o: ImageTableOptions & SeveralClasses): Promise<Dataset<SeveralImageRow & Columns>>
export function fromTable<Columns extends object = object>(table: string, o: ImageTableOptions & NumberLabel): Promise<Dataset<NumberImageRow & Columns>>
export async function fromTable(table: string, o: ImageTableOptions & LabelOptions = {}): Promise<Dataset<any>> {
  const path = isArchive(table) ? join(await openFolder(table, 'images'), 'index.csv') : resolve(table)
  const { rows, columns } = await readRows(path)
  const file = o.file ?? 'file', wanted = labelColumns(o), labels = Object.values(wanted)
  const split = typeof o.split === 'string' ? o.split : o.split !== false && columns.includes('split') ? 'split' : undefined
  needColumns(table, columns, { file, ...wanted, ...(split ? { split } : {}), ...(o.group ? { group: o.group } : {}) })
  const problems: DataProblem[] = []
  const entries = rows.flatMap((row, i) => {
    const name = labelOf(row[file])
    if (name === undefined) { problems.push({ file: `row ${i + 1}`, rule: 'missing value', detail: `column "${file}" is empty; the row is left out` }); return [] }
    return [{ file: name, row, part: split ? labelOf(row[split]) : undefined, columns: otherColumns(row, [file, ...labels, split]) }]
  })
  if (entries.length === 0) throw new DataError(`Cannot load images from ${shown(table)}: it has no rows with a file. Check that column "${file}" holds paths.`)
  return buildImages<ImageRow>(o.folder ? resolve(o.folder) : dirname(path), entries, {
    name: o.name ?? basename(table).replace(/\.(tar\.gz|tgz|tar|zip|csv|tsv)$/i, ''), classes: o.classes, check: o.check, group: o.group, labels: o, problems, ...(o.split === false ? { split: false } : {}),
    what: `images from ${shown(table)}`, advice: `Check the columns "${file}" (paths from ${o.folder ?? 'the table\'s folder'}) and ${labels.map((column) => `"${column}"`).slice(0, 5).join(', ')}.`,
  })
}
