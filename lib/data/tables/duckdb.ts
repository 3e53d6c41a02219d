// DuckDB, started at the first question and kept: one connection in memory, values as JavaScript knows them.
import type { DuckDBConnection } from '@duckdb/node-api'

let connection: Promise<DuckDBConnection> | undefined

async function connect(): Promise<DuckDBConnection> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false' })
  return instance.connect()
}

export type Value = string | number | boolean | null | Date | bigint | Value[] | { [key: string]: Value }

export interface QueryResult { columns: string[]; types: string[]; rows: Record<string, unknown>[] }

/** Whole numbers that fit become numbers; dates become Dates. */
const plain = (value: unknown): unknown => typeof value === 'bigint' && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value

export async function query(sql: string): Promise<QueryResult> {
  const db = await (connection ??= connect())
  const reader = await db.runAndReadAll(sql)
  const columns = reader.deduplicatedColumnNames(), types = reader.columnTypes().map(String)
  const values = reader.getColumnsJS()
  const rows = Array.from({ length: reader.currentRowCount }, (_, row) => {
    const record: Record<string, unknown> = {}
    for (let c = 0; c < columns.length; c++) record[columns[c]!] = plain(values[c]![row])
    return record
  })
  return { columns, types, rows }
}

/** A text as an SQL literal. */
export const literal = (text: string): string => `'${text.replaceAll('\'', '\'\'')}'`

/** A name as an SQL identifier. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`
