// BLEU as sacrebleu computes it: tokenizer 13a, closest reference length, exponential smoothing (Papineni 2002; Post 2018).
import { ngrams } from './ngrams.js'

export interface BleuOptions { /** Default false. */ lowercase?: boolean; /** '13a' (mteval's, default) or 'none': split at spaces only. */ tokenize?: '13a' | 'none' }

export interface BleuScore { /** 0 to 100. */ score: number; /** Per n-gram order 1 to 4, 0 to 100. */ precisions: number[]; brevityPenalty: number; hypothesisLength: number; referenceLength: number }

const orders = [1, 2, 3, 4]

interface Counts { correct: number[]; total: number[]; hypothesis: number; reference: number }

/**
 * Corpus BLEU.
 * @param hypotheses one text a segment
 * @param references one text a segment, or several
 * @example bleu(['the cat sat'], ['the cat sat down']).score
 */
export function bleu(hypotheses: readonly string[], references: readonly (string | readonly string[])[], o: BleuOptions = {}): BleuScore {
  const sums: Counts = { correct: [0, 0, 0, 0], total: [0, 0, 0, 0], hypothesis: 0, reference: 0 }
  hypotheses.forEach((hypothesis, i) => {
    const counts = segment(hypothesis, [references[i] ?? ''].flat(), o)
    for (const k of [0, 1, 2, 3]) { sums.correct[k]! += counts.correct[k]!; sums.total[k]! += counts.total[k]! }
    sums.hypothesis += counts.hypothesis
    sums.reference += counts.reference
  })
  return score(sums, false)
}

/** BLEU of one segment; only the n-gram orders that the text is long enough for count. */
export const sentenceBleu = (hypothesis: string, references: string | readonly string[], o: BleuOptions = {}): BleuScore => score(segment(hypothesis, [references].flat(), o), true)

function segment(hypothesis: string, references: readonly string[], o: BleuOptions): Counts {
  const tokens = tokensOf(hypothesis, o), targets = references.map((reference) => tokensOf(reference, o))
  const distance = (length: number) => Math.abs(length - tokens.length)
  const closest = targets.map(({ length }) => length).reduce((best, length) => distance(length) < distance(best) || (distance(length) === distance(best) && length < best) ? length : best)
  const correct = orders.map((n) => {
    const limits = new Map<string, number>()
    for (const target of targets) for (const [gram, times] of ngrams(target, n)) limits.set(gram, Math.max(limits.get(gram) ?? 0, times))
    return [...ngrams(tokens, n)].reduce((sum, [gram, times]) => sum + Math.min(times, limits.get(gram) ?? 0), 0)
  })
  return { correct, total: orders.map((n) => Math.max(0, tokens.length - n + 1)), hypothesis: tokens.length, reference: closest }
}

function score({ correct, total, hypothesis, reference }: Counts, effective: boolean): BleuScore {
  const precisions = [0, 0, 0, 0]
  let smooth = 1, last = orders.length
  for (const n of orders) {
    if (total[n - 1] === 0) break
    if (effective) last = n
    if (correct[n - 1] === 0) { smooth *= 2; precisions[n - 1] = 100 / (smooth * total[n - 1]!) }
    else precisions[n - 1] = 100 * correct[n - 1]! / total[n - 1]!
  }
  const brevityPenalty = hypothesis >= reference ? 1 : hypothesis === 0 ? 0 : Math.exp(1 - reference / hypothesis)
  const some = correct.some((value) => value > 0)
  const logarithm = precisions.slice(0, last).reduce((sum, p) => sum + (p === 0 ? -9999999999 : Math.log(p)), 0) / last
  return { score: some ? brevityPenalty * Math.exp(logarithm) : 0, precisions, brevityPenalty, hypothesisLength: hypothesis, referenceLength: reference }
}

function tokensOf(text: string, { lowercase = false, tokenize = '13a' }: BleuOptions): string[] {
  const line = (lowercase ? text.toLowerCase() : text).trimEnd()
  return (tokenize === 'none' ? line : mteval(line)).split(/\s+/).filter(Boolean)
}

/** mteval-v13a: punctuation becomes words of its own, except periods and commas inside numbers. */
function mteval(text: string): string {
  const plain = text.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ')
    .replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>')
  return ` ${plain} `
    .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ')
    .replace(/([^0-9])([.,])/g, '$1 $2 ')
    .replace(/([.,])([^0-9])/g, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ')
}
