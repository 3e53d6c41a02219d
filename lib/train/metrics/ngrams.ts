// Counting runs of n neighbours; BLEU counts words, chrF characters.

/** How often each run of n neighbouring parts occurs. */
export function ngrams(parts: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i + n <= parts.length; i++) {
    const gram = parts.slice(i, i + n).join('\u0001')
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  return counts
}
