// The texts' door: texts with classes or numbers from tables and from memory. Tags of words: tagged.ts.
import { basename } from 'node:path'
import { chooseParts, otherColumns, type PartsOption } from '../choose-parts.js'
import { createDataset } from '../dataset.js'
import { labelColumns, tableLabels, type LabelOptions, type NumberLabel, type OneClass, type SeveralClasses } from '../labels.js'
import { needColumns, readRows, type TableOptions } from '../tables/read.js'
import type { DataProblem, Dataset } from '../types.js'
import { TextContent } from './content.js'

/** Columns that every set of texts has; the others keep their names. */
export interface TextRow { text: string; label: string }
/** Texts that may have several classes, and texts with a number. */
export interface SeveralTextRow { text: string; labels: readonly string[] }
export interface NumberTextRow { text: string; value: number }

export interface TextOptions {
  /** Column with the text. Default 'text'. */
  text?: string
  /** Column with a second text, for pairs such as question and answer. */
  second?: string
  /** Column with the part, row numbers by part, or false. Default: the column 'split' where there is one. */
  split?: PartsOption
  /** Column whose equal values stay in one part: an author, a thread. */
  group?: string
  /** Names and order of the classes; rows with others are left out. */
  classes?: readonly string[]
  name?: string
}

type ReadOptions = Pick<TableOptions, 'separator' | 'header' | 'quote' | 'encoding' | 'columns'>

/**
 * Texts with classes from rows in memory: one each (`label`), several (`labels`), or a number (`value`).
 * @example texts.fromRows([{ text: 'fine', label: 'positive' }, { text: 'dull', label: 'negative' }], { split: false })
 */
export function fromRows<Columns extends object = object>(given: readonly object[], o?: TextOptions & OneClass, notes?: readonly string[]): Dataset<TextRow & Columns>
export function fromRows<Columns extends object = object>(given: readonly object[], o: TextOptions & SeveralClasses, notes?: readonly string[]): Dataset<SeveralTextRow & Columns>
export function fromRows<Columns extends object = object>(given: readonly object[], o: TextOptions & NumberLabel, notes?: readonly string[]): Dataset<NumberTextRow & Columns>
export function fromRows(given: readonly object[], o: TextOptions & LabelOptions = {}, notes: readonly string[] = []): Dataset<any> {
  const table = given as readonly Readonly<Record<string, unknown>>[]
  const name = o.name ?? 'texts', text = o.text ?? 'text'
  const columns = Object.keys(table[0] ?? {})
  needColumns(name, columns, { text, ...labelColumns(o), ...(o.second ? { second: o.second } : {}), ...(o.group ? { group: o.group } : {}), ...(typeof o.split === 'string' ? { split: o.split } : {}) })
  const { rows, parts, column } = chooseParts(o.split, columns, table, name)
  const problems: DataProblem[] = []
  const where = (row: number) => `row ${row}`
  const labels = tableLabels(rows.map((row) => table[row]!), o, o.classes, (place) => where(rows[place]!), problems)
  const kept = rows.flatMap((row, place) => {
    if (!labels.known(place)) return []
    const value = table[row]![text]
    if (typeof value === 'string' ? value.trim() !== '' : value !== null && value !== undefined) return [{ row, place }]
    problems.push({ file: where(row), rule: 'missing value', detail: `column "${text}" is empty; the row is left out` })
    return []
  })
  const places = kept.map(({ place }) => place)
  labels.check(places, `texts from "${name}"`, `Check the columns ${[text, ...labels.columns].slice(0, 5).map((column) => `"${column}"`).join(' and ')}.`)
  const texts = kept.map(({ row }) => String(table[row]![text]))
  const seconds = o.second === undefined ? undefined : kept.map(({ row }) => String(table[row]![o.second!] ?? ''))
  const records = kept.map(({ row, place }, i) => ({ text: texts[i], ...labels.shown(place), ...otherColumns(table[row]!, [text, ...labels.columns, column]) }))
  return createDataset({
    kind: 'texts', name, ...labels.of(places), rows: records, key: (id) => seconds ? `${texts[id]}\n${seconds[id]}` : texts[id]!, content: new TextContent(texts, seconds), problems, notes, group: o.group,
  }, parts && places.map((place) => parts[place]), o.split === false ? { split: false } : {})
}

/**
 * Texts with classes from a CSV, TSV, Parquet or JSON-lines file. Equal texts never stand in two parts cut here.
 * @throws DataError when the file, a column or a second class is missing.
 * @example const sms = await texts.fromTable('sms.tsv', { text: 'SMS', label: 'Label' })
 * @example const films = await texts.fromTable('films.csv', { text: 'plot', labels: 'genres' }) // genres: Comedy|Romance
 */
export function fromTable<Columns extends object = object>(file: string, o?: TextOptions & OneClass & ReadOptions): Promise<Dataset<TextRow & Columns>>
export function fromTable<Columns extends object = object>(file: string, o: TextOptions & SeveralClasses & ReadOptions): Promise<Dataset<SeveralTextRow & Columns>>
export function fromTable<Columns extends object = object>(file: string, o: TextOptions & NumberLabel & ReadOptions): Promise<Dataset<NumberTextRow & Columns>>
export async function fromTable(file: string, o: TextOptions & LabelOptions & ReadOptions = {}): Promise<Dataset<any>> {
  const { rows, notes } = await readRows(file, o)
  return fromRows(rows, { ...o as TextOptions & OneClass, name: o.name ?? basename(file).replace(/\.(csv|tsv|txt|parquet|jsonl|ndjson|json)(\.gz)?$/i, '') }, notes)
}
