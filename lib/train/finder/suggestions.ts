// Where on the loss-over-rate curve a good learning rate lies: fastai's four rules, re-written. Pure functions of two lists.

export interface RateSuggestions {
  /** One third into the longest valley: fastai's default. */
  valley: number
  /** Where the loss falls fastest per decade. */
  steep: number
  /** A tenth of the rate with the lowest loss. */
  minimum: number
  /** Before the loss explodes, going down from the high end. */
  slide: number
}

/** Exponentially weighted mean without bias towards 0 at the start. */
export function smoothed(losses: readonly number[], beta = 0.98): number[] {
  let average = 0
  return losses.map((loss, i) => {
    average = beta * average + (1 - beta) * loss
    return average / (1 - beta ** (i + 1))
  })
}

/**
 * @param rates growing by a constant factor; the first tenth and the last five are left out
 * @param losses smoothed
 */
export function suggestRates(rates: readonly number[], losses: readonly number[], tried = rates.length): RateSuggestions {
  const x = rates.slice(Math.floor(tried / 10), -5), y = losses.slice(Math.floor(tried / 10), -5)
  return { valley: valley(x, y), steep: steep(x, y), minimum: x[lowest(y)]! / 10, slide: slide(x, y) }
}

const lowest = (values: readonly number[]) => values.reduce((best, value, i) => value < values[best]! ? i : best, 0)

/** Longest falling subsequence; its middle third's middle. */
function valley(rates: readonly number[], losses: readonly number[]): number {
  const n = losses.length, lengths = new Array<number>(n).fill(1)
  let end = 0, start = 0
  for (let i = 1; i < n; i++) for (let j = 0; j < i; j++) {
    if (losses[i]! < losses[j]! && lengths[i]! < lengths[j]! + 1) lengths[i] = lengths[j]! + 1
    if (lengths[end]! < lengths[i]!) { end = i; start = end - lengths[end]! }
  }
  const third = (end - start) / 3
  return rates[Math.max(0, start) + Math.floor(third) + Math.floor(third / 2)]!
}

function steep(rates: readonly number[], losses: readonly number[]): number {
  const slopes = losses.slice(1).map((loss, i) => (loss - losses[i]!) / Math.log(rates[i + 1]! / rates[i]!))
  return rates[lowest(slopes)]!
}

/** From the right, fifteen steps wide, until the slopes at both ends of the window are alike (within 0.005). */
function slide(rates: readonly number[], losses: readonly number[]): number {
  const n = losses.length
  const slope = losses.map((_, i) => i === 0 ? losses[1]! - losses[0]! : i === n - 1 ? losses[n - 1]! - losses[n - 2]! : (losses[i + 1]! - losses[i - 1]!) / 2)
  let right = n - 1, left = Math.max(0, n - 16), found = rates[left]!
  while (left >= 0 && Math.abs(slope[right]! - slope[left]!) > 0.005) { found = rates[left]!; right--; left-- }
  return found
}
