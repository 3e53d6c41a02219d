// What knowing nothing but how often each answer occurs would cost: the loss that a model has to get below.
import type { Dataset } from '../../data/index.js'

const entropy = (shares: readonly number[]): number => shares.reduce((sum, share) => share > 0 ? sum - share * Math.log(share) : sum, 0)

/** By the data's training rows, for the usual loss of their task; undefined where that is not known. */
export function guessingLoss(data: Dataset<any>): number | undefined {
  const { train, task } = data
  switch (task) {
    case 'multi-label': return train.counts.reduce((sum, count) => sum + entropy([count / train.size, 1 - count / train.size]), 0) / train.counts.length
    case 'token': { const words = train.counts.reduce((sum, count) => sum + count, 0); return entropy(train.counts.map((count) => count / words)) }
    case 'regression': {
      const numbers = train.rows.map((row) => (row as { value: number }).value), mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length
      return numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length
    }
    default: return undefined
  }
}
