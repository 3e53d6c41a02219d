// Which row is in which part, as a plain value that is saved with a model: to test later on exactly the rows that it was not trained on. Rows are named by a hash of what they are, not by their place.
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DataError, shown } from './errors.js'
import { unitHash } from './random.js'
import type { Partition } from './types.js'

type Parts = Readonly<Record<string, Int32Array>>

/** What the rows are known by. */
export interface RowNames { key(id: number): string; group: ((id: number) => string) | undefined }

const short = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

export function partitionOf(name: string, parts: Parts, notes: readonly string[], rows: RowNames, group: string | undefined): Partition {
  return {
    format: 1, data: name, notes: [...notes], parts: Object.fromEntries(Object.entries(parts).map(([part, ids]) => [part, Array.from(ids, (id) => short(rows.key(id)))])),
    ...(rows.group && group !== undefined ? { group, groups: Object.fromEntries(Object.entries(parts).flatMap(([part, ids]) => Array.from(ids, (id) => [short(rows.group!(id)), part]))) } : {}),
  }
}

/** The parts of these rows: as saved where a row is known; a new row joins its group, else it falls by its own hash, in the shares that were saved. */
export function partsAs(saved: Partition, ids: Int32Array, rows: RowNames): { parts: Parts; known: number } {
  const places = new Map<string, string[]>(), names = Object.keys(saved.parts), total = names.reduce((sum, name) => sum + saved.parts[name]!.length, 0)
  for (const name of names) for (const key of saved.parts[name]!) places.set(key, [...places.get(key) ?? [], name])
  const found = new Map<string, number[]>(names.map((name) => [name, []])), seen = new Map<string, number>()
  let known = 0
  for (const id of ids) {
    const key = short(rows.key(id)), at = seen.get(key) ?? 0, before = places.get(key)
    seen.set(key, at + 1)
    if (before) known++
    const group = rows.group && saved.groups?.[short(rows.group(id))]
    found.get(before ? before[Math.min(at, before.length - 1)]! : group ?? fall(unitHash(0, rows.group?.(id) ?? key)))!.push(id)
  }
  function fall(at: number): string {
    let sum = 0
    return names.find((name) => (sum += saved.parts[name]!.length / total) > at) ?? names.at(-1)!
  }
  return { parts: Object.fromEntries([...found].filter(([name, rows]) => rows.length > 0 || name === 'train').map(([name, rows]) => [name, Int32Array.from(rows)])), known }
}

/** Reads what `result.save` wrote: a model's folder, or the JSON file itself. */
export async function readPartition(path: string): Promise<Partition> {
  const full = resolve(path.replace(/^file:(\/\/)?/, '')), folder = await stat(full).then((found) => found.isDirectory(), () => undefined)
  const file = folder ? join(full, 'splits.json') : full
  const refuse = (rule: string, cause?: unknown) => new DataError(`Cannot read the parts from ${shown(path)}: ${rule}. Give the folder of a model that was fine-tuned here, or what .partition() gave as JSON.`, cause === undefined ? undefined : { cause })
  let saved: Partition
  try { saved = JSON.parse(await readFile(file, 'utf8')) as Partition } catch (error) { throw refuse((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no splits.json' : (error as Error).message, error) }
  return checkPartition(saved, refuse)
}

export function checkPartition(saved: Partition, refuse = (rule: string) => new DataError(`Cannot split as saved: ${rule}. Give what .partition() gave.`)): Partition {
  const named = saved?.parts && typeof saved.parts === 'object' && Object.values(saved.parts).every((keys) => Array.isArray(keys) && keys.every((key) => typeof key === 'string'))
  if (saved?.format !== 1 || !named || !Array.isArray(saved.parts['train'])) throw refuse(`it must have format 1 and parts with a "train" among them, got format ${shown(saved?.format)} and parts ${shown(Object.keys(saved?.parts ?? {}))}`)
  return saved
}
