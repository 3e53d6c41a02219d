// Table files of any usual format as rows, read by DuckDB. danfojs frames are made in frame.ts.
import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DataError, shown } from '../errors.js'
import { arrowTable } from './arrow.js'
import { identifier, literal, query } from './duckdb.js'

export interface TableOptions {
  /** For CSV and TSV: the separator. Default: found by looking. */
  separator?: string
  /** For CSV and TSV: whether the first line has the names. Default: found by looking. */
  header?: boolean
  /** Names for columns without a header. */
  columns?: readonly string[]
  /** For CSV and TSV: the quote, or '' for none. Default: found by looking. */
  quote?: string
  /** 'utf-8', 'utf-16' or 'latin-1'. Default: by the byte order mark, else utf-8, else latin-1 (and a note says so). */
  encoding?: string
  /** Read everything as text. */
  allText?: boolean
}

export interface TableRows { columns: string[]; types: string[]; rows: Record<string, unknown>[]; notes: string[] }

/** The file in DuckDB's FROM clause. */
export async function sourceOf(file: string, o: TableOptions = {}): Promise<{ sql: (encoding: string) => string; encoding: string | undefined; text: boolean }> {
  const path = resolve(file)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) throw new DataError(`Cannot read the table ${shown(file)}: there is no such file (looked at ${path}). Check the path; relative ones start at the notebook's folder.`)
  if (found.size === 0) throw new DataError(`Cannot read the table ${shown(file)}: it is empty (0 bytes).`)
  if (/\.(arrow|feather|ipc)$/i.test(path)) {
    const table = identifier(await arrowTable(path))
    return { sql: () => table, encoding: undefined, text: false }
  }
  if (/\.(parquet|pq)$/i.test(path)) return { sql: () => `read_parquet(${literal(path)})`, encoding: undefined, text: false }
  if (/\.(jsonl|ndjson|json)(\.gz)?$/i.test(path)) return { sql: () => `read_json_auto(${literal(path)}${/\.json(\.gz)?$/i.test(path) ? '' : ', format = \'newline_delimited\''})`, encoding: undefined, text: false }
  if (!/\.(csv|tsv|txt|tab|inter|data)(\.gz)?$/i.test(path)) throw new DataError(`Cannot read the table ${shown(file)}: known endings are .csv, .tsv, .txt, .parquet, .arrow, .feather, .jsonl, .json and .gz of the text ones. Rename or convert it.`)
  const separator = o.separator ?? (/\.(tsv|tab)(\.gz)?$/i.test(path) ? '\t' : undefined)
  const settings = [
    separator === undefined ? undefined : `delim = ${literal(separator)}`,
    o.header === undefined ? undefined : `header = ${o.header}`,
    o.quote === undefined ? undefined : `quote = ${literal(o.quote)}`,
    o.columns ? `names = [${o.columns.map(literal).join(', ')}]` : undefined,
    o.allText ? 'all_varchar = true' : undefined,
    'sample_size = 20480', 'max_line_size = 16777216',
  ].filter((setting) => setting !== undefined)
  return { sql: (encoding) => `read_csv(${[literal(path), ...settings, ...(encoding === 'utf-8' ? [] : [`encoding = ${literal(encoding)}`])].join(', ')})`, encoding: o.encoding ?? await encodingOf(path), text: true }
}

async function encodingOf(path: string): Promise<string | undefined> {
  const handle = await open(path)
  try {
    const head = new Uint8Array(2)
    await handle.read(head, 0, 2)
    return (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff) ? 'utf-16' : undefined
  } finally { await handle.close() }
}

/** DuckDB's report in one line, without its suggestions for SQL users. */
const firstLine = (error: unknown) => String((error as Error).message).replace(/^\w[\w ]*Error: /, '').split('\n')[0]!

/** Reads a whole table. Text columns stay text, numbers and dates are recognised. */
export async function readRows(file: string, o: TableOptions = {}, where = ''): Promise<TableRows> {
  const { sql, encoding } = await sourceOf(file, o)
  const select = (as: string) => query(`SELECT * FROM ${sql(as)} ${where}`)
  try {
    return { ...await select(encoding ?? 'utf-8'), notes: [] }
  } catch (error) {
    const badText = /utf-?8|unicode|encod/i.test(String((error as Error).message))
    if (encoding === undefined && badText) {
      try {
        return { ...await select('latin-1'), notes: [`${shown(file)} is not UTF-8 throughout; it was read as Latin-1. Give encoding if the accents look wrong.`] }
      } catch { /* the first error says more */ }
    }
    throw new DataError(`Cannot read the table ${shown(file)}: ${firstLine(error)}. ${badText ? 'Give encoding, for example \'latin-1\'.' : 'Give separator, quote or header if they were guessed wrongly.'}`, { cause: error })
  }
}

/** Throws for a column that is not there, naming those that are. */
export function needColumns(table: string, columns: readonly string[], wanted: Readonly<Record<string, string>>): void {
  for (const [role, name] of Object.entries(wanted)) {
    if (!columns.includes(name)) throw new DataError(`Cannot load ${shown(table)}: the column for ${role} is ${shown(name)}, and there is none of that name. Columns are ${columns.slice(0, 20).join(', ')}${columns.length > 20 ? ' …' : ''}: give ${role}: '…'.`)
  }
}
