// Papermill's parameters: `-p name=value` becomes a cell tagged `injected-parameters` behind the one tagged `parameters`.
// Not here: the command line as a whole (arguments.ts).
import { randomUUID } from 'node:crypto'
import { tagsOf, textOf, type Cell, type Notebook } from './notebook.js'

/** Reads a value as papermill does: true, false, null and numbers are what they look like, JSON lists and objects too, the rest is text. */
export function parameterValue(text: string): unknown {
  const words: Readonly<Record<string, unknown>> = { true: true, True: true, false: false, False: false, null: null, None: null }
  if (text in words) return words[text]
  if (/^[-+]?(?:\d[\d_]*)(?:\.\d*)?(?:[eE][-+]?\d+)?$|^[-+]?\.\d+(?:[eE][-+]?\d+)?$/.test(text)) return Number(text.replaceAll('_', ''))
  if (/^[[{"]/.test(text)) {
    try {
      return JSON.parse(text)
    } catch { /* text that begins like JSON */ }
  }
  return text
}

/**
 * Puts the parameters into the notebook: over an earlier injected cell, behind the cell tagged `parameters`, or first.
 * Returns the names that the `parameters` cell does not mention: misspelled, most likely.
 */
export function injectParameters(notebook: Notebook, parameters: Readonly<Record<string, unknown>>, language: string): string[] {
  const names = Object.keys(parameters)
  if (names.length === 0) return []
  const cell: Cell = {
    ...(notebook.nbformat_minor >= 5 ? { id: randomUUID().slice(0, 8) } : {}),
    cell_type: 'code', execution_count: null, metadata: { tags: ['injected-parameters'] }, outputs: [],
    source: [comment(language), ...names.map(name => assignment(name, parameters[name], language))].join('\n'),
  }
  const injected = notebook.cells.findIndex(each => tagsOf(each).includes('injected-parameters'))
  const declared = notebook.cells.findIndex(each => tagsOf(each).includes('parameters'))
  if (injected >= 0) notebook.cells[injected] = cell
  else notebook.cells.splice(declared + 1, 0, cell)
  const known = textOf(notebook.cells[declared]?.source)
  return names.filter(name => declared < 0 || !new RegExp(`(?<![\\p{ID_Continue}$])${name.replaceAll('$', '\\$')}(?![\\p{ID_Continue}$])`, 'u').test(known))
}

function comment(language: string): string {
  return `${language === 'python' || language === 'julia' || language === 'R' ? '#' : '//'} Parameters`
}

function assignment(name: string, value: unknown, language: string): string {
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) throw new Error(`Cannot set the parameter '${name}': a parameter must be a name that the notebook can use, such as epochs.`)
  if (language === 'python') return `${name} = ${python(value)}`
  // `let`, so that `const quick = false` may be compared with and assigned to; `any` for null, which could become anything.
  return `let ${name}${value === null ? ': any' : ''} = ${typeof value === 'number' && !Number.isFinite(value) ? String(value) : JSON.stringify(value)}`
}

function python(value: unknown): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`
  if (typeof value === 'object') return `{${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${python(each)}`).join(', ')}}`
  return JSON.stringify(value)
}
