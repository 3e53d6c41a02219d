// danfojs frames and series as a table, the first and last rows of large ones. Reads only the rows that it shows.
import type { MimeBundle } from '../messages.js'
import { Array, JSON, Math, Number } from '../intrinsics.js'

interface Frame {
  shape: number[]; columns: (string | number)[]; index: (string | number)[]; dtypes: string[]
  $data: unknown[] | unknown[][]; $dataIncolumnFormat?: unknown[][]; $isSeries?: boolean
}

/** Up to this many rows are shown whole, of more the first and last `edge`, as pandas does. */
const whole = 60
const edge = 5
/** Up to this many columns, of more the first and last ten. */
const widest = 20

export function dataFrame(value: object): MimeBundle | undefined {
  const frame = value as Frame
  if (!Array.isArray(frame.$data) || !Array.isArray(frame.shape) || !Array.isArray(frame.columns) || !Array.isArray(frame.index)) return undefined
  const series = frame.$isSeries === true || frame.shape.length === 1
  const [rows = 0] = frame.shape
  const columns = frame.columns.length
  const shownRows = cut(rows, whole, edge), shownColumns = cut(columns, widest, widest / 2)
  const header = shownColumns.map(c => c === undefined ? '…' : String(frame.columns[c] ?? ''))
  const body = shownRows.map(r => ({
    label: r === undefined ? '…' : String(frame.index[r]),
    cells: shownColumns.map(c => r === undefined || c === undefined ? '…' : shown(series ? frame.$data[r] : (frame.$data[r] as unknown[])[c])),
  }))
  const size = `${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'} × ${columns.toLocaleString('en')} ${columns === 1 ? 'column' : 'columns'}`
  return { 'text/html': html(header, body, numeric(frame, shownColumns), size), 'text/plain': plain(header, body, size) }
}

interface Row { label: string; cells: string[] }

/** The numbers from 0 below `count`, with `undefined` for a gap in the middle. */
function cut(count: number, limit: number, each: number): (number | undefined)[] {
  if (count <= limit) return Array.from({ length: count }, (_, i) => i)
  return [...Array.from({ length: each }, (_, i) => i), undefined, ...Array.from({ length: each }, (_, i) => count - each + i)]
}

const numeric = (frame: Frame, columns: (number | undefined)[]) => columns.map(c => c !== undefined && /^(float|int)/.test(frame.dtypes[c] ?? ''))

function shown(value: unknown): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return Number.isNaN(value) ? 'NaN' : String(+value.toPrecision(6))
  const text = value instanceof Date ? value.toISOString() : typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
  return text.length > 100 ? text.slice(0, 99) + '…' : text
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function html(header: string[], body: Row[], right: boolean[], size: string): string {
  const align = (i: number) => right[i] ? ' style="text-align:right"' : ' style="text-align:left"'
  const head = header.map((name, i) => `<th${align(i)}>${escape(name)}</th>`).join('')
  const rows = body.map(({ label, cells }) => `<tr><th>${escape(label)}</th>${cells.map((cell, i) => `<td${align(i)}>${escape(cell)}</td>`).join('')}</tr>`).join('\n')
  return `<table class="dataframe">\n<thead><tr><th></th>${head}</tr></thead>\n<tbody>\n${rows}\n</tbody>\n</table>\n<p>${size}</p>`
}

function plain(header: string[], body: Row[], size: string): string {
  const table = [['', ...header], ...body.map(({ label, cells }) => [label, ...cells])]
  const widths = table[0]?.map((_, c) => Math.max(...table.map(row => row[c]?.length ?? 0))) ?? []
  return [...table.map(row => row.map((cell, c) => c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0)).join('  ').trimEnd()), size].join('\n')
}
