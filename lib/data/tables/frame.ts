// The way to danfojs: rows become the DataFrame that users know. danfojs takes seconds to load, so it comes in here and only when asked for.
import type { DataFrame } from 'danfojs-node'

type Cell = string | number | boolean | null | undefined

/** danfojs knows numbers, text and booleans; dates become ISO text, the rest JSON. */
function cell(value: unknown): Cell {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}

export async function frameOf(rows: readonly object[]): Promise<DataFrame> {
  const danfo = await import('danfojs-node')
  const columns = [...new Set(rows.flatMap((row, i) => i < 1000 ? Object.keys(row) : []))]
  const values = rows.map((row) => columns.map((name) => cell((row as Record<string, unknown>)[name])))
  const { DataFrame } = 'default' in danfo ? danfo.default as typeof danfo : danfo
  return new DataFrame(values, { columns })
}
