// Metrics of predicted probabilities: log loss, Brier score, calibration error, top-k. `probabilities[row][class]`, each row sums to 1.

export type Probabilities = readonly ArrayLike<number>[]

/** Rows of `values` (logits, row after row) as probabilities; computed in float64. */
export function softmaxRows(values: ArrayLike<number>, classes: number): Float64Array[] {
  return Array.from({ length: values.length / classes }, (_, row) => softmax(Float64Array.from({ length: classes }, (_, c) => values[row * classes + c]!)))
}

export function softmax(logits: ArrayLike<number>): Float64Array {
  const highest = largest(logits)
  const powers = Float64Array.from(logits, (value) => Math.exp(value - highest))
  const sum = powers.reduce((total, value) => total + value, 0)
  return powers.map((value) => value / sum)
}

const largest = (values: ArrayLike<number>) => { let best = -Infinity; for (let i = 0; i < values.length; i++) best = Math.max(best, values[i]!); return best }

/** Class with the highest probability; the first of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

function meanOverLabelled(labels: ArrayLike<number>, value: (row: number, label: number) => number): number {
  let sum = 0, count = 0
  for (let row = 0; row < labels.length; row++) if (labels[row]! >= 0) { sum += value(row, labels[row]!); count++ }
  return count === 0 ? NaN : sum / count
}

/** Mean negative log-likelihood in nats; probabilities are kept above float64's epsilon, as scikit-learn does. */
export const logLoss = (labels: ArrayLike<number>, probabilities: Probabilities): number =>
  meanOverLabelled(labels, (row, label) => -Math.log(Math.max(probabilities[row]![label]!, Number.EPSILON)))

/** Sum over the classes of the squared distance to the truth, 0 to 2 (Brier 1950). */
export const brierScore = (labels: ArrayLike<number>, probabilities: Probabilities): number =>
  meanOverLabelled(labels, (row, label) => Array.from(probabilities[row]!).reduce((sum, p, c) => sum + (p - (c === label ? 1 : 0)) ** 2, 0))

export const topKAccuracy = (labels: ArrayLike<number>, probabilities: Probabilities, k: number): number =>
  meanOverLabelled(labels, (row, label) => {
    const p = probabilities[row]!
    let above = 0
    for (let c = 0; c < p.length; c++) if (p[c]! > p[label]!) above++
    return above < k ? 1 : 0
  })

export interface CalibrationBin { from: number; to: number; count: number; confidence: number; accuracy: number }

/** Rows sorted into equal bins (from, to] by the probability of the predicted class; empty bins are left out. */
export function calibrationBins(labels: ArrayLike<number>, probabilities: Probabilities, bins = 15): CalibrationBin[] {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, hits: 0 }))
  for (let row = 0; row < labels.length; row++) {
    if (labels[row]! < 0) continue
    const p = probabilities[row]!, guess = argmax(p), confidence = p[guess]!
    let bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))
    while (bin > 0 && confidence <= bin / bins) bin--
    while (bin < bins - 1 && confidence > (bin + 1) / bins) bin++
    const into = sums[bin]!
    into.count++
    into.confidence += confidence
    into.hits += guess === labels[row] ? 1 : 0
  }
  return sums.flatMap(({ count, confidence, hits }, i) => count === 0 ? [] : [{ from: i / bins, to: (i + 1) / bins, count, confidence: confidence / count, accuracy: hits / count }])
}

/** Expected calibration error over equal bins (Guo et al. 2017): how far confidence and accuracy are apart, 0 is best. */
export function calibrationError(labels: ArrayLike<number>, probabilities: Probabilities, bins = 15): number {
  const filled = calibrationBins(labels, probabilities, bins)
  const rows = filled.reduce((sum, { count }) => sum + count, 0)
  return filled.reduce((sum, { count, confidence, accuracy }) => sum + count / rows * Math.abs(accuracy - confidence), 0)
}
