// A notebook file, version 4 of Jupyter's format: read, checked, written as Jupyter writes it. Nothing is executed here.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

export type Text = string | string[]
export type MimeData = Record<string, unknown>

export type Output =
  | { output_type: 'stream'; name: 'stdout' | 'stderr'; text: Text }
  | { output_type: 'display_data'; data: MimeData; metadata: Record<string, unknown> }
  | { output_type: 'execute_result'; execution_count: number | null; data: MimeData; metadata: Record<string, unknown> }
  | { output_type: 'error'; ename: string; evalue: string; traceback: string[] }

export interface Cell {
  id?: string
  cell_type: 'code' | 'markdown' | 'raw'
  source: Text
  metadata: Record<string, unknown>
  outputs?: Output[]
  execution_count?: number | null
  attachments?: Record<string, Record<string, string>>
}

export interface Notebook {
  nbformat: number
  nbformat_minor: number
  metadata: { kernelspec?: { name: string; display_name?: string; language?: string }; language_info?: Record<string, unknown>; [key: string]: unknown }
  cells: Cell[]
}

/** Reads a notebook. Throws `Cannot run …` when the file is not there or not a notebook of version 4. */
export function readNotebook(file: string): Notebook {
  let value: Partial<Notebook>
  try {
    value = JSON.parse(readFileSync(file, 'utf8')) as Partial<Notebook>
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new Error(`Cannot run ${file}: ${missing ? 'there is no such file' : `it is not a notebook (${(error as Error).message})`}.`)
  }
  if (value.nbformat !== 4 || !Array.isArray(value.cells)) {
    throw new Error(`Cannot run ${file}: it must be a notebook of format 4, got ${value.nbformat === undefined ? 'a file without nbformat' : `format ${String(value.nbformat)}`}. Open it once in JupyterLab and save it.`)
  }
  for (const cell of value.cells) cell.metadata ??= {}
  return { nbformat_minor: 5, metadata: {}, ...value } as Notebook
}

/** Writes a notebook whole or not at all: a reader never sees half of it. */
export function writeNotebook(file: string, notebook: Notebook): void {
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, `${JSON.stringify(stored(notebook), null, 1)}\n`)
  renameSync(temporary, file)
}

/** The whole text of a field that may be stored as a list of lines. */
export function textOf(text: Text | undefined): string {
  return Array.isArray(text) ? text.join('') : text ?? ''
}

export function tagsOf(cell: Cell): string[] {
  return Array.isArray(cell.metadata.tags) ? cell.metadata.tags as string[] : []
}

/** As Jupyter stores it: keys sorted, texts as lists of lines. */
function stored(notebook: Notebook): unknown {
  const cells = notebook.cells.map(cell => ({
    ...cell, source: lines(textOf(cell.source)),
    ...(cell.outputs === undefined ? {} : { outputs: cell.outputs.map(storedOutput) }),
  }))
  return sorted({ ...notebook, cells })
}

function storedOutput(output: Output): unknown {
  if (output.output_type === 'stream') return { ...output, text: lines(textOf(output.text)) }
  if (output.output_type === 'error') return output
  const data = Object.fromEntries(Object.entries(output.data).map(([type, value]) =>
    [type, typeof value === 'string' && (!type.startsWith('image/') || type === 'image/svg+xml') ? lines(value) : value]))
  return { ...output, data }
}

function lines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0).map(([key, each]) => [key, sorted(each)]))
}
