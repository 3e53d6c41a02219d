// Where a place in generated code was in the source: source maps, decoded, composed and looked up. No transforms here.

/** A line (from 1) and a column (from 1, in UTF-16 units). */
export interface Place { line: number; column: number }

/** Per generated line, its segments: [generated column, …, source line, source column], all from 0. */
export type DecodedMappings = number[][][]

const digits = new Uint8Array(128)
for (const [value, digit] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) digits[digit.charCodeAt(0)] = value

/** Decodes the `mappings` of a source map (version 3). */
export function decodeMappings(mappings: string): DecodedMappings {
  const lines: DecodedMappings = []
  let source = 0, line = 0, column = 0
  for (const text of mappings.split(';')) {
    const segments: number[][] = []
    let generated = 0
    for (const segment of text ? text.split(',') : []) {
      const [g = 0, s = 0, l = 0, c = 0] = decodeNumbers(segment)
      generated += g; source += s; line += l; column += c
      segments.push([generated, source, line, column])
    }
    lines.push(segments)
  }
  return lines
}

function decodeNumbers(segment: string): number[] {
  const numbers: number[] = []
  let value = 0, shift = 0
  for (let i = 0; i < segment.length; i++) {
    const digit = digits[segment.charCodeAt(i)] ?? 0
    value |= (digit & 31) << shift
    shift += 5
    if (digit & 32) continue
    numbers.push(value & 1 ? -(value >>> 1) : value >>> 1)
    value = shift = 0
  }
  return numbers
}

/** The source's place of a generated one, through maps in the order they were made (the last is looked up first). */
export function originalPlace(maps: DecodedMappings[], place: Place): Place | undefined {
  let { line, column } = place
  for (const map of maps.toReversed()) {
    const segments = map[line - 1]
    let found: number[] | undefined
    for (const segment of segments ?? []) if ((segment[0] ?? 0) <= column - 1 && segment.length >= 4) found = segment; else if ((segment[0] ?? 0) > column - 1) break
    found ??= segments?.find(segment => segment.length >= 4) ?? map.slice(0, line - 1).findLast(earlier => earlier.length > 0)?.at(-1)
    if (!found) return undefined
    line = (found[2] ?? 0) + 1
    column = (found[3] ?? 0) + 1
  }
  return { line, column }
}

/** Where the code of a source's line begins, through the same maps; of the next line that has code where this one has none. */
export function generatedPlace(maps: DecodedMappings[], line: number): Place | undefined {
  let found: { place: Place; of: Place } | undefined
  for (const [row, segments] of (maps.at(-1) ?? []).entries()) for (const [column = 0] of segments) {
    const place = { line: row + 1, column: column + 1 }, of = originalPlace(maps, place)
    if (of && of.line >= line && (!found || of.line < found.of.line || (of.line === found.of.line && of.column < found.of.column))) found = { place, of }
  }
  return found?.place
}

/** The place of an offset in UTF-16 units. */
export function placeOf(source: string, offset: number): Place {
  const before = source.slice(0, offset).split('\n')
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 }
}
