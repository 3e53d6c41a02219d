// The texts' door: texts with classes from tables and from memory.
import { basename } from 'node:path'
import { chooseParts, otherColumns, type PartsOption } from '../choose-parts.js'
import { checkClasses, classify, labelOf } from '../classes.js'
import { createDataset } from '../dataset.js'
import { needColumns, readRows, type TableOptions } from '../tables/read.js'
import type { DataProblem, Dataset } from '../types.js'
import { TextContent } from './content.js'

/** Columns that every set of texts has; the others keep their names. */
export interface TextRow { text: string; label: string }

export interface TextOptions {
  /** Column with the text, and the one with the class. Default 'text' and 'label'. */
  text?: string
  label?: string
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

/**
 * Texts with classes from rows in memory.
 * @example texts.fromRows([{ text: 'fine', label: 'positive' }, { text: 'dull', label: 'negative' }], { split: false })
 */
export function fromRows<Columns extends object = object>(given: readonly object[], o: TextOptions = {}, notes: readonly string[] = []): Dataset<TextRow & Columns> {
  const table = given as readonly Readonly<Record<string, unknown>>[]
  const name = o.name ?? 'texts', text = o.text ?? 'text', label = o.label ?? 'label'
  const columns = Object.keys(table[0] ?? {})
  needColumns(name, columns, { text, label, ...(o.second ? { second: o.second } : {}), ...(o.group ? { group: o.group } : {}), ...(typeof o.split === 'string' ? { split: o.split } : {}) })
  const { rows, parts, column } = chooseParts(o.split, columns, table, name)
  const problems: DataProblem[] = []
  const where = (row: number) => `row ${row}`
  const { classes, ids } = classify(rows.map((row) => labelOf(table[row]![label])), o.classes, (place) => where(rows[place]!), problems)
  const kept = rows.flatMap((row, place) => {
    if (ids[place]! < 0) return []
    const value = table[row]![text]
    if (typeof value === 'string' ? value.trim() !== '' : value !== null && value !== undefined) return [{ row, place }]
    problems.push({ file: where(row), rule: 'missing value', detail: `column "${text}" is empty; the row is left out` })
    return []
  })
  const labels = Int32Array.from(kept, ({ place }) => ids[place]!)
  checkClasses(`texts from "${name}"`, classes, labels, problems, `Check the columns "${text}" and "${label}".`)
  const texts = kept.map(({ row }) => String(table[row]![text]))
  const seconds = o.second === undefined ? undefined : kept.map(({ row }) => String(table[row]![o.second!] ?? ''))
  const records = kept.map(({ row }, i) => ({ text: texts[i], label: classes[labels[i]!]!, ...otherColumns(table[row]!, [text, label, column]) }) as unknown as TextRow & Columns)
  return createDataset<TextRow & Columns>({
    kind: 'texts', name, classes, rows: records, labels, key: (id) => seconds ? `${texts[id]}\n${seconds[id]}` : texts[id]!, content: new TextContent(texts, seconds), problems, notes, group: o.group,
  }, parts && kept.map(({ place }) => parts[place]), o.split === false ? { split: false } : {})
}

/**
 * Texts with classes from a CSV, TSV, Parquet or JSON-lines file. Equal texts never stand in two parts cut here.
 * @throws DataError when the file, a column or a second class is missing.
 * @example const sms = await texts.fromTable('sms.tsv', { text: 'SMS', label: 'Label' })
 */
export async function fromTable<Columns extends object = object>(file: string, o: TextOptions & Pick<TableOptions, 'separator' | 'header' | 'quote' | 'encoding' | 'columns'> = {}): Promise<Dataset<TextRow & Columns>> {
  const { rows, notes } = await readRows(file, o)
  return fromRows<Columns>(rows, { ...o, name: o.name ?? basename(file).replace(/\.(csv|tsv|txt|parquet|jsonl|ndjson|json)(\.gz)?$/i, '') }, notes)
}
