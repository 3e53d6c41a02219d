// Places in a text, in the three ways they are counted here: Unicode code points (Jupyter), UTF-16 units (JavaScript
// and the language server) and line with character (the language server). Not here: which document a place is in.

/** A place as the language server counts: lines from 0, UTF-16 units from 0. */
export interface Position { line: number; character: number }

/** UTF-16 offset of the code point at `count`; past the end it is the text's length. */
export function fromCodePoints(text: string, count: number): number {
  let offset = 0
  for (let left = count; left > 0 && offset < text.length; left--) offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1
  return offset
}

/** Number of code points before the UTF-16 offset. */
export function toCodePoints(text: string, offset: number): number {
  let count = 0
  for (let at = 0; at < offset && at < text.length; count++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  return count
}

/** Offsets at which the lines of a text begin. Lines end as the language server has them: \n, \r\n or \r. */
export function lineStarts(text: string): number[] {
  const starts = [0]
  for (const match of text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length)
  return starts
}

export function positionAt(starts: readonly number[], offset: number): Position {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return { line: low, character: offset - (starts[low] ?? 0) }
}

export function offsetAt(text: string, starts: readonly number[], position: Position): number {
  const start = starts[position.line]
  return start === undefined ? text.length : Math.min(start + position.character, text.length)
}
