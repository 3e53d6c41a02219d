// What training throws when it is asked for something that cannot be, and how errors show values and near names.

/** `Cannot X: thing, rule, value it got, next step`. */
export class TrainError extends Error {
  override name = 'TrainError'
}

/** A value as an error message shows it: short, and unambiguous. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null) return String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return value.length <= 6 ? `[${value.map(shown).join(', ')}]` : `a list of ${value.length}`
  return `a ${(value as object).constructor?.name ?? 'value'}`
}

/** ' Did you mean "epochs"?' or nothing. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = known.map((candidate) => [candidate, distance(name.toLowerCase(), candidate.toLowerCase())] as const).sort((a, b) => a[1] - b[1])[0]
  return near && near[1] <= Math.max(2, Math.floor(name.length / 3)) ? ` Did you mean "${near[0]}"?` : ''
}

/** Edits, a swap of neighbours counted once, between two short words. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...new Array<number>(b.length).fill(0)])
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j
  for (let i = 1; i <= a.length; i++) for (let j = 1; j <= b.length; j++) {
    const change = a[i - 1] === b[j - 1] ? 0 : 1
    rows[i]![j] = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + change)
    if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) rows[i]![j] = Math.min(rows[i]![j]!, rows[i - 2]![j - 2]! + 1)
  }
  return rows[a.length]![b.length]!
}
