// Texts whose words are tagged (names of people and places, parts of speech): read from tables, memory or CoNLL files; a tag belongs to its word's first token.
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { chooseParts, otherColumns } from '../choose-parts.js'
import { labelOf, numbersOfSeveral } from '../classes.js'
import { createDataset } from '../dataset.js'
import { DataError, shown } from '../errors.js'
import type { AssembleRequest, Assembled } from '../store.js'
import { needColumns, readRows } from '../tables/read.js'
import type { DataProblem, Dataset, TextPreprocessing } from '../types.js'
import { TextContent } from './content.js'
import type { TextOptions } from './index.js'
import { rectangle } from './padding.js'
import { tokenizerOf, type TokenIds, type Tokenizer } from './tokenizer.js'

/** Columns that every set of tagged texts has. */
export interface TaggedRow { words: readonly string[]; tags: readonly string[] }

export interface TaggedOptions extends Pick<TextOptions, 'split' | 'group' | 'classes' | 'name'> {
  /** Column with the list of words, and the one with their tags. Default 'words' and 'tags'. */
  words?: string
  tags?: string
}

/** The label of a token that begins no word: no loss and no figure counts it. */
const between = -100

/** Words as tokens; `labels[t]` is the tag of the word that token t begins. */
export class TaggedContent extends TextContent {
  constructor(private readonly words: readonly (readonly string[])[], private readonly tags: readonly Int32Array[]) { super(words.map((row) => row.join(' ')), undefined) }

  protected override encode(id: number, p: TextPreprocessing, tokenizer: Tokenizer): TokenIds { return tokenizer.encodeWords(this.words[id]!, p.maxLength) }

  override async assemble(request: AssembleRequest): Promise<Assembled> {
    const { preprocessing: p, ids, size } = request, assembled = await super.assemble(request)
    if (p.kind !== 'text') return assembled
    const width = assembled.inputs['input_ids']!.shape[1]!, tokenizer = tokenizerOf(p.tokenizer)
    const labels = Array.from(ids, (id) => {
      const { starts = [] } = this.tokensOf(id, p, tokenizer), row = new Int32Array(width).fill(between)
      starts.forEach((at, word) => { row[at] = this.tags[id]![word] ?? -1 })
      return row
    })
    return { ...assembled, labels: { data: rectangle(labels, size, width, between), shape: [size, width] } }
  }
}

/** A text as words, punctuation apart, for models that tag words. */
export const wordsIn = (text: string): string[] => text.match(/[\p{L}\p{M}\p{N}]+(?:['’.-][\p{L}\p{M}\p{N}]+)*|[^\s\p{L}\p{M}\p{N}]/gu) ?? []

/**
 * Texts whose words are tagged, for models with the task 'token': rows in memory, a table with lists (Parquet, JSON lines), or a file in CoNLL's columns
 * (a word and its tag on a line, an empty line between sentences; the first column and the last are read). Tags may be any names; B-, I- and O mark entities.
 *
 * @throws DataError when the file or a column is missing, or there are fewer than two tags
 * @example const names = await texts.fromTags('names.conll')
 * @example await texts.fromTags([{ words: ['Ada', 'is', 'in', 'Lisbon'], tags: ['B-person', 'O', 'O', 'B-place'] }])
 */
export async function fromTags<Columns extends object = object>(source: string | readonly object[], o: TaggedOptions = {}): Promise<Dataset<TaggedRow & Columns>> {
  const file = typeof source === 'string' ? source : undefined, name = o.name ?? (file === undefined ? 'tagged texts' : basename(file).replace(/\.\w+(\.gz)?$/, ''))
  const table = (file === undefined ? source : /\.(parquet|pq|jsonl|ndjson|json|arrow|feather)(\.gz)?$/i.test(file) ? (await readRows(file)).rows : await readConll(file)) as readonly Readonly<Record<string, unknown>>[]
  const words = o.words ?? 'words', tags = o.tags ?? 'tags', columns = Object.keys(table[0] ?? {})
  needColumns(name, columns, { words, tags, ...(o.group ? { group: o.group } : {}), ...(typeof o.split === 'string' ? { split: o.split } : {}) })
  const { rows, parts, column } = chooseParts(o.split, columns, table, name), problems: DataProblem[] = []
  const kept = rows.flatMap((row, place) => {
    const given = table[row]![words], named = table[row]![tags]
    const fault = !Array.isArray(given) || !Array.isArray(named) ? `columns "${words}" and "${tags}" must hold lists, got ${shown(given)} and ${shown(named)}` : given.length === 0 ? 'it has no words' : given.length !== named.length ? `${given.length} words have ${named.length} tags` : undefined
    if (fault === undefined) return [{ row, place, words: (given as unknown[]).map(String), tags: (named as unknown[]).map(labelOf) }]
    problems.push({ file: `row ${row}`, rule: 'missing value', detail: `${fault}; the row is left out` })
    return []
  })
  const named = kept.flatMap(({ tags }) => tags.filter((tag) => tag !== undefined)), classes = o.classes ?? [...new Set(named)].sort()
  const idOf = numbersOfSeveral(classes, named, 'its words count nothing', problems)
  const several = kept.map(({ tags }) => Int32Array.from(tags, (tag) => idOf.get(tag ?? '') ?? -1)), present = new Set(several.flatMap((ids) => [...ids].filter((id) => id >= 0)))
  if (present.size < 2) throw new DataError(`Cannot load tagged texts from ${shown(file ?? name)}: telling tags apart needs at least 2, got ${present.size}${problems.length > 0 ? ` (the first of ${problems.length} problems: ${problems[0]!.file}: ${problems[0]!.detail})` : ''}. Check the columns "${words}" and "${tags}".`)
  const records = kept.map(({ row, words: text, tags: named }) => ({ words: text, tags: named.map((tag) => tag ?? ''), ...otherColumns(table[row]!, [words, tags, column]) }) as unknown as TaggedRow & Columns)
  return createDataset<TaggedRow & Columns>({
    kind: 'texts', name, task: 'token', classes, rows: records, labels: new Int32Array(0), several, key: (id) => records[id]!.words.join(' '),
    content: new TaggedContent(records.map((record) => record.words), several), problems, notes: [], group: o.group,
  }, parts && kept.map(({ place }) => parts[place]), o.split === false ? { split: false } : {})
}

async function readConll(file: string): Promise<TaggedRow[]> {
  const text = await readFile(resolve(file), 'utf8').catch((error: NodeJS.ErrnoException) => { throw new DataError(`Cannot read the tagged texts ${shown(file)}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}. Check the path; relative ones start at the notebook's folder.`) })
  return text.replace(/^\uFEFF/, '').split(/\r?\n[ \t]*\r?\n/).flatMap((sentence) => {
    const lines = sentence.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('-DOCSTART-') && !line.startsWith('# '))
    const cells = lines.map((line) => line.includes('\t') ? line.split('\t') : line.split(/ +/))
    const short = cells.findIndex((columns) => columns.length < 2)
    if (short >= 0) throw new DataError(`Cannot read the tagged texts ${shown(file)}: a line must hold a word and its tag, got ${shown(lines[short])}. Separate them with a tab or a space, sentences with an empty line.`)
    return cells.length === 0 ? [] : [{ words: cells.map((columns) => columns[0]!), tags: cells.map((columns) => columns.at(-1)!) }]
  })
}
