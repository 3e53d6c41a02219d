// Whether a cell is finished, for consoles that ask before they run it on Enter. Syntax only.
import type { Completeness } from './answers.js'
import { readCell } from './cell.js'
import { readMagics } from './magics.js'
import { LONGEST } from './outline.js'

/** Answers `is_complete_request`; the indent is two spaces for each bracket that is still open. */
export function isComplete(code: string): Completeness {
  if (code.length > LONGEST) return { status: 'unknown', indent: '' }
  const cell = readCell(readMagics(code).code)
  if (cell.problems.length === 0) return { status: 'complete', indent: '' }
  const end = cell.code.trimEnd().length
  const unfinished = cell.problems.some(problem =>
    problem.message.includes('`EOF`') || problem.start >= end
    || (problem.end >= end && (problem.message.startsWith('Unterminated multiline comment') || (problem.message.startsWith('Unterminated string') && cell.code[problem.start] === '`'))))
  return unfinished ? { status: 'incomplete', indent: '  '.repeat(openBrackets(cell.code)) } : { status: 'invalid', indent: '' }
}

/** Counts brackets that are open at the end, skipping strings, templates and comments as well as a scan can. */
function openBrackets(code: string): number {
  const bare = code.replace(/\/\*[^]*?(?:\*\/|$)|\/\/[^\r\n]*|(["'])(?:\\.|(?!\1)[^\\\r\n])*\1?|`(?:\\.|[^\\`])*`?/g, '')
  let open = 0
  for (const character of bare) {
    if ('([{'.includes(character)) open++
    else if (')]}'.includes(character)) open = Math.max(0, open - 1)
  }
  return open
}
