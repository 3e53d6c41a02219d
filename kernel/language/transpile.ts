// The door for the session: TypeScript of a cell, or of a module it imports, to the JavaScript that runs. No type checks.
import MagicString from 'magic-string'
import { isObjectLiteral } from './cell.js'
import { decodeMappings, generatedPlace, originalPlace, type DecodedMappings, type Place } from './positions.js'
import { parseJavaScript, type Node } from './syntax-tree.js'
import { renameGlobals } from './rename-globals.js'
import { rewriteAwaits } from './rewrite-awaits.js'
import { rewriteTopLevel, topLevelNames, type CellImport, type Rewritten } from './rewrite-cell.js'
import { stripTypes } from './strip-types.js'

export { insideName } from './rename-globals.js'
export { runtime, type CellImport } from './rewrite-cell.js'
export { TypeScriptSyntaxError } from './strip-types.js'
export type { Place } from './positions.js'

export interface TranspileOptions {
  /** The execution count that messages show. */
  count: number
  /** The file that errors name. */
  file: string
  /** Names that cells have taken from globals so far; those that this cell takes are added. */
  renamed?: Set<string>
  /** The names of the process's globals. */
  globals?: ReadonlySet<string>
  legacyDecorators?: boolean
}

export interface Transpiled {
  code: string
  /** The place in the TypeScript source of a place in `code`; lines and columns from 1. */
  map(place: Place): Place | undefined
  /** The other way round: where the code of a line begins, of the next one that has code where it has none. */
  generated(line: number): Place | undefined
}

export interface TranspiledCell extends Transpiled {
  imports: CellImport[]
  /** Names declared at the cell's top level. */
  declared: string[]
  /** Whether the last statement is an expression: its value is handed to the runtime's `result`. */
  hasResult: boolean
}

/**
 * What V8's REPL evaluates for a cell.
 * @throws TypeScriptSyntaxError with the place in the cell
 *
 *     transpileCell('const a: number = 1\na + 1', { count: 1, file: 'cell.ts' }).code // 'use strict; let a = 1; __afinar.result(a + 1);'
 */
export function transpileCell(source: string, options: TranspileOptions): TranspiledCell {
  if (isObjectLiteral(source)) {
    const { map, ...transpiled } = transpileStatements(`(${source}\n)`, options)
    const within = (place: Place | undefined) => place?.line === 1 ? { line: 1, column: Math.max(1, place.column - 1) } : place
    return { ...transpiled, map: place => within(map(place)) }
  }
  return transpileStatements(source, options)
}

function transpileStatements(source: string, options: TranspileOptions): TranspiledCell {
  const stripped = stripTypes('cell.ts', source, options)
  const later: (() => DecodedMappings)[] = []
  let code = stripped.code
  const edit = (rewrite: (body: Node[], text: MagicString) => void) => {
    const text = new MagicString(code)
    rewrite(parseJavaScript('cell.js', code), text)
    later.push(mappingsOf(text))
    code = text.toString()
  }
  let rewritten: Rewritten = { declared: [], imports: [], hasResult: false }, original: string[] | undefined
  const rewrite = (body: Node[], text: MagicString) => {
    rewriteAwaits(body, text, { cell: true })
    rewritten = rewriteTopLevel(body, text)
  }
  const body = parseJavaScript('cell.js', code)
  const { globals, renamed } = options
  if (globals && renamed) for (const name of topLevelNames(body)) if (globals.has(name)) renamed.add(name)
  if (renamed?.size && new RegExp(`(?<![\\w$])(${[...renamed].map(name => name.replaceAll('$', '\\$')).join('|')})(?![\\w$])`).test(code)) {
    original = topLevelNames(body)
    edit((body, text) => renameGlobals(body, text, renamed))
    edit(rewrite)
  } else {
    const text = new MagicString(code)
    rewrite(body, text)
    later.push(mappingsOf(text))
    code = text.toString()
  }
  const { imports, hasResult, declared } = rewritten
  return { code, imports, hasResult, declared: original ?? declared, ...lookup(() => [...stripped.maps(), ...later.map(make => make())]) }
}

/** A module that a cell imports: types stripped, awaits interruptible; its imports and exports stay as they are. */
export function transpileModule(source: string, options: { file: string; legacyDecorators?: boolean }): Transpiled {
  const stripped = stripTypes(options.file, source, options)
  const text = new MagicString(stripped.code)
  rewriteAwaits(parseJavaScript('module.js', stripped.code), text, { cell: false })
  return { code: text.toString(), ...lookup(() => [...stripped.maps(), mappingsOf(text)()]) }
}

/**
 * An expression as JavaScript, or statements where it is none, for a debugger.
 * @throws TypeScriptSyntaxError
 */
export function transpileExpression(source: string): string {
  try { return stripTypes('expression.ts', `(${source}\n)`).code.trim().replace(/;$/, '') } catch { return stripTypes('expression.ts', source).code.trim() }
}

const mappingsOf = (text: MagicString) => () => decodeMappings(text.generateMap({ hires: 'boundary' }).mappings)

/** Maps are decoded at the first question, which most cells never get. */
function lookup(decode: () => DecodedMappings[]): Pick<Transpiled, 'map' | 'generated'> {
  let maps: DecodedMappings[] | undefined
  return { map: place => originalPlace(maps ??= decode(), place), generated: line => generatedPlace(maps ??= decode(), line) }
}
