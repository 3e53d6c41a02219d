// Round tick values for an axis (Heckbert, Nice numbers for graph labels, Graphics Gems 1990).

/** Round bounds around [low, high] and about `count` ticks between them, ends included. */
export function niceTicks(low: number, high: number, count = 4): number[] {
  if (!(high > low)) { const pad = Math.abs(low) * 0.1 || 1; low -= pad; high += pad }
  const rough = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => rough <= factor * power * 1.0001) ?? 10)
  const first = Math.floor(low / step + 1e-9), last = Math.ceil(high / step - 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}
