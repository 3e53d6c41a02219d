// Rows that are equal or nearly equal, found without comparing all with all. What that means for splits and labels is said in copies.ts.
import { hash32, mix } from '../random.js'
import { hamming } from '../images/fingerprint.js'
import type { Fingerprint } from '../store.js'

/** Sets of row ids that belong together, each of at least two. */
export type Groups = number[][]

class Unions {
  readonly #parent = new Map<number, number>()
  root(id: number): number {
    let at = id
    for (let up = this.#parent.get(at); up !== undefined; up = this.#parent.get(at)) at = up
    return at
  }

  join(a: number, b: number): void {
    const [x, y] = [this.root(a), this.root(b)]
    if (x !== y) this.#parent.set(Math.max(x, y), Math.min(x, y))
  }

  groups(ids: Iterable<number>): Groups {
    const groups = new Map<number, number[]>()
    for (const id of ids) {
      const root = this.root(id), group = groups.get(root)
      if (group) group.push(id)
      else groups.set(root, [id])
    }
    return [...groups.values()].filter((group) => group.length > 1)
  }
}

export function exactGroups(prints: ReadonlyMap<number, Fingerprint>): Groups {
  const byContent = new Map<string, number[]>()
  for (const [id, { exact }] of prints) {
    const group = byContent.get(exact)
    if (group) group.push(id)
    else byContent.set(exact, [id])
  }
  return [...byContent.values()].filter((group) => group.length > 1)
}

/** Bits that may differ. */
const mostBits = 10

/** Share of common word pairs (Jaccard) from which two texts count as nearly equal. */
const textLimit = 0.8

/** Nearly equal rows, rows with equal content counted once. */
export function nearGroups(prints: ReadonlyMap<number, Fingerprint>): Groups {
  const first = new Map<string, number>()
  for (const [id, { exact }] of prints) if (!first.has(exact)) first.set(exact, id)
  const ids = [...first.values()]
  const unions = new Unions()
  /** Every row of a bucket against those that stand for what was found in it so far, at most 1,000: all with all would be slow where many share a template. */
  const compare = (bucket: readonly number[]) => {
    const standing: number[] = []
    for (const id of bucket) {
      const like = standing.filter((other) => nearlyEqual(prints.get(id)!, prints.get(other)!))
      for (const other of like) unions.join(id, other)
      if (like.length === 0 && standing.length < 1000) standing.push(id)
    }
  }
  const buckets = new Map<string, number[]>()
  for (const id of ids) for (const key of bandsOf(prints.get(id)!)) {
    const bucket = buckets.get(key)
    if (bucket) bucket.push(id)
    else buckets.set(key, [id])
  }
  for (const bucket of buckets.values()) if (bucket.length > 1) compare(bucket)
  return unions.groups(ids)
}

const salts = Uint32Array.from({ length: 24 }, (_, i) => mix(i + 1))

/** Rows that are nearly equal share at least one of these keys (for texts: nearly always). */
function bandsOf({ near, words }: Fingerprint): string[] {
  if (near) {
    const { bits } = near
    // 63 bits in 9 bands of 7: with 8 different bits one band is equal for certain (pigeonhole), with 10 for 96 of 100
    const bit = (i: number) => i < 32 ? (bits[0] >>> i) & 1 : (bits[1] >>> (i - 32)) & 1
    return Array.from({ length: 9 }, (_, band) => `${band}:${Array.from({ length: 7 }, (_, i) => bit(band * 7 + i)).join('')}`)
  }
  if (words && words.length > 0) {
    // MinHash: 24 hash functions, made from one by mixing; 8 bands of 3
    const smallest = new Uint32Array(24).fill(0xffffffff)
    for (const pair of wordPairs(words)) {
      const hash = hash32(pair)
      for (let i = 0; i < 24; i++) { const value = mix(hash ^ salts[i]!); if (value < smallest[i]!) smallest[i] = value }
    }
    return Array.from({ length: 8 }, (_, band) => `${band}:${smallest.slice(band * 3, band * 3 + 3).join()}`)
  }
  return []
}

function wordPairs(words: readonly string[]): Set<string> {
  return words.length < 2 ? new Set(words) : new Set(words.slice(1).map((word, i) => `${words[i]} ${word}`))
}

function nearlyEqual(a: Fingerprint, b: Fingerprint): boolean {
  if (a.near && b.near) {
    if (hamming(a.near.bits, b.near.bits) > mostBits) return false
    const { values } = b.near, most = a.near.most * values.length
    let sum = 0
    for (let i = 0; i < values.length && sum <= most; i++) sum += Math.abs(a.near.values[i]! - values[i]!)
    return sum <= most
  }
  if (!a.words || !b.words) return false
  const x = wordPairs(a.words), y = wordPairs(b.words)
  let common = 0
  for (const pair of x) if (y.has(pair)) common++
  return common / (x.size + y.size - common) >= textLimit
}
