// Metrics of predicted numbers: errors and correlations, in the unit of the target where they have one.

const mean = (n: number, value: (i: number) => number) => { let sum = 0; for (let i = 0; i < n; i++) sum += value(i); return sum / n }

/** Root of the mean squared error. */
export const rmse = (truth: ArrayLike<number>, predicted: ArrayLike<number>): number => Math.sqrt(mean(truth.length, (i) => (truth[i]! - predicted[i]!) ** 2))

/** Mean absolute error. */
export const mae = (truth: ArrayLike<number>, predicted: ArrayLike<number>): number => mean(truth.length, (i) => Math.abs(truth[i]! - predicted[i]!))

/** Share of the variance that is explained; 1 is best, 0 as good as the mean. NaN for a constant target. */
export function r2(truth: ArrayLike<number>, predicted: ArrayLike<number>): number {
  const centre = mean(truth.length, (i) => truth[i]!)
  const spread = mean(truth.length, (i) => (truth[i]! - centre) ** 2)
  return spread === 0 ? NaN : 1 - rmse(truth, predicted) ** 2 / spread
}

/** Linear correlation, −1 to 1. NaN where one side is constant. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length, ma = mean(n, (i) => a[i]!), mb = mean(n, (i) => b[i]!)
  return mean(n, (i) => (a[i]! - ma) * (b[i]! - mb)) / Math.sqrt(mean(n, (i) => (a[i]! - ma) ** 2) * mean(n, (i) => (b[i]! - mb) ** 2))
}

/** Correlation of the ranks; equal values share the mean of their ranks. */
export const spearman = (a: ArrayLike<number>, b: ArrayLike<number>): number => pearson(ranks(a), ranks(b))

function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[i]! - values[j]!)
  const result = new Float64Array(values.length)
  for (let from = 0; from < order.length;) {
    let to = from
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to++
    for (let k = from; k <= to; k++) result[order[k]!] = (from + to) / 2 + 1
    from = to + 1
  }
  return result
}
