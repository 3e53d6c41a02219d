// audit(): looks at a data set before training. Each check is a function of rows, fingerprints and features; this file runs them and gathers what they found.
import { mapAtMost } from '../atmost.js'
import type { Fingerprint, SimpleFeatures, Store } from '../store.js'
import type { AuditOptions, AuditReport, FeatureMatrix, Finding, Split } from '../types.js'
import { findCopies, type Places } from './copies.js'
import { findBroken, findImbalance, findMissing, findTooFew } from './counts.js'
import { exactGroups, nearGroups } from './duplicates.js'
import { auditFeatures } from './features.js'
import { findLeakedGroups, findTornColumns } from './groups.js'
import { Report } from './report.js'

type Parts = Readonly<Record<string, Int32Array>>

export async function audit(store: Store<object>, parts: Parts, splits: Readonly<Record<string, Split<any>>>, o: AuditOptions = {}): Promise<AuditReport> {
  const places = placesOf(store, parts), { content } = store
  const ids = Int32Array.from(Object.values(parts).flatMap((part) => Array.from(part)))
  const prints = new Map<number, Fingerprint>()
  await mapAtMost(ids.length, 8, async (row) => {
    const print = await content.fingerprint(ids[row]!)
    if (print) prints.set(ids[row]!, print)
  })
  const ordered = new Map([...prints].sort(([a], [b]) => a - b))
  const seen = o.features ? await givenFeatures(parts, splits, o) : await simpleFeatures(store, ids, prints)
  const compared = seen && auditFeatures(seen.matrix, seen.ids.map((id) => store.labels[id] ?? -1), Array.from(seen.ids, places.splitOf), {
    classes: store.labels.length > 0 ? store.classes : [], what: (row) => content.shortly(seen.ids[row]!), from: seen.from, oddness: seen.oddness, rowOf: (row) => places.row(seen.ids[row]!).row, seed: o.seed ?? 0,
  })
  const faults = await content.faults?.(ids, places.row, ordered) ?? []
  const findings: Finding[] = [
    ...findCopies(store, exactGroups(ordered), true, places),
    ...findCopies(store, nearGroups(ordered), false, places),
    ...findLeakedGroups(store, parts, places), ...findTornColumns(store, parts),
    ...findImbalance(store, parts), ...findTooFew(store, parts), ...findMissing(store, ids, places), ...findBroken(store),
    ...faults.map((fault): Finding => ({ severity: 'warning', ...fault })), ...compared?.findings ?? [],
  ]
  const classes = store.labels.length > 0 && store.classes.length > 0
  const checks = new Set<Finding['check']>([
    'exact duplicates', 'near duplicates', 'leak between splits', 'leaked group', ...(classes ? ['conflicting labels' as const, 'imbalance' as const] : []), 'too few rows', 'missing values', 'broken files',
    ...content.faultChecks ?? [], ...(compared ? [...(classes ? ['label errors' as const] : []), ...(seen?.oddness?.every(Number.isNaN) ? [] : ['outliers' as const]), 'non-representative split' as const] : []),
  ])
  return new Report(store.name, ids.length, findings, [...checks], (row) => content.samples(Int32Array.of(parts[row.split]![row.row]!)).then(([html]) => html))
}

type Seen = SimpleFeatures & { ids: Int32Array }

/** The caller's features, part by part. */
async function givenFeatures(parts: Parts, splits: Readonly<Record<string, Split<any>>>, o: AuditOptions): Promise<Seen | undefined> {
  const found: FeatureMatrix[] = [], names = Object.keys(parts).filter((name) => parts[name]!.length > 0)
  for (const name of names) found.push(await o.features!(splits[name]!))
  if (found.length === 0) return undefined
  const width = found[0]!.width, data = new Float32Array(found.reduce((sum, part) => sum + part.data.length, 0))
  let at = 0
  for (const part of found) { data.set(part.data, at); at += part.data.length }
  const ids = Int32Array.from(names.flatMap((name) => Array.from(parts[name]!)))
  return { ids, matrix: { data, rows: ids.length, width }, from: o.featuresFrom ?? 'the given features' }
}

/** What the kind itself sees, for rows that could be read. */
async function simpleFeatures(store: Store<object>, all: Int32Array, prints: ReadonlyMap<number, Fingerprint>): Promise<Seen | undefined> {
  const ids = all.filter((id) => prints.has(id)), { content } = store
  if (ids.length === 0) return undefined
  if (content.features) return { ids, ...await content.features(ids) }
  const width = prints.get(ids[0]!)!.features?.length ?? 0
  if (width === 0) return undefined
  const data = new Float32Array(ids.length * width)
  ids.forEach((id, row) => data.set(prints.get(id)!.features!, row * width))
  return { ids, matrix: { data, rows: ids.length, width }, from: content.featuresFrom ?? 'simple features' }
}

function placesOf(store: Store<object>, parts: Parts): Places {
  const places = new Map<number, { split: string; row: number }>()
  for (const [split, ids] of Object.entries(parts)) ids.forEach((id, row) => places.set(id, { split, row }))
  return { splitOf: (id) => places.get(id)!.split, row: (id) => ({ ...places.get(id)!, what: store.content.shortly(id) }) }
}
