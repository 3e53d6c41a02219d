// images.fromTable: a table that names each picture's file, its label and, where there are any, its part, its group and more.
import { basename, dirname, join, resolve } from 'node:path'
import { isArchive } from '../archive.js'
import { labelOf } from '../classes.js'
import { DataError, shown } from '../errors.js'
import { openFolder } from '../folders.js'
import { needColumns, readRows } from '../tables/read.js'
import type { DataProblem, Dataset } from '../types.js'
import { buildImages, type ImageRow } from './build.js'

export interface ImageTableOptions {
  /** Column with the file's path, relative to `folder`. Default 'file'. */
  file?: string
  /** Column with the class. Default 'label'. */
  label?: string
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

/**
 * Pictures listed in a table (CSV, TSV, Parquet, JSON lines), or in the `index.csv` of an archive. All other columns stay in the rows.
 * @throws DataError when the table or a named column is missing, or fewer than two classes have a readable picture.
 * @example const cells = await images.fromTable<{ slide: string }>('cells/index.csv', { file: 'file', label: 'label', group: 'slide' })
 */
export async function fromTable<Columns extends object = object>(table: string, o: ImageTableOptions = {}): Promise<Dataset<ImageRow & Columns>> {
  const path = isArchive(table) ? join(await openFolder(table, 'images'), 'index.csv') : resolve(table)
  const { rows, columns } = await readRows(path)
  const file = o.file ?? 'file', label = o.label ?? 'label'
  const split = typeof o.split === 'string' ? o.split : o.split !== false && columns.includes('split') ? 'split' : undefined
  needColumns(table, columns, { file, label, ...(split ? { split } : {}), ...(o.group ? { group: o.group } : {}) })
  const problems: DataProblem[] = []
  const entries = rows.flatMap((row, i) => {
    const name = labelOf(row[file])
    if (name === undefined) { problems.push({ file: `row ${i + 1}`, rule: 'missing value', detail: `column "${file}" is empty; the row is left out` }); return [] }
    const { [file]: _, [label]: value, ...rest } = row
    if (split) delete rest[split]
    return [{ file: name, label: labelOf(value), part: split ? labelOf(row[split]) : undefined, columns: rest }]
  })
  if (entries.length === 0) throw new DataError(`Cannot load images from ${shown(table)}: it has no rows with a file. Check that column "${file}" holds paths.`)
  return buildImages<ImageRow & Columns>(o.folder ? resolve(o.folder) : dirname(path), entries, {
    name: o.name ?? basename(table).replace(/\.(tar\.gz|tgz|tar|zip|csv|tsv)$/i, ''), classes: o.classes, check: o.check, group: o.group, problems, ...(o.split === false ? { split: false } : {}),
    what: `images from ${shown(table)}`, advice: `Check the columns "${file}" (paths from ${o.folder ?? 'the table\'s folder'}) and "${label}".`,
  })
}
