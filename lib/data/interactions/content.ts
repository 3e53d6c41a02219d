// Ratings behind rows: numbers of users and items for batches, and what the display shows of them.
import { DataError } from '../errors.js'
import { escapeHtml } from '../look/html.js'
import type { AssembleRequest, Assembled, Content, Fault, Fingerprint, SimpleFeatures } from '../store.js'
import type { FindingRow } from '../types.js'
import { surprising } from './residuals.js'

/** An id's place in a vocabulary. */
const placesOf = new WeakMap<readonly string[], Map<string, number>>()
function places(vocabulary: readonly string[]): Map<string, number> {
  const known = placesOf.get(vocabulary) ?? new Map(vocabulary.map((id, place) => [id, place]))
  placesOf.set(vocabulary, known)
  return known
}

export class InteractionContent implements Content {
  constructor(private readonly users: readonly string[], private readonly items: readonly string[], private readonly ratings: Float32Array) {}

  async assemble({ ids, size, preprocessing: p }: AssembleRequest): Promise<Assembled> {
    if (p.kind !== 'interaction') throw new DataError('Cannot prepare interactions: the preprocessing is not for interactions.')
    const user = new Int32Array(size), item = new Int32Array(size), rating = new Float32Array(size), broken: number[] = []
    const users = places(p.users), items = places(p.items)
    ids.forEach((id, place) => {
      const u = users.get(this.users[id]!), i = items.get(this.items[id]!)
      if (u === undefined || i === undefined) { broken.push(place); return } // the model has no row for this id: no weight
      user[place] = u
      item[place] = i
      rating[place] = this.ratings[id]!
    })
    return { inputs: { user: { data: user, shape: [size] }, item: { data: item, shape: [size] } }, labels: { data: rating, shape: [size] }, broken }
  }

  async sizes(ids: Int32Array): Promise<Record<string, number[]>> {
    const per = (values: readonly string[]) => {
      const counts = new Map<string, number>()
      for (const id of ids) counts.set(values[id]!, (counts.get(values[id]!) ?? 0) + 1)
      return [...counts.values()]
    }
    return { 'interactions per user': per(this.users), 'interactions per item': per(this.items), rating: Array.from(ids, (id) => this.ratings[id]!) }
  }

  async samples(ids: Int32Array): Promise<string[]> {
    return Array.from(ids, (id) => `<div>user ${escapeHtml(this.users[id]!)} → item ${escapeHtml(this.items[id]!)}: ${this.ratings[id]}</div>`)
  }

  async fingerprint(id: number): Promise<Fingerprint> { return { exact: `${this.users[id]}\0${this.items[id]}` } }

  readonly faultChecks = ['label errors', 'conflicting labels', 'non-representative split'] as const

  async faults(ids: Int32Array, where: (id: number) => FindingRow): Promise<Fault[]> {
    const of = (values: readonly string[]) => Array.from(ids, (id) => values[id]!), ratings = Float32Array.from(ids, (id) => this.ratings[id]!)
    const odd = surprising(of(this.users), of(this.items), ratings), rows = Array.from(ids, where)
    const twice = new Map<string, number[]>()
    ids.forEach((id, place) => { const key = `${this.users[id]}\0${this.items[id]}`; twice.set(key, [...twice.get(key) ?? [], place]) })
    const torn = [...twice.values()].filter((places) => new Set(places.map((place) => ratings[place])).size > 1).flat()
    const trained = { user: new Set<string>(), item: new Set<string>() }
    ids.forEach((id, place) => { if (rows[place]!.split === 'train') { trained.user.add(this.users[id]!); trained.item.add(this.items[id]!) } })
    const cold = (['user', 'item'] as const).flatMap((what): Fault[] => [...new Set(rows.map(({ split }) => split))].filter((split) => split !== 'train').flatMap((split): Fault[] => {
      const values = what === 'user' ? this.users : this.items
      const places = Array.from(ids.keys()).filter((place) => rows[place]!.split === split), unknown = places.filter((place) => !trained[what].has(values[ids[place]!]!))
      return unknown.length < places.length / 20 || unknown.length === 0 ? [] : [{
        check: 'non-representative split', severity: 'note', rows: unknown.map((place) => rows[place]!),
        text: `${unknown.length} of ${places.length} rows of "${split}" have ${what === 'user' ? 'a user' : 'an item'} that training never saw.`,
        advice: `A model has nothing learned for them: measure them apart, or adapt to the new ${what}s first.`,
      }]
    }))
    return [
      ...(odd.length === 0 ? [] : [{
        check: 'label errors' as const, severity: 'note' as const, rows: odd.map(({ row, expected, score }) => ({ ...rows[row]!, detail: `about ${expected.toFixed(1)} would be usual for this user and item`, score })),
        text: `${odd.length} of ${ids.length} ratings lie far from what user and item usually give and get.`, advice: 'Tastes differ, so most are right; look at users who appear often here.',
      }]),
      ...(torn.length === 0 ? [] : [{
        check: 'conflicting labels' as const, severity: 'error' as const, rows: torn.map((place) => rows[place]!), text: `${torn.length} rows rate the same item by the same user differently.`, advice: 'Keep the newest of them.',
      }]),
      ...cold,
    ]
  }

  /** Rating, and how busy the user and how popular the item is. */
  async features(ids: Int32Array): Promise<SimpleFeatures> {
    const count = (values: readonly string[]) => { const counts = new Map<string, number>(); for (const id of ids) counts.set(values[id]!, (counts.get(values[id]!) ?? 0) + 1); return counts }
    const users = count(this.users), items = count(this.items), data = new Float32Array(ids.length * 3)
    ids.forEach((id, row) => data.set([this.ratings[id]!, Math.log(users.get(this.users[id]!)!), Math.log(items.get(this.items[id]!)!)], row * 3))
    return { matrix: { data, rows: ids.length, width: 3 }, from: 'ratings and popularity', oddness: new Float64Array(ids.length).fill(NaN) }
  }

  shortly(id: number): string { return `user ${this.users[id]}, item ${this.items[id]}: ${this.ratings[id]}` }
}
