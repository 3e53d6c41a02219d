// Reduce the rate when the loss stops falling, as PyTorch's ReduceLROnPlateau does; computed from the history, so nothing is kept.

export interface PlateauOptions {
  /** The rate is multiplied by it. Default 0.1. */
  factor?: number
  /** Epochs without a better loss that are put up with. Default 2. */
  patience?: number
  /** A loss is better below best · (1 − threshold). Default 1e-4. */
  threshold?: number
}

/** Share of the rate after these losses, one an epoch. */
export function plateauFactor(losses: readonly number[], { factor = 0.1, patience = 2, threshold = 1e-4 }: PlateauOptions = {}): number {
  let best = Infinity, bad = 0, share = 1
  for (const loss of losses) {
    if (loss < best * (1 - threshold) || best === Infinity) { best = loss; bad = 0 }
    else bad++
    if (bad > patience) { share *= factor; bad = 0 }
  }
  return share
}
