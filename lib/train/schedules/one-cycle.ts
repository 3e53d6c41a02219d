// One-cycle (Smith & Topin 2018) as PyTorch's OneCycleLR computes it, as shares of the highest rate.

export interface OneCycleOptions {
  /** Share of the steps in which the rate rises. Default 0.3. */
  start?: number
  /** The first rate is highest / divide. Default 25. */
  divide?: number
  /** The last rate is first / finalDivide. Default 1e4. */
  finalDivide?: number
  anneal?: 'cosine' | 'linear'
  /** Fall back to the first rate as fast as it rose, then to the last. Default false: one fall. */
  threePhase?: boolean
}

const between = { cosine: (from: number, to: number, share: number) => to + (from - to) / 2 * (1 + Math.cos(Math.PI * share)), linear: (from: number, to: number, share: number) => from + (to - from) * share }

/** @param step from 0 @param total steps in all; below four there is no room to rise and fall, and the share is 1 */
export function oneCycle(step: number, total: number, o: OneCycleOptions = {}): number {
  const { start = 0.3, divide = 25, finalDivide = 1e4, anneal = 'cosine', threePhase = false } = o
  if (total < 4) return 1
  const first = 1 / divide, last = first / finalDivide
  const top = start * total - 1
  const corners: [step: number, factor: number][] = threePhase
    ? [[0, first], [top, 1], [2 * start * total - 2, first], [total - 1, last]]
    : [[0, first], [top, 1], [total - 1, last]]
  for (let i = 1; i < corners.length; i++) {
    const [from, a] = corners[i - 1]!, [to, b] = corners[i]!
    if (step > to && i < corners.length - 1) continue
    return between[anneal](a, b, to <= from ? 1 : Math.min(1, Math.max(0, (step - Math.max(0, from)) / (to - Math.max(0, from)))))
  }
  return last
}
