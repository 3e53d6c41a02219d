// audit(): looks at a data set before training. Each check is a function of rows and fingerprints; this file runs them and gathers what they found.
import { atMost } from '../atmost.js'
import type { Fingerprint, Store } from '../store.js'
import type { AuditReport, Finding } from '../types.js'
import { findCopies, type Places } from './copies.js'
import { findBroken, findImbalance, findLeakedGroups, findMissing, findTooFew } from './counts.js'
import { exactGroups, nearGroups } from './duplicates.js'
import { Report } from './report.js'

type Parts = Readonly<Record<string, Int32Array>>

export async function audit(store: Store<object>, parts: Parts): Promise<AuditReport> {
  const places = placesOf(store, parts)
  const ids = Int32Array.from(Object.values(parts).flatMap((part) => Array.from(part)))
  const prints = new Map<number, Fingerprint>()
  const limited = atMost(8)
  await Promise.all(Array.from(ids, (id) => limited(async () => {
    const print = await store.content.fingerprint(id)
    if (print) prints.set(id, print)
  })))
  const ordered = new Map([...prints].sort(([a], [b]) => a - b))
  const faults = await store.content.faults?.(ids, places.row) ?? []
  const findings: Finding[] = [
    ...findCopies(store, exactGroups(ordered), true, places),
    ...findCopies(store, nearGroups(ordered), false, places),
    ...findLeakedGroups(store, parts, places),
    ...findImbalance(store, parts), ...findTooFew(store, parts), ...findMissing(store, ids, places), ...findBroken(store),
    ...faults.map((fault): Finding => ({ severity: 'warning', ...fault })),
  ]
  const checks: Finding['check'][] = [
    'exact duplicates', 'near duplicates', 'leak between splits', ...(store.group ? ['leaked group' as const] : []),
    ...(store.classes.length > 0 ? ['conflicting labels' as const, 'imbalance' as const] : []), 'too few rows', 'missing values', 'broken files', ...(store.content.faults ? ['format' as const, 'encoding' as const] : []),
  ]
  return new Report(store.name, ids.length, findings, checks)
}

function placesOf(store: Store<object>, parts: Parts): Places {
  const places = new Map<number, { split: string; row: number }>()
  for (const [split, ids] of Object.entries(parts)) ids.forEach((id, row) => places.set(id, { split, row }))
  return { splitOf: (id) => places.get(id)!.split, row: (id) => ({ ...places.get(id)!, what: store.content.shortly(id) }) }
}
