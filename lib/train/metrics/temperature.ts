// Temperature scaling (Guo et al. 2017): one number that makes a classifier as sure as it is right. Which class is predicted does not change.
import { logLoss, softmax, type Probabilities } from './probabilities.js'

/** Softmax of logits / temperature. */
export const scaledProbabilities = (logits: Probabilities, temperature: number): Float64Array[] => logits.map((row) => softmax(Float64Array.from(row, (value) => value / temperature)))

/**
 * The temperature with the lowest log loss, by golden-section search over its logarithm (the loss has one minimum there). Above 1: the
 * classifier was too sure. Fit it on rows that neither trained the model nor judge it in the end.
 *
 * @param labels −1: unknown, left out
 * @returns between 1/50 and 50; 1 without labelled rows
 * @example fitTemperature(labels, logits) // 1.7: divide logits by it
 */
export function fitTemperature(labels: ArrayLike<number>, logits: Probabilities): number {
  if (!Array.from(labels).some((label) => label >= 0)) return 1
  const loss = (t: number) => logLoss(labels, scaledProbabilities(logits, Math.exp(t)))
  const golden = (Math.sqrt(5) - 1) / 2
  let low = -Math.log(50), high = Math.log(50), a = high - golden * (high - low), b = low + golden * (high - low), lossA = loss(a), lossB = loss(b)
  while (high - low > 1e-6) {
    if (lossA <= lossB) { high = b; b = a; lossB = lossA; a = high - golden * (high - low); lossA = loss(a) }
    else { low = a; a = b; lossA = lossB; b = low + golden * (high - low); lossB = loss(b) }
  }
  return Math.exp((low + high) / 2)
}
