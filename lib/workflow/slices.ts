// Where a model is worst: groups of rows (by column, by length, by class) whose share of right answers is below the rest by more than chance.
import { displaySymbol } from '../display/index.js'

export interface Slice {
  /** e.g. 'artist = twemoji', 'length ≥ 31'. */
  name: string
  rows: number
  accuracy: number
  /** Of all other rows. */
  rest: number
  /** Of a difference as large or larger by chance: Fisher's exact test, times the number of slices looked at (Bonferroni), at most 1. */
  p: number
}

export class Slices {
  /** @internal */
  constructor(readonly split: string, readonly slices: readonly Slice[], readonly looked: number) {}

  toString(): string {
    if (this.slices.length === 0) return `No slice of "${this.split}" with enough rows (${this.looked} looked at) is worse than the rest.`
    return [`Worst slices of "${this.split}" (${this.looked} looked at)`, ...this.slices.map(({ name, rows, accuracy, rest, p }) => `${name.padEnd(32)} ${String(rows).padStart(6)} rows  ${accuracy.toFixed(3)} right, the rest ${rest.toFixed(3)}  p ${p < 0.001 ? '< 0.001' : p.toFixed(3)}`)].join('\n')
  }

  [displaySymbol](): Record<string, unknown> {
    const rows = this.slices.map(({ name, rows: count, accuracy, rest, p }) => `<tr style="${p < 0.05 ? 'font-weight:600' : ''}"><td style="text-align:left">${name.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</td><td>${count}</td><td>${accuracy.toFixed(3)}</td><td>${rest.toFixed(3)}</td><td>${p < 0.001 ? '&lt; 0.001' : p.toFixed(3)}</td></tr>`).join('')
    return { 'text/html': `<table><caption>Worst slices of “${this.split}”; bold: no chance</caption><tr><th style="text-align:left">slice</th><th>rows</th><th>right</th><th>the rest</th><th>p</th></tr>${rows}</table>`, 'text/plain': String(this) }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

const mostValues = 30

/**
 * @param rows the split's rows; columns with at most 30 different values make a slice each, numbers four quarters, texts four quarters of their length
 * @param right whether each row was predicted right
 * @param least rows that a slice must have
 */
export function worstSlices(rows: readonly Record<string, unknown>[], right: readonly boolean[], { least = 10, most = 8 }: { least?: number; most?: number } = {}): { slices: Slice[]; looked: number } {
  const groups = new Map<string, number[]>()
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  for (const column of columns) for (const [name, members] of slicesOf(column, rows.map((row) => row[column]))) if (members.length >= least && members.length <= rows.length - least) groups.set(name, members)
  const hits = right.filter(Boolean).length, total = right.length
  const slices = [...groups].map(([name, members]): Slice => {
    const inside = members.filter((row) => right[row]).length, others = total - members.length
    return { name, rows: members.length, accuracy: inside / members.length, rest: (hits - inside) / others, p: Math.min(1, groups.size * fisher(inside, members.length, hits, total)) }
  })
  return { slices: slices.filter(({ accuracy, rest }) => accuracy < rest).sort((a, b) => a.p - b.p || a.accuracy - b.accuracy).slice(0, most), looked: groups.size }
}

function slicesOf(column: string, values: readonly unknown[]): [string, number[]][] {
  const known = values.map((value, row) => ({ value, row })).filter(({ value }) => value !== undefined && value !== null)
  if (known.length === 0) return []
  const distinct = new Set(known.map(({ value }) => value))
  if (distinct.size <= mostValues && known.every(({ value }) => ['string', 'boolean', 'number'].includes(typeof value))) {
    if (distinct.size < 2) return []
    return [...distinct].map((value) => [`${column} = ${String(value)}`, known.filter((one) => one.value === value).map(({ row }) => row)])
  }
  if (known.every(({ value }) => typeof value === 'number')) return quarters(column, known as { value: number; row: number }[])
  if (known.every(({ value }) => typeof value === 'string')) return quarters(`length of ${column}`, known.map(({ value, row }) => ({ value: (value as string).length, row })))
  return []
}

function quarters(name: string, values: readonly { value: number; row: number }[]): [string, number[]][] {
  const sorted = values.map(({ value }) => value).sort((a, b) => a - b), edges = [...new Set([0.25, 0.5, 0.75].map((q) => sorted[Math.floor(q * sorted.length)]!))]
  if (sorted[0] === sorted.at(-1)) return []
  return [-Infinity, ...edges].map((from, i) => {
    const to = edges[i] ?? Infinity
    return [from === -Infinity ? `${name} < ${short(to)}` : to === Infinity ? `${name} ≥ ${short(from)}` : `${name} ${short(from)} … ${short(to)}`, values.filter(({ value }) => value >= from && value < to).map(({ row }) => row)]
  })
}

const short = (value: number) => String(Number(value.toPrecision(3)))

/** How likely `inside` or fewer of a slice's rows are right when `hits` of all rows are, dealt out at random (hypergeometric tail). */
export function fisher(inside: number, slice: number, hits: number, total: number): number {
  let sum = 0
  for (let k = Math.max(0, slice - (total - hits)); k <= inside; k++) sum += Math.exp(logChoose(hits, k) + logChoose(total - hits, slice - k) - logChoose(total, slice))
  return Math.min(1, sum)
}

const factorials = [0]
function logFactorial(n: number): number {
  for (let i = factorials.length; i <= n; i++) factorials.push(factorials[i - 1]! + Math.log(i))
  return factorials[n]!
}
const logChoose = (n: number, k: number) => logFactorial(n) - logFactorial(k) - logFactorial(n - k)
