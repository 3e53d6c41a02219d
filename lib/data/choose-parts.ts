// Which part a table says its rows belong to: by a column, or by lists of row numbers. Cutting parts where none are given: dataset.ts.
import { labelOf } from './classes.js'
import { DataError, shown } from './errors.js'

/** A column's name, row numbers (from 0) by part, or false for everything in one part. */
export type PartsOption = string | false | Readonly<Record<string, readonly number[]>>

export interface Chosen { /** Row numbers of the table that are used, in order. */ rows: number[]; /** Part of each of them; undefined: none is named. */ parts: (string | undefined)[] | undefined; /** The column that named them; it is not one of the data. */ column: string | undefined }

/** Default: the column 'split' where there is one. */
export function chooseParts(option: PartsOption | undefined, columns: readonly string[], table: readonly Readonly<Record<string, unknown>>[], name: string): Chosen {
  const all = table.map((_, row) => row)
  if (typeof option === 'object') {
    const parts = new Map<number, string>()
    for (const [part, rows] of Object.entries(option)) for (const row of rows) {
      if (!Number.isInteger(row) || row < 0 || row >= table.length) throw new DataError(`Cannot split ${shown(name)}: part "${part}" names row ${shown(row)}, the table has rows 0 to ${table.length - 1}.`)
      if (parts.has(row)) throw new DataError(`Cannot split ${shown(name)}: row ${row} is named twice, in "${parts.get(row)}" and "${part}". Name each row once.`)
      parts.set(row, part)
    }
    const rows = all.filter((row) => parts.has(row))
    return { rows, parts: rows.map((row) => parts.get(row)), column: undefined }
  }
  const column = option === false ? undefined : option ?? (columns.includes('split') ? 'split' : undefined)
  return { rows: all, parts: column === undefined ? undefined : table.map((row) => labelOf(row[column])), column }
}

/** The columns that are left when these are taken out. */
export function otherColumns(row: Record<string, unknown>, taken: readonly (string | undefined)[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !taken.includes(name)))
}
