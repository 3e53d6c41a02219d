// Falling rates with linear warm-up, as transformers and PyTorch compute them, as shares of the highest rate.

const rising = (step: number, warmup: number) => step / Math.max(1, warmup)

/** Straight down to 0 at `total`. */
export const linear = (step: number, total: number, warmup = 0): number => step < warmup ? rising(step, warmup) : Math.max(0, (total - step) / Math.max(1, total - warmup))

/** Half a cosine down to 0 at `total`. */
export const cosine = (step: number, total: number, warmup = 0): number =>
  step < warmup ? rising(step, warmup) : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * (step - warmup) / Math.max(1, total - warmup))))

/** Cosine down to `lowest`, then from the top again, each cycle `growth` times as long (Loshchilov & Hutter 2017). */
export function cosineRestarts(step: number, { cycle, growth = 1, lowest = 0 }: { cycle: number; growth?: number; lowest?: number }): number {
  let place = step, length = cycle
  while (place >= length) { place -= length; length *= growth }
  return lowest + (1 - lowest) * (1 + Math.cos(Math.PI * place / length)) / 2
}
