// The interactions' door: who rated what, from tables and from memory.
import { basename } from 'node:path'
import { chooseParts, otherColumns, type PartsOption } from '../choose-parts.js'
import { labelOf } from '../classes.js'
import { createDataset } from '../dataset.js'
import { DataError, shown } from '../errors.js'
import { needColumns, readRows, type TableOptions } from '../tables/read.js'
import type { DataProblem, Dataset, InteractionPreprocessing } from '../types.js'
import { InteractionContent } from './content.js'

/** Columns that every set of interactions has. */
export interface InteractionRow { user: string; item: string; rating: number }

export interface InteractionOptions {
  /** Columns. Default 'user', 'item' and 'rating'. */
  user?: string
  item?: string
  /** Column with the rating; false: every interaction counts 1. */
  rating?: string | false
  split?: PartsOption
  /** Column whose equal values stay in one part, e.g. the user. */
  group?: string
  name?: string
}

/** Interactions from rows in memory. */
export function fromRows<Columns extends object = object>(given: readonly object[], o: InteractionOptions = {}, notes: readonly string[] = []): Dataset<InteractionRow & Columns> {
  const table = given as readonly Readonly<Record<string, unknown>>[]
  const name = o.name ?? 'interactions', user = o.user ?? 'user', item = o.item ?? 'item', rating = o.rating === false ? undefined : o.rating ?? 'rating', columns = Object.keys(table[0] ?? {})
  needColumns(name, columns, { user, item, ...(rating ? { rating } : {}) })
  const { rows, parts, column } = chooseParts(o.split, columns, table, name)
  const problems: DataProblem[] = []
  const kept = rows.flatMap((row, place) => {
    const record = table[row]!, value = rating ? record[rating] : 1
    const number = value === null || value === undefined || value === '' ? NaN : Number(value)
    const [u, i] = [labelOf(record[user]), labelOf(record[item])]
    if (u !== undefined && i !== undefined && Number.isFinite(number)) return [{ row, place, u, i, number }]
    problems.push({ file: `row ${row}`, rule: 'missing value', detail: `user, item and a finite rating are needed, got ${shown(record[user])}, ${shown(record[item])}, ${shown(value)}; the row is left out` })
    return []
  })
  if (kept.length === 0) throw new DataError(`Cannot load interactions from ${shown(name)}: no row has a user, an item and a rating. Check the columns "${user}", "${item}"${rating ? ` and "${rating}"` : ''}.`)
  const records = kept.map(({ row, u, i, number }) => ({ user: u, item: i, rating: number, ...otherColumns(table[row]!, [user, item, rating, column]) }) as unknown as InteractionRow & Columns)
  const content = new InteractionContent(kept.map(({ u }) => u), kept.map(({ i }) => i), Float32Array.from(kept, ({ number }) => number))
  const group = o.group === user ? 'user' : o.group === item ? 'item' : o.group
  return createDataset<InteractionRow & Columns>({
    kind: 'interactions', name, task: 'recommendation', classes: [], rows: records, labels: new Int32Array(0), key: (id) => `${kept[id]!.u}\0${kept[id]!.i}`, content, problems, notes, group,
  }, parts && kept.map(({ place }) => parts[place]), o.split === false ? { split: false } : {})
}

/**
 * Who rated what, from a CSV, TSV, Parquet or JSON-lines file. Ids are texts.
 * @example await interactions.fromTable('ratings.csv', { user: 'userId', item: 'movieId', rating: 'rating' })
 */
export async function fromTable<Columns extends object = object>(file: string, o: InteractionOptions & Pick<TableOptions, 'separator' | 'header' | 'quote' | 'encoding' | 'columns'> = {}): Promise<Dataset<InteractionRow & Columns>> {
  const { rows, notes } = await readRows(file, o)
  return fromRows<Columns>(rows, { ...o, name: o.name ?? basename(file) }, notes)
}

/** The preprocessing for a data set's users and items, all parts together, ids in order. An item counts as liked from 80 % of the highest rating on. */
export function preprocessing(data: Dataset<InteractionRow>): InteractionPreprocessing {
  const rows = Object.values(data.splits).flatMap((split) => [...split.rows]), learned = data.train.rows
  const sorted = (values: string[]) => [...new Set(values)].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : a > b ? 1 : 0))
  const highest = learned.reduce((most, { rating }) => Math.max(most, rating), -Infinity)
  return {
    kind: 'interaction', users: sorted(rows.map(({ user }) => user)), items: sorted(rows.map(({ item }) => item)),
    ...(learned.length > 0 ? { mean: learned.reduce((sum, { rating }) => sum + rating, 0) / learned.length, relevant: highest > 0 ? 0.8 * highest : highest } : {}),
  }
}
