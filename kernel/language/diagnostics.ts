// From the language server's diagnostics to what a notebook shows: place, code, excerpt with the place underlined.
// Not here: when a cell is checked, and what its findings stop (the host).
import { fileURLToPath } from 'node:url'
import type { Diagnostic } from './answers.js'
import { EARLIER_FILE, type EarlierCells } from './earlier.js'
import type { Live } from './live.js'
import { positionAt, toCodePoints, type Position } from './places.js'

interface Range { start: Position; end: Position }
export interface ServerDiagnostic {
  range: Range; severity?: number; code?: number | string; message: string
  relatedInformation?: { location: { uri: string; range: Range }; message: string }[]
}

/** What a compiled program must not do and a notebook may. */
const ALLOWED = new Set([
  2695, // the left side of a comma has no effect
  6133, 6192, 6196, 6198, 6199, 6205, // declared and never used
])
const WARNING = 2
/** Characters of a source line that are shown, and findings of a cell. */
const SHOWN = 160, MOST = 20

/** Names of ours, and paths of documents that are not there, out of a message of the checker's. */
export function withoutOurNames(message: string): string {
  return message.replace(/import\("[^"]*__(?:earlier|notebook)__(?:\.ts)?"\)\./g, '').replace(/__(?:cell\d+|earlier)\./g, '')
}

/** Diagnostics of the cell, in its order; those of the kernel's own first line and of implicit `any` are left out. */
export function readDiagnostics(found: readonly ServerDiagnostic[], live: Live, uri: string, earlier: EarlierCells): Diagnostic[] {
  const diagnostics: Diagnostic[] = []
  for (const each of found) {
    const code = Number(each.code ?? 0)
    const severity = each.severity ?? 1
    if (severity > WARNING || ALLOWED.has(code) || (code >= 7005 && code < 7060)) continue
    const start = live.toCell(each.range.start)
    const end = live.toCell(each.range.end)
    if (start === undefined || end === undefined) continue
    const constant = code === 2632 ? /'(.+?)'/.exec(each.message)?.[1] : undefined
    const isConstant = constant !== undefined && !live.cell.names.has(constant) && earlier.kindOf(constant) === 'const'
    diagnostics.push({
      code: isConstant ? 2588 : code,
      severity: severity === WARNING ? 'warning' : 'error',
      message: isConstant ? `Cannot assign to '${constant}' because it is a constant.` : withoutOurNames(each.message),
      ...place(live, start, end),
      excerpt: excerpt(live, start, end),
      related: (each.relatedInformation ?? []).map(({ location, message }) => {
        const at = location.uri === uri ? live.toCell(location.range.start) : undefined
        const text = withoutOurNames(message)
        if (at === undefined) return !location.uri.startsWith('file:') || location.uri.endsWith(EARLIER_FILE) ? { message: text } : { message: text, file: fileURLToPath(location.uri), line: location.range.start.line + 1, column: location.range.start.character + 1 }
        const { line, column } = place(live, at, at)
        return { message: text, line, column }
      }),
    })
  }
  return diagnostics.sort((a, b) => a.line - b.line || a.column - b.column)
}

function place(live: Live, start: number, end: number): { line: number; column: number; endLine: number; endColumn: number } {
  const at = (offset: number): [number, number] => {
    const { line } = positionAt(live.starts, offset)
    const from = live.starts[line] ?? 0
    return [line + 1, toCodePoints(live.source.slice(from), offset - from) + 1]
  }
  const [line, column] = at(start)
  const [endLine, endColumn] = at(Math.max(start, end))
  return { line, column, endLine, endColumn }
}

/** `3 │ const a: string = 5` and the place underlined below it. A place of several lines is underlined in its first. */
function excerpt(live: Live, start: number, end: number): string {
  const { line, character } = positionAt(live.starts, start)
  const from = live.starts[line] ?? 0
  const text = live.source.slice(from, live.starts[line + 1] ?? live.source.length).replace(/[\r\n]+$/, '')
  const number = String(line + 1)
  // of a long line, the part around the place
  const left = character <= SHOWN - 20 ? 0 : character - SHOWN / 2
  const shown = text.slice(left, left + SHOWN)
  const before = (left > 0 ? ' ' : '') + text.slice(left, character).replace(/[^\t]/gu, ' ')
  const length = Math.max(1, [...shown.slice(character - left, character - left + Math.max(1, end - start))].length)
  return `${number} │ ${left > 0 ? '…' : ''}${shown}${left + SHOWN < text.length ? '…' : ''}\n${' '.repeat(number.length)} │ ${before}${'~'.repeat(length)}`
}

/**
 * The lines of an `error` message's traceback: the first findings, and how many more there are.
 * @param o.count the cell's execution count, named in the place; @param o.color ANSI colours, default true
 */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], o: { count?: number; color?: boolean } = {}): string[] {
  const paint = (codes: string, text: string): string => o.color === false ? text : `\x1b[${codes}m${text}\x1b[0m`
  const cell = o.count === undefined ? 'the cell' : `Cell [${o.count}]`
  const left = diagnostics.length - MOST
  const lines = diagnostics.slice(0, MOST).flatMap(each => {
    const tint = each.severity === 'error' ? '31' : '33'
    const [source = '', underline = ''] = each.excerpt.split('\n')
    return [
      `${paint('36', `${cell}:${each.line}:${each.column}`)} ${paint(`1;${tint}`, `TS${each.code}`)}: ${each.message}`,
      `  ${source}`, `  ${paint(tint, underline)}`,
      ...each.related.map(related => `  ${paint('2', `${related.file ?? (related.line === undefined ? 'an earlier cell' : cell)}${related.line === undefined ? '' : `:${related.line}:${related.column ?? 1}`}: ${related.message}`)}`),
    ]
  })
  return left > 0 ? [...lines, paint('2', `… and ${left} more`)] : lines
}
