// Rows that belong together (a patient, a speaker, a slide) and stand in different parts: where the loader was told, and where a column only looks like it.
import { counted, shown } from '../errors.js'
import type { Store } from '../store.js'
import type { Finding } from '../types.js'
import type { Places } from './copies.js'

type Parts = Readonly<Record<string, Int32Array>>

/** A patient, speaker or slide whose rows stand in more than one part. */
export function findLeakedGroups(store: Store<object>, parts: Parts, places: Places): Finding[] {
  const { group } = store
  if (!group) return []
  const valueOf = (id: number) => String((store.rows[id] as Record<string, unknown>)[group])
  const splitsOf = new Map<string, Set<string>>()
  for (const [split, ids] of Object.entries(parts)) for (const id of ids) splitsOf.set(valueOf(id), (splitsOf.get(valueOf(id)) ?? new Set()).add(split))
  const leaked = new Set([...splitsOf].filter(([, splits]) => splits.size > 1).map(([value]) => value))
  if (leaked.size === 0) return []
  const rows = Object.entries(parts).filter(([split]) => split !== 'train').flatMap(([, ids]) => Array.from(ids).filter((id) => leaked.has(valueOf(id))).map((id) => ({ ...places.row(id), detail: `${group} ${valueOf(id)}` })))
  return [{
    check: 'leaked group', severity: 'error', rows,
    text: `${counted(leaked.size, 'value')} of "${group}" stand${leaked.size === 1 ? 's' : ''} in more than one part (${[...leaked].slice(0, 5).join(', ')}${leaked.size > 5 ? ' …' : ''}): the score will flatter.`,
    advice: `Split again with .split({ group: '${group}' }).`,
  }]
}

/** Columns that every loader makes itself. */
const own = new Set(['file', 'label', 'text', 'source', 'target', 'rating', 'width', 'height', 'seconds', 'rate'])

/**
 * Columns that nobody declared as a group and that look like one: names or whole numbers, each on several rows, many different ones,
 * and not another name of the class. Only said, never held against the data.
 */
export function findTornColumns(store: Store<object>, parts: Parts): Finding[] {
  if (Object.keys(parts).length < 2 || store.kind === 'interactions') return []
  const rows = Object.entries(parts).flatMap(([split, ids]) => Array.from(ids, (id) => ({ split, record: store.rows[id] as Record<string, unknown>, label: store.labels[id] ?? -1 })))
  return Object.keys(store.rows[0] ?? {}).filter((name) => name !== store.group && !own.has(name)).flatMap((name): Finding[] => {
    const values = new Map<string, { rows: number; splits: Set<string>; labels: Set<number> }>()
    for (const { split, record, label } of rows) {
      const value = record[name]
      if (typeof value !== 'string' && !Number.isInteger(value)) return []
      const known = values.get(String(value)) ?? { rows: 0, splits: new Set(), labels: new Set() }
      known.rows++
      known.splits.add(split)
      known.labels.add(label)
      values.set(String(value), known)
    }
    const repeated = [...values.values()].filter((value) => value.rows > 1), torn = repeated.filter(({ splits }) => splits.size > 1)
    if (values.size < 5 || values.size > rows.length / 2 || repeated.length < values.size / 2 || torn.length === 0) return []
    return [{
      check: 'leaked group', severity: 'note', rows: [],
      text: `Column ${shown(name)} names ${counted(values.size, 'value')}, and ${torn.length} of them stand${torn.length === 1 ? 's' : ''} in more than one part.`,
      advice: `If rows with the same ${name} belong together (one person, one recording session), split again with .split({ group: '${name}' }).`,
    }]
  })
}
