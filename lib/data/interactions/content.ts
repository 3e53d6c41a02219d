// Ratings behind rows: numbers of users and items for batches, and what the display shows of them.
import { DataError } from '../errors.js'
import { escapeHtml } from '../look/html.js'
import type { AssembleRequest, Assembled, Content, Fingerprint } from '../store.js'

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

  shortly(id: number): string { return `user ${this.users[id]}, item ${this.items[id]}: ${this.ratings[id]}` }
}
