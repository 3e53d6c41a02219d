// Arrow files (IPC: .arrow, .feather, .ipc) as tables of DuckDB, so that everything which works on the other formats works on them.
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { identityOf } from '../cache.js'
import { DataError, shown } from '../errors.js'
import { connection, identifier } from './duckdb.js'

const loaded = new Map<string, Promise<string>>()

/** Name of the DuckDB table that holds the file's rows; read once while the file stays the same. */
export async function arrowTable(path: string): Promise<string> {
  const key = await identityOf(path), known = loaded.get(key)
  if (known) return known
  const loading = load(path, `arrow ${loaded.size} ${basename(path)}`)
  loaded.set(key, loading)
  loading.catch(() => loaded.delete(key))
  return loading
}

type Column = { type: DuckDBType; sql: string; value: (raw: any) => DuckDBValue }

/** How Arrow's types become DuckDB's; what has no like becomes text. */
async function columnOf(type: { typeId: number; bitWidth?: number; isSigned?: boolean; dictionary?: unknown; unit?: number; scale?: number }): Promise<Column> {
  const { BIGINT, BOOLEAN, DATE, DOUBLE, INTEGER, TIMESTAMP, VARCHAR, DuckDBDateValue, DuckDBTimestampValue } = await import('@duckdb/node-api'), { Type } = await import('apache-arrow')
  switch (type.typeId) {
    case Type.Dictionary: return columnOf(type.dictionary as never)
    case Type.Bool: return { type: BOOLEAN, sql: 'BOOLEAN', value: (raw) => raw }
    case Type.Int: return (type.bitWidth ?? 32) < 32 || (type.bitWidth === 32 && type.isSigned) ? { type: INTEGER, sql: 'INTEGER', value: (raw) => raw } : { type: BIGINT, sql: 'BIGINT', value: (raw) => BigInt.asIntN(64, BigInt(raw)) }
    case Type.Float: return { type: DOUBLE, sql: 'DOUBLE', value: (raw) => raw }
    case Type.Decimal: return { type: DOUBLE, sql: 'DOUBLE', value: (raw) => Number(String(raw)) / 10 ** (type.scale ?? 0) }
    case Type.Date: return { type: DATE, sql: 'DATE', value: (raw) => new DuckDBDateValue(Math.floor(Number(raw) / 86_400_000)) }
    case Type.Timestamp: return { type: TIMESTAMP, sql: 'TIMESTAMP', value: (raw) => new DuckDBTimestampValue(BigInt(Math.round(Number(raw) * 1000))) }
    default: return { type: VARCHAR, sql: 'VARCHAR', value: (raw) => typeof raw === 'string' ? raw : JSON.stringify(raw, (_, value: unknown) => typeof value === 'bigint' ? Number(value) : value) }
  }
}

/** Rows that DuckDB takes at once. */
const chunkRows = 2048

async function load(path: string, name: string): Promise<string> {
  const { tableFromIPC } = await import('apache-arrow'), { DuckDBDataChunk } = await import('@duckdb/node-api')
  const refuse = (error: unknown): never => {
    const message = String((error as Error).message).split('\n')[0]!
    throw new DataError(`Cannot read the table ${shown(basename(path))}: it is no whole Arrow file (${message}). ${/compress|codec/i.test(message) ? 'Compressed ones are not read: save it with compression="uncompressed", or as Parquet.' : 'Write it again, or save it as Parquet.'}`, { cause: error })
  }
  try {
    const table = tableFromIPC(await readFile(path))
    if (table.numCols === 0) throw new Error('it has no columns')
    const columns = await Promise.all(table.schema.fields.map((field) => columnOf(field.type as never)))
    const db = await connection()
    await db.run(`CREATE OR REPLACE TABLE ${identifier(name)} (${table.schema.fields.map((field, i) => `${identifier(field.name || `column${i}`)} ${columns[i]!.sql}`).join(', ')})`)
    const appender = await db.createAppender(name)
    for (let start = 0; start < table.numRows; start += chunkRows) {
      const rows = Math.min(chunkRows, table.numRows - start), chunk = DuckDBDataChunk.create(columns.map(({ type }) => type), rows)
      columns.forEach(({ value }, i) => {
        const vector = table.getChildAt(i)!
        chunk.setColumnValues(i, Array.from({ length: rows }, (_, row) => { const raw: unknown = vector.get(start + row); return raw === null || raw === undefined ? null : value(raw) }))
      })
      appender.appendDataChunk(chunk)
    }
    appender.closeSync()
    return name
  } catch (error) { return refuse(error) }
}
