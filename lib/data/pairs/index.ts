// The pairs' door: sentence pairs from tables, gettext catalogues and memory.
import { basename } from 'node:path'
import { chooseParts, otherColumns, type PartsOption } from '../choose-parts.js'
import { createDataset } from '../dataset.js'
import { DataError, shown } from '../errors.js'
import { needColumns, readRows, type TableOptions } from '../tables/read.js'
import type { DataProblem, Dataset } from '../types.js'
import { PairContent } from './content.js'
import { readCatalogues } from './gettext.js'

/** Columns that every set of pairs has. */
export interface PairRow { source: string; target: string }

export interface PairOptions {
  /** Columns. Default 'source' and 'target'. */
  source?: string
  target?: string
  split?: PartsOption
  /** Column whose equal values stay in one part, such as the document. */
  group?: string
  name?: string
}

/** Sentence pairs from rows in memory. */
export function fromRows<Columns extends object = object>(given: readonly object[], o: PairOptions = {}, notes: readonly string[] = []): Dataset<PairRow & Columns> {
  const table = given as readonly Readonly<Record<string, unknown>>[]
  const name = o.name ?? 'pairs', source = o.source ?? 'source', target = o.target ?? 'target', columns = Object.keys(table[0] ?? {})
  needColumns(name, columns, { source, target, ...(o.group ? { group: o.group } : {}), ...(typeof o.split === 'string' ? { split: o.split } : {}) })
  const { rows, parts, column } = chooseParts(o.split, columns, table, name)
  const problems: DataProblem[] = []
  const kept = rows.flatMap((row, place) => {
    const empty = [source, target].find((column) => String(table[row]![column] ?? '').trim() === '')
    if (empty === undefined) return [{ row, place }]
    problems.push({ file: `row ${row}`, rule: 'missing value', detail: `column "${empty}" is empty; the row is left out` })
    return []
  })
  if (kept.length === 0) throw new DataError(`Cannot load pairs from ${shown(name)}: no row has both a source and a target. Check the columns "${source}" and "${target}".`)
  const sources = kept.map(({ row }) => String(table[row]![source])), targets = kept.map(({ row }) => String(table[row]![target]))
  const records = kept.map(({ row }, i) => ({ source: sources[i], target: targets[i], ...otherColumns(table[row]!, [source, target, column]) }) as unknown as PairRow & Columns)
  return createDataset<PairRow & Columns>({
    kind: 'pairs', name, task: 'sequence', classes: [], rows: records, labels: new Int32Array(0), key: (id) => sources[id]!, content: new PairContent(sources, targets), problems, notes, group: o.group,
  }, parts && kept.map(({ place }) => parts[place]), o.split === false ? { split: false } : {})
}

/**
 * Sentence pairs from a CSV, TSV, Parquet or JSON-lines file. Equal sources never stand in two parts cut here.
 * @example await pairs.fromTable('en-pt.tsv', { source: 'en', target: 'pt' })
 */
export async function fromTable<Columns extends object = object>(file: string, o: PairOptions & Pick<TableOptions, 'separator' | 'header' | 'quote' | 'encoding' | 'columns'> = {}): Promise<Dataset<PairRow & Columns>> {
  const { rows, notes } = await readRows(file, o)
  return fromRows<Columns>(rows, { ...o, name: o.name ?? basename(file) }, notes)
}

/**
 * Sentence pairs out of gettext catalogues (.po, .mo) in files, folders, zips or Python wheels. Repeated pairs are taken once.
 * @example await pairs.fromCatalogues(['jupyterlab_language_pack_pt_BR-4.4.whl'], { language: 'pt_BR' })
 */
export async function fromCatalogues(paths: string | readonly string[], o: { language?: string; name?: string } = {}): Promise<Dataset<PairRow & { file: string }>> {
  const list = typeof paths === 'string' ? [paths] : paths
  const found = (await Promise.all(list.map((path) => readCatalogues(path, o.language)))).flat()
  if (found.length === 0) throw new DataError(`Cannot load pairs from ${shown([...list])}: there is no catalogue (.po, .mo)${o.language ? ` of language ${shown(o.language)}` : ''} with translations. Check the path${o.language ? ' and the language, written as the folder is, e.g. pt_BR' : ''}.`)
  const once = new Map(found.map((pair) => [`${pair.source}\0${pair.target}`, pair]))
  return fromRows<{ file: string }>([...once.values()] as unknown as Record<string, unknown>[], { name: o.name ?? list.map((path) => basename(path)).join(', ') }, [`${found.length} translations in ${new Set(found.map(({ file }) => file)).size} catalogues, ${once.size} of them different.`])
}
