// How a data set looks as the last expression of a cell: counts by class and part, sizes, samples, and what went wrong.
import { classesOfRow } from '../classes.js'
import { randomStream, permutation } from '../random.js'
import type { Store } from '../store.js'
import type { DatasetDescription } from '../types.js'
import { describe } from './describe.js'
import { barHtml, boxHtml, escapeHtml, tableHtml, tableText } from './html.js'

const shownClasses = 12, samplesPerClass = 10, samplesWithoutClasses = 8, shownProblems = 20

type Parts = Readonly<Record<string, Int32Array>>

export async function show(store: Store<object>, parts: Parts, notes: readonly string[]): Promise<Record<string, unknown>> {
  const d = await describe(store, parts, notes)
  return { 'text/html': boxHtml(`${headline(d)}${counts(d)}${await samples(store, parts)}${rest(d)}${problems(store)}`), 'text/plain': asText(d, store) }
}

const headline = (d: DatasetDescription) =>
  `<div><b>${escapeHtml(d.name)}</b>: ${d.rows.toLocaleString('en')} ${d.kind}${d.classes.length > 0 ? ` in ${d.classes.length} ${d.task === 'token' ? 'tags' : 'classes'}` : ''}</div>`

/** What stands below the classes: where words are counted, not their sum. */
const totalOf = (d: DatasetDescription) => d.task === 'token' ? d.kind : 'all'

function countRows(d: DatasetDescription): (string | number)[][] {
  if (d.classes.length === 0) return [['rows', ...d.splits.map(({ rows }) => rows), d.rows]]
  const rows = d.classes.map((label) => [label, ...d.splits.map(({ byClass }) => byClass[label]!), d.splits.reduce((sum, { byClass }) => sum + byClass[label]!, 0)])
  const largest = rows.length > shownClasses ? [...rows].sort((a, b) => Number(b.at(-1)) - Number(a.at(-1))).slice(0, shownClasses) : rows
  return [...largest, ...(rows.length > shownClasses ? [[`… ${rows.length - shownClasses} more`, ...d.splits.map(() => ''), '']] : []), [totalOf(d), ...d.splits.map(({ rows }) => rows), d.rows]]
}

function counts(d: DatasetDescription): string {
  const rows = countRows(d), most = Math.max(1, ...rows.filter(([name]) => name !== totalOf(d)).map((row) => Number(row.at(-1)) || 0))
  return tableHtml([d.classes.length > 0 ? 'class' : '', ...d.splits.map(({ name }) => name), 'all', ''], rows.map((row) => [...row, row[0] === totalOf(d) ? '' : barHtml(Number(row.at(-1)) / most)]))
}

async function samples(store: Store<object>, parts: Parts): Promise<string> {
  const from = parts['train'] ?? Object.values(parts)[0] ?? new Int32Array(0)
  const order = permutation(from.length, randomStream(0, from.length))
  const pick = (label: number | undefined, most: number) => Int32Array.from([...order].map((row) => from[row]!).filter((id) => label === undefined || classesOfRow(store, id).includes(label)).slice(0, most))
  if (store.classes.length === 0) return block((await store.content.samples(pick(undefined, samplesWithoutClasses))).join(''))
  const byClass = await Promise.all(store.classes.slice(0, shownClasses).map(async (label, id) =>
    `<div style="display:flex;align-items:center;gap:6px"><div style="width:92px;flex:none;overflow:hidden;text-overflow:ellipsis">${escapeHtml(label)}</div><div style="display:flex;flex-wrap:wrap">${(await store.content.samples(pick(id, store.kind === 'images' ? samplesPerClass : 3))).join('')}</div></div>`))
  return block(byClass.join(''))
}

const block = (html: string) => `<div style="margin:6px 0">${html}</div>`

const figures = (d: DatasetDescription) => [
  ...Object.entries(d.sizes).map(([name, s]) => `${name}: ${s.smallest === s.largest ? format(s.median) : `${format(s.smallest)} to ${format(s.largest)}, median ${format(s.median)}`}`),
  ...(Object.keys(d.missing).length > 0 ? [`missing values: ${Object.entries(d.missing).map(([column, n]) => `${column} ${n}`).join(', ')}`] : []),
]

const format = (value: number) => (Number.isInteger(value) ? value : Number(value.toPrecision(3))).toLocaleString('en')

const rest = (d: DatasetDescription) => [...figures(d), ...d.notes].map((text) => `<div style="opacity:.8">${escapeHtml(text)}</div>`).join('')

function problems({ problems }: Store<object>): string {
  if (problems.length === 0) return ''
  const rows = problems.slice(0, shownProblems).map(({ file, rule, detail }) => [file, rule, detail])
  return `<details open><summary><b>${problems.length} problem${problems.length === 1 ? '' : 's'}</b></summary>${tableHtml(['where', 'what', 'detail'], rows)}${problems.length > shownProblems ? `<div>… ${problems.length - shownProblems} more in <code>.problems</code></div>` : ''}</details>`
}

function asText(d: DatasetDescription, { problems }: Store<object>): string {
  return [
    `${d.name}: ${d.rows.toLocaleString('en')} ${d.kind}${d.classes.length > 0 ? ` in ${d.classes.length} ${d.task === 'token' ? 'tags' : 'classes'}` : ''}`,
    tableText([d.classes.length > 0 ? 'class' : '', ...d.splits.map(({ name }) => name), 'all'], countRows(d)),
    ...figures(d), ...d.notes,
    ...(problems.length > 0 ? [`${problems.length} problem${problems.length === 1 ? '' : 's'}:`, ...problems.slice(0, shownProblems).map(({ file, rule, detail }) => `  ${file}: ${rule} (${detail})`)] : []),
  ].join('\n')
}
