// chrF and chrF++ as sacrebleu computes them: F-score of character (and word) n-grams (Popović 2015, 2017).
import { ngrams } from './ngrams.js'

export interface ChrfOptions { /** Longest word n-gram: 0 is chrF (default), 2 is chrF++. */ wordOrder?: number; /** Weight of recall. Default 2. */ beta?: number }

const characterOrder = 6

/** Per order: n-grams in the hypothesis, in the reference, in both. */
type Statistics = [hypothesis: number, reference: number, both: number][]

/**
 * Corpus chrF, 0 to 100. With several references a segment counts with the one that suits it best.
 * @example chrf(['o gato'], ['o gato preto'])
 */
export function chrf(hypotheses: readonly string[], references: readonly (string | readonly string[])[], o: ChrfOptions = {}): number {
  const { wordOrder = 0, beta = 2 } = o
  const sums: Statistics = Array.from({ length: characterOrder + wordOrder }, () => [0, 0, 0])
  hypotheses.forEach((hypothesis, i) => {
    const candidates = [references[i] ?? ''].flat().map((reference) => statistics(hypothesis, reference, wordOrder))
    const best = candidates.reduce((a, b) => fScore(b, beta) > fScore(a, beta) ? b : a)
    best.forEach((counts, order) => counts.forEach((value, k) => { sums[order]![k]! += value }))
  })
  return fScore(sums, beta)
}

function statistics(hypothesis: string, reference: string, wordOrder: number): Statistics {
  const characters = (text: string) => Array.from(text.replace(/\s+/g, ''))
  const compare = (a: string[], b: string[], n: number): Statistics[number] => {
    const ours = ngrams(a, n), theirs = ngrams(b, n)
    const both = [...ours].reduce((sum, [gram, times]) => sum + Math.min(times, theirs.get(gram) ?? 0), 0)
    const size = (counts: Map<string, number>) => [...counts.values()].reduce((sum, times) => sum + times, 0)
    return [theirs.size > 0 ? size(ours) : 0, size(theirs), both]
  }
  return [
    ...Array.from({ length: characterOrder }, (_, n) => compare(characters(hypothesis), characters(reference), n + 1)),
    ...Array.from({ length: wordOrder }, (_, n) => compare(words(hypothesis), words(reference), n + 1)),
  ]
}

const punctuation = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')

/** One punctuation mark at the end, or else at the start, is a word of its own. */
const words = (text: string): string[] => text.split(/\s+/).filter(Boolean).flatMap((word) => {
  const letters = Array.from(word)
  if (letters.length === 1) return [word]
  if (punctuation.has(letters.at(-1)!)) return [letters.slice(0, -1).join(''), letters.at(-1)!]
  return punctuation.has(letters[0]!) ? [letters[0]!, letters.slice(1).join('')] : [word]
})

function fScore(statistics: Statistics, beta: number): number {
  const known = statistics.filter(([ours, theirs]) => ours > 0 && theirs > 0)
  if (known.length === 0) return 0
  const precision = known.reduce((sum, [ours, , both]) => sum + both / ours, 0) / known.length
  const recall = known.reduce((sum, [, theirs, both]) => sum + both / theirs, 0) / known.length
  return precision + recall === 0 ? 0 : 100 * (1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)
}
