// Long chains of cells (x2 from x1, x3 from x2, …) would have to be typed from their beginning at every question. So the
// variables of every eighth link are given their type in writing, as the server states it, once it is known to read back
// as the same type. Not here: which cells there are (earlier.ts).
import { withoutOurNames } from './diagnostics.js'
import type { EarlierCells, EarlierCell } from './earlier.js'
import type { ServerHover } from './inspection.js'
import { lineStarts, positionAt, type Position } from './places.js'

/** Cells between two whose types are written down. */
export const CHAIN = 8

/** Shows the document and asks what is at a place of it. */
export type Ask = (text: string, position: Position) => Promise<ServerHover | null>

/** Writes down the types of a cell's variables where that can be done. */
export async function settleTypes(earlier: EarlierCells, cell: EarlierCell, ask: Ask): Promise<void> {
  for (const [name, kind] of cell.names) {
    if (kind !== 'const' && kind !== 'let') continue
    const untyped = cell.text
    const declared = new RegExp(`(?<=\\b(?:const|let|var) )${name.replaceAll('$', '\\$')}(?= =)`).exec(untyped)
    if (declared === null) continue
    const type = await typeAt(earlier, cell, declared.index, name, ask)
    // A literal's type is wider where it is inferred than where it is written; `...` is where the server cut it short.
    if (type === undefined || type === 'any' || type.length > 500 || type.includes('...') || /^["'`\-\d]|^(?:true|false|unique)\b/.test(type)) continue
    const end = declared.index + name.length
    cell.text = `${untyped.slice(0, end)}: ${type}${untyped.slice(end)}`
    if (await typeAt(earlier, cell, declared.index, name, ask) !== type) cell.text = untyped
  }
  cell.chain = 0
}

async function typeAt(earlier: EarlierCells, cell: EarlierCell, offset: number, name: string, ask: Ask): Promise<string | undefined> {
  const text = earlier.text()
  const hover = await ask(text, positionAt(lineStarts(text), text.indexOf(cell.text) + offset))
  const value = typeof hover?.contents === 'string' ? hover.contents : hover?.contents.value ?? ''
  const [first = ''] = withoutOurNames(value).replace(/^```\w*\n/, '').split('\n```')
  const match = /^(?:const|let|var) (?:[^\s:]*\.)?([^\s:.]+): ([^\n]+)$/.exec(first)
  return match?.[1] === name ? match[2] : undefined
}
