// How wide a line of text is without a browser: advance widths of a common sans-serif face (Helvetica's, as in its AFM file).

const narrow = new Map<string, number>()
const widths: Record<number, string> = {
  0.222: 'ijl\'|‘’', 0.278: ' !,./:;It[]\\f', 0.333: '-()r`"·', 0.389: '*', 0.5: 'ckJsvxyz', 0.556: '0123456789abdeghnopqu_$?L#–', 0.584: '+<>=~±×',
  0.611: 'FTZ', 0.667: 'ABEKPSVXY&', 0.722: 'CDHNRUw', 0.778: 'GOQ', 0.833: 'mM', 0.889: '%', 0.944: 'W', 1: '@—→…',
}
for (const [width, characters] of Object.entries(widths)) for (const character of characters) narrow.set(character, Number(width))

// the reader's face may be wider than Helvetica: DejaVu is, by an eighth
const reserve = 1.1

/** Width in pixels of one line at `size` pixels, a little too wide rather than cut; unknown characters count as 0.6, wide ones (CJK, emoji) as 1. */
export function textWidth(text: string, size: number): number {
  let width = 0
  for (const character of text) width += narrow.get(character) ?? (character.codePointAt(0)! >= 0x2e80 ? 1 : 0.6)
  return width * size * reserve
}
