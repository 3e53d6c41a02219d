// Signs that a text was damaged on its way: wrong encodings, control characters, left-over HTML. Pure functions of a text.

interface Fault { check: 'format' | 'encoding'; text: string; advice: string; test(text: string): boolean }

export const textFaults: readonly Fault[] = [
  { check: 'encoding', text: 'characters that could not be decoded (�)', advice: 'Read the file with its true encoding: give encoding.', test: (text) => text.includes('\ufffd') },
  { check: 'encoding', text: 'signs of UTF-8 read as Latin-1, such as Ã© for é', advice: 'Read the file as UTF-8: give encoding: \'utf-8\'.', test: (text) => /[ÃÂ][\u0080-\u00bf]|â€|ðŸ/.test(text) },
  // eslint-disable-next-line no-control-regex
  { check: 'format', text: 'control characters or byte order marks', advice: 'Remove them; tokenizers treat them in different ways.', test: (text) => /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufeff]/.test(text) },
  { check: 'format', text: 'HTML entities or tags', advice: 'Turn them into plain text unless the model is to read HTML.', test: (text) => /&(#\d+|#x[\da-f]+|[a-z]{2,8});|<\/?(p|br|div|span|a|b|i)\b[^>]*>/i.test(text) },
  { check: 'format', text: 'nothing but spaces', advice: 'Leave them out with .filter().', test: (text) => text.trim() === '' },
]

/** The words of a text for near duplicates: case, punctuation and digits do not count. */
export const wordsOf = (text: string): string[] => text.normalize('NFKC').toLowerCase().replace(/\d+/g, '0').match(/[\p{L}\p{M}0]+/gu) ?? []
