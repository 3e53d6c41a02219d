// Refusals of the figures: records that cannot be drawn, said in one sentence before Plotly sees them.

export class PlotError extends Error {
  override name = 'PlotError'
}

/** Throws unless the lists have the same, non-zero length. */
export function sameLength(what: string, lists: Readonly<Record<string, { readonly length: number }>>): void {
  const sizes = Object.entries(lists)
  const expected = sizes[0]?.[1].length ?? 0
  if (expected > 0 && sizes.every(([, { length }]) => length === expected)) return
  throw new PlotError(`Cannot draw ${what}: ${sizes.map(([name]) => name).join(' and ')} must have the same length, at least 1; got ${sizes.map(([name, { length }]) => `${name} ${length}`).join(', ')}.`)
}
