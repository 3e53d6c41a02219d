// A data set in figures: counts by part and class, sizes, missing values. How it is drawn: show.ts.
import { countByClass } from '../classes.js'
import type { Store } from '../store.js'
import type { DatasetDescription } from '../types.js'

type Parts = Readonly<Record<string, Int32Array>>

const isMissing = (value: unknown) => value === null || value === undefined || value === '' || (typeof value === 'number' && Number.isNaN(value))

export async function describe(store: Store<object>, parts: Parts, notes: readonly string[]): Promise<DatasetDescription> {
  const ids = Int32Array.from(Object.values(parts).flatMap((part) => Array.from(part)))
  const columns = Object.keys(store.rows[0] ?? {})
  const missing: Record<string, number> = {}
  for (const column of columns) {
    const count = ids.reduce((sum, id) => sum + (isMissing((store.rows[id] as Record<string, unknown>)[column]) ? 1 : 0), 0)
    if (count > 0) missing[column] = count
  }
  return {
    kind: store.kind, task: store.task, name: store.name, rows: ids.length, classes: store.classes,
    splits: Object.entries(parts).map(([name, part]) => {
      const counts = countByClass(store, part)
      return { name, rows: part.length, byClass: Object.fromEntries(store.classes.map((label, id) => [label, counts[id]!])) }
    }),
    sizes: Object.fromEntries(Object.entries(await store.content.sizes(ids)).map(([name, values]) => [name, spread(values)])),
    missing, columns, notes, problems: store.problems.length,
  }
}

const steps = 24

function spread(values: readonly number[]): DatasetDescription['sizes'][string] {
  const sorted = Float64Array.from(values).sort()
  return { smallest: sorted[0] ?? 0, median: sorted[sorted.length >> 1] ?? 0, largest: sorted.at(-1) ?? 0, histogram: histogram(sorted) }
}

function histogram(sorted: Float64Array): { from: number; to: number; counts: number[] } {
  const from = sorted[0] ?? 0, to = Math.max(from, sorted[Math.floor(0.99 * (sorted.length - 1))] ?? from), counts = new Array<number>(from === to ? 1 : steps).fill(0)
  for (const value of sorted) counts[from === to ? 0 : Math.min(steps - 1, Math.floor(((value - from) / (to - from)) * steps))]!++
  return { from, to, counts }
}
