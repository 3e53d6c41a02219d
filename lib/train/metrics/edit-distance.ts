// Speech recognition's metrics: word and character error rates from the cheapest alignment (Levenshtein).

export interface Alignment { hits: number; substitutions: number; deletions: number; insertions: number }

/** Cheapest way from reference to hypothesis; among equals the one with the most hits. */
export function align(reference: readonly string[], hypothesis: readonly string[]): Alignment {
  const columns = hypothesis.length + 1
  let above: (Alignment & { cost: number })[] = Array.from({ length: columns }, (_, j) => ({ cost: j, hits: 0, substitutions: 0, deletions: 0, insertions: j }))
  for (const word of reference) {
    const first = above[0]!
    const row = [{ ...first, cost: first.cost + 1, deletions: first.deletions + 1 }]
    for (let j = 1; j < columns; j++) {
      const before = above[j - 1]!, up = above[j]!, left = row[j - 1]!
      const same = word === hypothesis[j - 1]
      const options = [
        same ? { ...before, hits: before.hits + 1 } : { ...before, cost: before.cost + 1, substitutions: before.substitutions + 1 },
        { ...up, cost: up.cost + 1, deletions: up.deletions + 1 },
        { ...left, cost: left.cost + 1, insertions: left.insertions + 1 },
      ]
      row.push(options.reduce((best, option) => option.cost < best.cost || (option.cost === best.cost && option.hits > best.hits) ? option : best))
    }
    above = row
  }
  const { hits, substitutions, deletions, insertions } = above.at(-1)!
  return { hits, substitutions, deletions, insertions }
}

function errorRate(references: readonly string[], hypotheses: readonly string[], parts: (text: string) => string[]): Alignment & { rate: number } {
  const sums: Alignment = { hits: 0, substitutions: 0, deletions: 0, insertions: 0 }
  references.forEach((reference, i) => {
    const counts = align(parts(reference), parts(hypotheses[i] ?? ''))
    for (const key of ['hits', 'substitutions', 'deletions', 'insertions'] as const) sums[key] += counts[key]
  })
  const errors = sums.substitutions + sums.deletions + sums.insertions
  const length = sums.hits + sums.substitutions + sums.deletions
  return { ...sums, rate: length === 0 ? (errors === 0 ? 0 : Infinity) : errors / length }
}

const words = (text: string) => text.trim().split(/\s+/).filter(Boolean)

/** Word error rate over all segments: (substitutions + deletions + insertions) / words of the references. Can exceed 1. */
export const wordErrorRate = (references: readonly string[], hypotheses: readonly string[]): Alignment & { rate: number } => errorRate(references, hypotheses, words)

/** The same over characters, spaces included. */
export const characterErrorRate = (references: readonly string[], hypotheses: readonly string[]): Alignment & { rate: number } => errorRate(references, hypotheses, (text) => Array.from(text.trim()))
