// The kernel's own commands inside a cell: lines such as `%types warn`, blanked so that lines and columns stay as they are.
// Not here: what the host does with them.

/** What type errors do: stop the cell, be printed while it runs, or nothing (the cell is not checked). */
export type TypesMode = 'error' | 'warn' | 'off'

export interface Magics {
  /** The code with each magic line replaced by spaces. Same length, same lines. */
  code: string
  /** What `%types` asks for, from this cell on; the last one counts. */
  types?: TypesMode
  /** One sentence per magic that is not understood. */
  unknown: string[]
}

/** What completion offers after a `%` at the start of a line. */
export const MAGICS = ['%types on', '%types warn', '%types off'] as const

const MAGIC_LINE = /^([ \t]*)%([A-Za-z]+)([^\r\n]*)/gm
const MODES: Readonly<Record<string, TypesMode>> = { on: 'error', error: 'error', warn: 'warn', off: 'off' }

/**
 * Finds the magics of a cell. Only the lines before the first line of code count, so that a remainder
 * such as `% total` in the middle of an expression stays what it is.
 *
 * @example readMagics('%types off\nx').types // 'off'
 */
export function readMagics(code: string): Magics {
  const head = /^(?:[ \t]*(?:%[A-Za-z][^\r\n]*|\/\/[^\r\n]*)?(?:\r\n|\n|\r|$))*/.exec(code)?.[0] ?? ''
  if (!head.includes('%')) return { code, unknown: [] }
  const unknown: string[] = []
  let types: TypesMode | undefined
  const blanked = head.replace(MAGIC_LINE, (line, _indent: string, name: string, rest: string) => {
    const argument = rest.trim()
    if (name === 'types' && MODES[argument] !== undefined) types = MODES[argument]
    else if (name === 'types') unknown.push(`Cannot set %types: it must be on, warn or off, got '${argument}'.`)
    else unknown.push(`Cannot run %${name}: this kernel knows ${MAGICS.join(', ')}.`)
    return ' '.repeat(line.length)
  })
  return { code: blanked + code.slice(head.length), unknown, ...(types === undefined ? {} : { types }) }
}
