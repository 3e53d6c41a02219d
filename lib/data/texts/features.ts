// What a text looks like without a model: its words and letter groups as sparse features, and how unusual it is letter by letter.
import { hash32 } from '../random.js'
import type { SimpleFeatures, SparseMatrix } from '../store.js'
import { wordsOf } from './faults.js'

const width = 2 ** 16

/** Taken out of the global once: it is called for every letter. */
const { log2 } = Math

/** Words, pairs of words, and groups of 3 and 4 letters within words, hashed; log counts by how rare they are, length 1 (as TF-IDF is used for linear classifiers). */
export function textFeatures(texts: readonly string[]): SimpleFeatures {
  const rows = texts.map((text) => countTerms(text)), seen = new Int32Array(width)
  for (const row of rows) for (const column of row.keys()) seen[column]!++
  const starts = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => { starts[i + 1] = starts[i]! + row.size })
  const columns = new Int32Array(starts[rows.length]!), values = new Float32Array(columns.length)
  rows.forEach((row, i) => {
    let at = starts[i]!, square = 0
    for (const [column, count] of row) {
      columns[at] = column
      values[at] = (1 + Math.log(count)) * (Math.log((1 + rows.length) / (1 + seen[column]!)) + 1)
      square += values[at]! ** 2
      at++
    }
    const norm = Math.sqrt(square) || 1
    for (let k = starts[i]!; k < at; k++) values[k]! /= norm
  })
  const matrix: SparseMatrix = { rows: rows.length, width, starts, columns, values }
  return { matrix, from: 'words and letters', oddness: oddness(texts) }
}

function countTerms(text: string): Map<number, number> {
  const counts = new Map<number, number>(), words = wordsOf(text.slice(0, 100_000))
  const add = (term: string) => { const column = hash32(term) % width; counts.set(column, (counts.get(column) ?? 0) + 1) }
  words.forEach((word, i) => {
    add(`w${word}`)
    if (i > 0) add(`b${words[i - 1]} ${word}`)
    const marked = `^${word}$`
    for (const n of [3, 4]) for (let at = 0; at + n <= marked.length; at++) add(`c${marked.slice(at, at + n)}`)
  })
  return counts
}

/** Rows of which a text is made up to this many letters count as if usual letters followed. */
const usualLetters = 20

/**
 * Mean bits that a letter costs after the two before it, by a trigram model of all texts that leaves this text out.
 * Short texts are drawn towards the mean, so that one odd word is no stray.
 */
function oddness(texts: readonly string[]): Float64Array {
  const bins = 2 ** 20, triples = new Uint32Array(bins), pairs = new Uint32Array(bins)
  const walk = (text: string, visit: (triple: number, pair: number) => void) => {
    const marked = `  ${text.slice(0, 2000).toLowerCase().replace(/\s+/g, ' ').replace(/\d/g, '0')}`
    for (let at = 2; at < marked.length; at++) visit(hash32(marked.slice(at - 2, at + 1)) % bins, hash32(marked.slice(at - 2, at), 1) % bins)
  }
  for (const text of texts) walk(text, (triple, pair) => { triples[triple]!++; pairs[pair]!++ })
  const sums = texts.map((text) => {
    const own = new Map<number, number>(), ownPairs = new Map<number, number>(), letters: [number, number][] = []
    walk(text, (triple, pair) => {
      own.set(triple, (own.get(triple) ?? 0) + 1)
      ownPairs.set(pair, (ownPairs.get(pair) ?? 0) + 1)
      letters.push([triple, pair])
    })
    let bits = 0
    for (const [triple, pair] of letters) bits -= log2((triples[triple]! - own.get(triple)! + 0.5) / (pairs[pair]! - ownPairs.get(pair)! + 50))
    return { bits, letters: letters.length }
  })
  const mean = sums.reduce((sum, { bits }) => sum + bits, 0) / Math.max(1, sums.reduce((sum, { letters }) => sum + letters, 0))
  return Float64Array.from(sums, ({ bits, letters }) => (bits + usualLetters * mean) / (letters + usualLetters))
}
