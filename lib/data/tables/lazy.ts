// Tables that are too big for a frame: questions are gathered as SQL and answered by DuckDB, straight from the file, when rows are asked for.
import type { DataFrame } from 'danfojs-node'
import { DataError, shown } from '../errors.js'
import { jupyterDisplay } from '../look/symbols.js'
import { boxHtml, tableHtml, tableText } from '../look/html.js'
import { type ColumnValues, identifier, query, queryColumns } from './duckdb.js'
import { frameOf } from './frame.js'

const oneLine = (error: unknown) => String((error as Error).message).split('\n')[0]!

/** A table on disk. Every method gives another lazy table; `rows`, `frame`, `count` and `describe` read. */
export class LazyTable {
  /** @internal */
  constructor(readonly name: string, private readonly sql: string) {}

  #next(sql: string): LazyTable { return new LazyTable(this.name, sql) }

  /** Rows for which the SQL condition holds, e.g. `age > 40 AND label = 'ill'`. */
  where(condition: string): LazyTable { return this.#next(`SELECT * FROM (${this.sql}) WHERE ${condition}`) }

  select(...columns: string[]): LazyTable { return this.#next(`SELECT ${columns.map(identifier).join(', ')} FROM (${this.sql})`) }

  sort(column: string, order: 'ascending' | 'descending' = 'ascending'): LazyTable { return this.#next(`SELECT * FROM (${this.sql}) ORDER BY ${identifier(column)} ${order === 'ascending' ? 'ASC' : 'DESC'}`) }

  head(rows = 5): LazyTable { return this.#next(`SELECT * FROM (${this.sql}) LIMIT ${wholeNumber(rows)}`) }

  /** So many rows at random; the same ones for the same seed. */
  sample(rows: number, seed = 0): LazyTable { return this.#next(`SELECT * FROM (${this.sql}) USING SAMPLE reservoir(${wholeNumber(rows)} ROWS) REPEATABLE (${wholeNumber(seed)})`) }

  /** Any SELECT over this table, which it calls `this`. */
  query(select: string): LazyTable { return this.#next(`WITH "this" AS (${this.sql}) ${select}`) }

  async #run(sql: string) {
    try {
      return await query(sql)
    } catch (error) {
      throw new DataError(`Cannot query ${shown(this.name)}: ${oneLine(error)}. The query was ${sql.slice(0, 300)}.`, { cause: error })
    }
  }

  async count(): Promise<number> { return Number((await this.#run(`SELECT count(*) AS n FROM (${this.sql})`)).rows[0]!['n']) }

  async columns(): Promise<{ name: string; type: string }[]> { return (await this.#run(`DESCRIBE ${this.sql}`)).rows.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) })) }

  async rows(): Promise<Record<string, unknown>[]> { return (await this.#run(this.sql)).rows }

  /** Column by column: numbers without gaps as Int32Array or Float64Array, the rest as arrays. The way for millions of rows. */
  async values(): Promise<Record<string, ColumnValues>> {
    try {
      return await queryColumns(this.sql)
    } catch (error) {
      throw new DataError(`Cannot query ${shown(this.name)}: ${oneLine(error)}. The query was ${this.sql.slice(0, 300)}.`, { cause: error })
    }
  }

  /** The rows as a danfojs DataFrame. */
  async frame(): Promise<DataFrame> { return frameOf(await this.rows()) }

  /** Per column: type, smallest, largest, distinct values (approximately), mean, deviation, quartiles, missing share in percent. */
  async describe(): Promise<Record<string, unknown>[]> { return (await this.#run(`SUMMARIZE ${this.sql}`)).rows }

  async [jupyterDisplay](): Promise<Record<string, unknown>> {
    const rows = await this.head(10).rows(), total = await this.count()
    const header = rows[0] ? Object.keys(rows[0]) : (await this.columns()).map(({ name }) => name)
    const cells = rows.map((row) => header.map((name) => typeof row[name] === 'number' ? row[name] : row[name] === null ? '' : row[name] instanceof Date ? row[name].toISOString() : String(row[name]).slice(0, 100)))
    const caption = `${this.name}: ${total.toLocaleString('en')} rows, ${header.length} columns${total > rows.length ? `; the first ${rows.length}` : ''}`
    return { 'text/html': boxHtml(`<div>${caption.replaceAll('<', '&lt;')}</div>${tableHtml(header, cells)}`), 'text/plain': `${caption}\n${tableText(header, cells)}` }
  }
}

function wholeNumber(value: number): number {
  if (!Number.isInteger(value) || value < 0) throw new DataError(`Cannot query: a number of rows or a seed must be whole and at least 0, got ${shown(value)}.`)
  return value
}
