// The tables' door: files as danfojs frames, or as lazy tables where they are big.
import { basename } from 'node:path'
import type { DataFrame } from 'danfojs-node'
import { DataError, shown } from '../errors.js'
import { frameOf } from './frame.js'
import { LazyTable } from './lazy.js'
import { readRows, sourceOf, type TableOptions } from './read.js'

export type { TableOptions } from './read.js'
export type { ColumnValues } from './duckdb.js'
export type { LazyTable } from './lazy.js'

/** Rows from which danfojs becomes slow: sorting 200,000 took it 43 s. */
const frameUpTo = 500_000

async function toFrame(file: string, o: TableOptions & { /** Default 500,000. */ mostRows?: number } = {}): Promise<DataFrame> {
  const most = o.mostRows ?? frameUpTo
  const { rows, notes } = await readRows(file, o, `LIMIT ${most + 1}`)
  if (rows.length > most) throw new DataError(`Cannot make a danfojs frame of ${shown(file)}: it has more than ${most.toLocaleString('en')} rows, where danfojs gets slow. Use table.lazy(file), or give mostRows.`)
  for (const note of notes) console.warn(note)
  return frameOf(rows)
}

async function lazy(file: string, o: TableOptions = {}): Promise<LazyTable> {
  const { sql, encoding } = await sourceOf(file, o)
  return new LazyTable(basename(file), `SELECT * FROM ${sql(encoding ?? 'utf-8')}`)
}

/** What a SELECT gives; files are named in quotes: `SELECT * FROM 'ratings.parquet' WHERE rating > 3`. */
const sql = (select: string): LazyTable => new LazyTable('query', select)

/**
 * A CSV, TSV, Parquet, Arrow, JSON or JSON-lines file (packed with gzip or not) as a danfojs DataFrame. DuckDB reads; separator, header, quotes and types are found by looking.
 * `table.lazy(file)` leaves the rows on disk; `table.sql(select)` asks anything; `table.rows(list)` makes a frame of objects at hand.
 * @throws DataError for a missing, empty or unreadable file, and above 500,000 rows.
 * @example const ratings = await table('ratings.csv')
 */
export const table = Object.assign(toFrame, { lazy, sql, rows: frameOf })
