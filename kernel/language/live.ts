// The one live document: a line that brings in what earlier cells left standing, then the cell at hand.
// Converts places between the two. Not here: who asks (service.ts).
import { readCell, type Cell } from './cell.js'
import type { EarlierCells } from './earlier.js'
import { readMagics } from './magics.js'
import { lineStarts, offsetAt, positionAt, type Position } from './places.js'

export interface Live {
  /** The document's text. */
  text: string
  cell: Cell
  /** The cell as the user wrote it. */
  source: string
  /** Place in the document of a UTF-16 offset of the cell. */
  toDocument(offset: number): Position
  /** UTF-16 offset in the cell of a place in the document; undefined before the cell. */
  toCell(position: Position): number | undefined
  /** Offsets at which the cell's lines begin. */
  starts: readonly number[]
}

/** @param names 'used': only standing names that the cell mentions, which is faster; 'all' where a new one may follow. */
export function liveDocument(source: string, earlier: EarlierCells, names: 'used' | 'all'): Live {
  const { code } = readMagics(source)
  const cell = readCell(code)
  const head = names === 'used' ? earlier.head(cell.names, cell.code) : earlier.head(cell.names)
  const shift = cell.isObject ? 1 : 0
  const starts = lineStarts(cell.code)
  return {
    text: cell.isObject ? `${head}\n(${cell.code}\n)` : `${head}\n${cell.code}`,
    cell, source, starts,
    toDocument(offset) {
      const { line, character } = positionAt(starts, offset)
      return { line: line + 1, character: line === 0 ? character + shift : character }
    },
    toCell(position) {
      if (position.line < 1) return undefined
      const character = position.line === 1 ? Math.max(0, position.character - shift) : position.character
      return offsetAt(cell.code, starts, { line: position.line - 1, character })
    },
  }
}
