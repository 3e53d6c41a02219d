// Whether something that has nothing to do with the content (a file's format, its size, a sample rate) gives the class away.

/**
 * Share of rows whose class the majority of the *other* rows with the same key names, and the share that always saying the commonest class gets.
 * Keys that stand alone say nothing.
 */
export function shortcutOf(keys: readonly string[], labels: ArrayLike<number>): { byKey: number; base: number; keys: number } {
  const byKey = new Map<string, Map<number, number>>(), counts = new Map<number, number>()
  keys.forEach((key, row) => {
    const label = labels[row]!, group = byKey.get(key) ?? new Map<number, number>()
    group.set(label, (group.get(label) ?? 0) + 1)
    byKey.set(key, group)
    counts.set(label, (counts.get(label) ?? 0) + 1)
  })
  const base = Math.max(0, ...counts.values()) / Math.max(1, keys.length)
  let right = 0
  keys.forEach((key, row) => {
    const group = byKey.get(key)!, others = [...group].map(([label, count]) => [label, label === labels[row] ? count - 1 : count] as const).filter(([, count]) => count > 0)
    const [guess] = others.reduce((best, other) => other[1] > best[1] ? other : best, [-1, 0] as readonly [number, number])
    right += guess === -1 ? base : guess === labels[row] ? 1 : 0
  })
  return { byKey: right / Math.max(1, keys.length), base, keys: byKey.size }
}

/** Far better than the commonest class: most of what could be won is won. */
export const givesAway = ({ byKey, base, keys }: { byKey: number; base: number; keys: number }): boolean => keys > 1 && base < 0.95 && byKey > base + 0.6 * (1 - base)
