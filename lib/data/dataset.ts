// The one Dataset: a store of rows seen as named parts. Loaders make stores; this file splits, filters and hands out, and knows no file format.
import { makeBatches } from './batches.js'
import { countByClass, strataOf } from './classes.js'
import { DataError, shown } from './errors.js'
import { inspectSymbol, jupyterDisplay } from './look/symbols.js'
import { assign, assignByTime, assignFolds, type RowFacts } from './parts.js'
import { checkPartition, partitionOf, partsAs, readPartition, type RowNames } from './partition.js'
import type { Store } from './store.js'
import type { AuditOptions, AuditReport, Batch, BatchOptions, DataProblem, Dataset, DatasetDescription, Kind, Partition, Split, SplitOptions, Task } from './types.js'

type Parts = Readonly<Record<string, Int32Array>>

class StoredSplit<Row extends object> implements Split<Row> {
  readonly size: number
  readonly #store: Store<Row>
  readonly #ids: Int32Array
  #rows: readonly Row[] | undefined
  constructor(readonly name: string, store: Store<Row>, ids: Int32Array) {
    this.#store = store
    this.#ids = ids
    this.size = ids.length
  }

  get rows(): readonly Row[] { return this.#rows ??= Array.from(this.#ids, (id) => this.#store.rows[id]!) }

  get labels(): Int32Array { return this.#store.labels.length === 0 ? new Int32Array(0) : this.#ids.map((id) => this.#store.labels[id]!) }

  get counts(): readonly number[] { return countByClass(this.#store, this.#ids) }

  batches(o: BatchOptions): AsyncIterable<Batch> {
    return { [Symbol.asyncIterator]: () => makeBatches(this.#store, this.#ids, o) }
  }

  take(rows: number | readonly number[]): Split<Row> {
    const numbers = typeof rows === 'number' ? Array.from({ length: Math.min(rows, this.size) }, (_, i) => i) : rows
    const wrong = numbers.find((row) => this.#ids[row] === undefined)
    if (wrong !== undefined) throw new DataError(`Cannot take row ${wrong} of "${this.name}": it has ${this.size} rows, numbered from 0. Use a smaller number.`)
    return new StoredSplit(this.name, this.#store, Int32Array.from(numbers, (row) => this.#ids[row]!))
  }

  toString(): string { return `Split "${this.name}": ${this.size} rows` }

  [inspectSymbol](): string { return this.toString() }
}

class StoredDataset<Row extends object> implements Dataset<Row> {
  readonly splits: Readonly<Record<string, Split<Row>>>
  readonly #store: Store<Row>
  readonly #parts: Parts
  constructor(store: Store<Row>, parts: Parts, readonly notes: readonly string[]) {
    this.#store = store
    this.#parts = parts
    this.splits = Object.fromEntries(Object.entries(parts).map(([name, ids]) => [name, new StoredSplit(name, store, ids)]))
  }

  get kind(): Kind { return this.#store.kind }
  get name(): string { return this.#store.name }
  get task(): Task { return this.#store.task }
  get classes(): readonly string[] { return this.#store.classes }
  get group(): string | undefined { return this.#store.group }
  get problems(): readonly DataProblem[] { return this.#store.problems }
  get train(): Split<Row> { return this.splits['train'] ?? new StoredSplit('train', this.#store, new Int32Array(0)) }
  get validation(): Split<Row> | undefined { return this.splits['validation'] }
  get test(): Split<Row> | undefined { return this.splits['test'] }

  split(o: SplitOptions<Row> = {}): Dataset<Row> {
    const ids = allIds(this.#parts)
    return new StoredDataset(this.#store, cut(this.#store, ids, o), [describeCut(o, o.group ?? this.group)])
  }

  folds(k: number, o: Omit<SplitOptions<Row>, 'validation' | 'test' | 'time' | 'exact'> = {}): Dataset<Row>[] {
    const { test, ...others } = this.#parts
    const ids = allIds(others)
    const fold = assignFolds(facts(this.#store, ids, o), k, o.seed ?? 0)
    return Array.from({ length: k }, (_, i) => new StoredDataset(this.#store, {
      train: ids.filter((_, row) => fold[row] !== i), validation: ids.filter((_, row) => fold[row] === i), ...(test ? { test } : {}),
    }, [`Fold ${i + 1} of ${k} is validation${test ? '; the test part stays' : ''} (seed ${o.seed ?? 0}).`]))
  }

  partition(): Partition { return partitionOf(this.name, this.#parts, this.notes, this.#names(this.group), this.group) }

  async splitAs(saved: Partition | string): Promise<Dataset<Row>> {
    const partition = typeof saved === 'string' ? await readPartition(saved) : checkPartition(saved), ids = allIds(this.#parts)
    const { parts, known } = partsAs(partition, ids, this.#names(partition.group))
    if (known === 0) throw new DataError(`Cannot split "${this.name}" as saved: none of its ${ids.length} rows is among those saved for "${partition.data}". Load the same data, from the same folder or table.`)
    return new StoredDataset(this.#store, parts, [`Parts as saved for "${partition.data}"${known < ids.length ? `; ${ids.length - known} rows are new` : ''}.`])
  }

  #names(group: string | undefined): RowNames {
    const has = group !== undefined && group in (this.#store.rows[0] ?? {})
    return { key: (id) => this.#store.key(id), group: has ? (id) => String((this.#store.rows[id] as Record<string, unknown>)[group]) : undefined }
  }

  filter(keep: (row: Row, split: string) => boolean): Dataset<Row> {
    const parts = Object.entries(this.#parts).map(([name, ids]) => [name, ids.filter((id) => keep(this.#store.rows[id]!, name))] as const)
    if (parts.every(([, ids]) => ids.length === 0)) throw new DataError(`Cannot filter "${this.name}": no row of ${allIds(this.#parts).length} is kept. Columns are ${Object.keys(this.#store.rows[0] ?? {}).join(', ')}.`)
    return new StoredDataset(this.#store, Object.fromEntries(parts.filter(([name, ids]) => ids.length > 0 || name === 'train')), this.notes)
  }

  assign(part: (row: Row, split: string) => string | undefined): Dataset<Row> {
    const parts = new Map<string, number[]>([['train', []]])
    for (const [name, ids] of Object.entries(this.#parts)) for (const id of ids) {
      const named = part(this.#store.rows[id]!, name)
      if (named === undefined) continue
      const to = partName(named)
      const rows = parts.get(to)
      if (rows) rows.push(id)
      else parts.set(to, [id])
    }
    if (parts.get('train')!.length === 0) throw new DataError(`Cannot assign the rows of "${this.name}" to parts: none is in "train", got ${[...parts.keys()].filter((name) => name !== 'train').map(shown).join(', ') || 'no part at all'}. Return 'train' for the rows to learn from.`)
    return new StoredDataset(this.#store, Object.fromEntries(['train', 'validation', 'test', ...parts.keys()].filter((name) => parts.has(name)).map((name) => [name, Int32Array.from(parts.get(name)!)])), ['The parts are the caller\'s.'])
  }

  async frame(): Promise<Awaited<ReturnType<Dataset['frame']>>> {
    const { frameOf } = await import('./tables/frame.js')
    return frameOf(Object.entries(this.splits).flatMap(([split, { rows }]) => rows.map((row) => ({ ...row, split }))))
  }

  async describe(): Promise<DatasetDescription> { return (await import('./look/describe.js')).describe(this.#store, this.#parts, this.notes) }

  async audit(o: AuditOptions = {}): Promise<AuditReport> { return (await import('./audit/index.js')).audit(this.#store, this.#parts, this.splits, o) }

  async [jupyterDisplay](): Promise<Record<string, unknown>> { return (await import('./look/show.js')).show(this.#store, this.#parts, this.notes) }

  [inspectSymbol](): string { return this.toString() }

  toString(): string {
    const parts = Object.values(this.splits).map(({ name, size }) => `${name} ${size}`).join(', ')
    return `Dataset "${this.name}" (${this.kind}): ${parts}${this.classes.length > 0 ? `; classes ${this.classes.slice(0, 8).join(', ')}${this.classes.length > 8 ? ' …' : ''}` : ''}${this.problems.length > 0 ? `; ${this.problems.length} problems` : ''}`
  }
}

function allIds(parts: Parts): Int32Array {
  const total = Object.values(parts).reduce((sum, ids) => sum + ids.length, 0)
  const ids = new Int32Array(total)
  let at = 0
  for (const part of Object.values(parts)) { ids.set(part, at); at += part.length }
  return ids.sort()
}

function column(store: Store<object>, ids: Int32Array, name: string): unknown[] {
  const values = Array.from(ids, (id) => (store.rows[id] as Record<string, unknown>)[name])
  if (values.some((value) => value === undefined)) throw new DataError(`Cannot split "${store.name}" by ${shown(name)}: ${values.every((value) => value === undefined) ? 'there is no such column' : 'some rows have no value there'}. Columns are ${Object.keys(store.rows[0] ?? {}).join(', ')}.`)
  return values
}

function facts(store: Store<object>, ids: Int32Array, o: { group?: string; stratified?: boolean }): RowFacts {
  const group = o.group ?? store.group
  return {
    keys: Array.from(ids, (id) => store.key(id)),
    labels: o.stratified ?? true ? strataOf(store, ids) : undefined,
    classes: store.classes,
    groups: group ? column(store, ids, group).map(String) : undefined,
  }
}

const defaultShare = 0.15

function cut(store: Store<object>, ids: Int32Array, o: Omit<SplitOptions, 'group' | 'time'> & { group?: string; time?: string }): Parts {
  const shares = { validation: o.validation ?? defaultShare, test: o.test ?? defaultShare }
  const part = o.time
    ? assignByTime(column(store, ids, o.time).map((value) => timeOf(value, o.time!)), shares)
    : assign(facts(store, ids, o), shares, o.seed ?? 0, o.exact ?? false)
  const rowsOf = (value: number) => ids.filter((_, row) => part[row] === value)
  return Object.fromEntries([['train', rowsOf(0)], ['validation', rowsOf(1)], ['test', rowsOf(2)]].filter(([name, rows]) => name === 'train' || rows!.length > 0))
}

function timeOf(value: unknown, column: string): number {
  const text = String(value)
  const time = value instanceof Date ? value.getTime() : typeof value === 'number' || typeof value === 'bigint' ? Number(value) : text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : Date.parse(text)
  if (!Number.isFinite(time)) throw new DataError(`Cannot split by time: column ${shown(column)} must hold dates or numbers, got ${shown(value)}. Use ISO dates such as 2026-11-24.`)
  return time
}

function describeCut(o: { validation?: number; test?: number; seed?: number; time?: string; stratified?: boolean; exact?: boolean }, group?: string): string {
  const how = o.time ? `by time ("${o.time}")` : [o.stratified === false ? 'at random' : 'stratified', ...(group ? [`"${group}" kept together`] : []), ...(o.exact ? ['exact shares'] : []), `seed ${o.seed ?? 0}`].join(', ')
  return `Split here: ${percent(o.validation ?? defaultShare)} validation, ${percent(o.test ?? defaultShare)} test (${how}).`
}

const percent = (share: number) => `${Math.round(share * 1000) / 10} %`

const usualNames: Record<string, string> = { training: 'train', val: 'validation', valid: 'validation', dev: 'validation', eval: 'validation', testing: 'test' }

/** 'val' → 'validation' and the like. */
export const partName = (name: string): string => usualNames[name.trim().toLowerCase()] ?? name.trim().toLowerCase()

/** A data set from a store, in the parts that the source names, or else cut here: all three where it names none, validation from training where it names two of which none is "validation". */
export function createDataset<Row extends object>(store: Store<Row>, named: readonly (string | undefined)[] | undefined, o: { split?: boolean } = {}): Dataset<Row> {
  const ids = Int32Array.from(store.rows, (_, id) => id)
  const names = new Map<string, number[]>()
  ids.forEach((id) => {
    const name = partName(named?.[id] || 'train')
    const rows = names.get(name)
    if (rows) rows.push(id)
    else names.set(name, [id])
  })
  if (!names.has('train')) throw new DataError(`Cannot load "${store.name}": one part must be called "train", got ${[...names.keys()].map(shown).join(', ')}. Rename the part to learn from, or leave the parts out.`)
  const given: Parts = Object.fromEntries(['train', 'validation', 'test', ...names.keys()].filter((name) => names.has(name)).map((name) => [name, Int32Array.from(names.get(name)!)]))
  const others = Object.keys(given).filter((name) => name !== 'train')
  if (o.split === false || others.length >= 2 || !splittable(store)) return new StoredDataset(store, given, store.notes)
  if (others.length === 0) return new StoredDataset(store, cut(store, given['train']!, {}), [...store.notes, `${describeCut({}, store.group)} Use .split() for other parts.`])
  const other = others[0]!
  // Spelled out, it is meant so; "val" and "dev" are what published sets call the part that everybody tests on.
  if (named?.some((name) => name?.trim().toLowerCase() === 'validation')) return new StoredDataset(store, given, [...store.notes, 'Two parts were given, and no test part: "validation" chooses, so its figures flatter. Name a part "test" to judge by, or cut parts with .split().'])
  const { train, validation } = cut(store, given['train']!, { test: 0 })
  const note = `Two parts were given: "${other}" is the test part, and validation is 15 % of training (stratified, seed 0).`
  return new StoredDataset(store, { train: train!, ...(validation ? { validation } : {}), test: given[other]! }, [...store.notes, note])
}

/** A data set in exactly these parts. */
export const datasetOf = <Row extends object>(store: Store<Row>, parts: Parts): Dataset<Row> => new StoredDataset(store, parts, store.notes)

/** Too few rows to cut anything off: every class needs three. */
const splittable = (store: Store<object>): boolean => {
  const counts = store.classes.length > 0 ? countByClass(store, Int32Array.from(store.rows, (_, id) => id)) : [store.rows.length]
  return counts.some((count) => count >= 3)
}
