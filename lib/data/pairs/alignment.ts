// Whether a translation fits its source, learned from the other pairs: IBM Model 1 (Brown et al. 1993), each pair judged by a model that never saw it.
import { permutation, randomStream } from '../random.js'

const folds = 5, rounds = 4, { log } = Math
const words = (text: string) => text.normalize('NFKC').toLowerCase().match(/[\p{L}\p{M}]+|\p{N}+|[%{}$<>&@#]+\w*/gu)?.slice(0, 100) ?? []

/** p(target word | source word), a word that stands for nothing included as ''. */
type Lexicon = Map<string, Map<string, number>>

function learn(sources: readonly string[][], targets: readonly string[][], pairs: readonly number[]): Lexicon {
  let lexicon: Lexicon = new Map()
  for (let round = 0; round < rounds; round++) {
    const counts: Lexicon = new Map()
    for (const pair of pairs) {
      const source = ['', ...sources[pair]!]
      for (const target of targets[pair]!) {
        const shares = source.map((word) => round === 0 ? 1 : lexicon.get(word)?.get(target) ?? 0), sum = shares.reduce((a, b) => a + b, 0)
        if (sum === 0) continue
        source.forEach((word, i) => {
          if (shares[i] === 0) return
          const row = counts.get(word) ?? new Map<string, number>()
          row.set(target, (row.get(target) ?? 0) + shares[i]! / sum)
          counts.set(word, row)
        })
      }
    }
    for (const row of counts.values()) {
      let total = 0
      for (const value of row.values()) total += value
      for (const [word, value] of row) { if (value / total < 1e-4) row.delete(word); else row.set(word, value / total) }
    }
    lexicon = counts
  }
  return lexicon
}

/** Mean over the target's words of how much more likely each is with this source than by itself (log), and of the words both share. */
function fit(source: readonly string[], target: readonly string[], lexicon: Lexicon, usual: ReadonlyMap<string, number>, total: number): number {
  const same = new Set(source)
  let sum = 0
  for (const word of target) {
    const alone = ((usual.get(word) ?? 0) + 0.5) / (total + 1)
    let given = lexicon.get('')?.get(word) ?? 0
    for (const other of source) given += lexicon.get(other)?.get(word) ?? 0
    if (same.has(word)) given += 0.5
    sum += log((0.9 * given) / (source.length + 1) + 0.1 * alone) - log(alone)
  }
  return sum / Math.max(1, target.length)
}

export interface Misfit { pair: number; /** The lower, the worse it fits. */ score: number }

/** At least so many pairs are needed to learn which words go together. */
const least = 200

/** Pairs that fit no better than most targets of other pairs would, worst first. Names and single words, which nothing can be said of, are left alone. */
export function misfits(sourceTexts: readonly string[], targetTexts: readonly string[]): Misfit[] {
  const rows = sourceTexts.length
  if (rows < least) return []
  const sources = sourceTexts.map(words), targets = targetTexts.map(words), found: Misfit[] = []
  const order = permutation(rows, randomStream(0, rows, 11)), fold = new Int32Array(rows)
  order.forEach((row, i) => { fold[row] = i % folds })
  const score = new Float64Array(rows), strange = new Float64Array(rows)
  for (let k = 0; k < folds; k++) {
    const others = Array.from(fold.keys()).filter((row) => fold[row] !== k), mine = Array.from(fold.keys()).filter((row) => fold[row] === k)
    const sample = others.length > 50_000 ? others.filter((_, i) => i % Math.ceil(others.length / 50_000) === 0) : others
    const lexicon = learn(sources, targets, sample), usual = new Map<string, number>()
    let total = 0
    for (const row of sample) for (const word of targets[row]!) { usual.set(word, (usual.get(word) ?? 0) + 1); total++ }
    mine.forEach((row, i) => {
      score[row] = fit(sources[row]!, targets[row]!, lexicon, usual, total)
      strange[row] = fit(sources[row]!, targets[mine[(i + 1) % mine.length]!]!, lexicon, usual, total)
    })
  }
  const limit = Float64Array.from(strange).sort()[Math.floor(rows * 0.75)]!
  for (let row = 0; row < rows; row++) if (sources[row]!.length >= 2 && targets[row]!.length >= 2 && score[row]! <= limit) found.push({ pair: row, score: score[row]! })
  return found.sort((a, b) => a.score - b.score)
}
