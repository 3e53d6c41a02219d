// Classification metrics that need only the predicted classes: all of them are read off the confusion matrix.

/** `matrix[true][predicted]`: how many rows of a class were taken for which class. */
export type ConfusionMatrix = readonly (readonly number[])[]

/** Rows whose label is negative (unknown) are left out. */
export function confusionMatrix(labels: ArrayLike<number>, predicted: ArrayLike<number>, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let i = 0; i < labels.length; i++) if (labels[i]! >= 0) matrix[labels[i]!]![predicted[i]!]!++
  return matrix
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const ratio = (part: number, whole: number) => whole === 0 ? 0 : part / whole
const column = (matrix: ConfusionMatrix, c: number) => sum(matrix.map((row) => row[c]!))
const total = (matrix: ConfusionMatrix) => sum(matrix.map(sum))
const right = (matrix: ConfusionMatrix) => sum(matrix.map((row, c) => row[c]!))

export const accuracy = (matrix: ConfusionMatrix): number => ratio(right(matrix), total(matrix))

/** Mean recall of the classes that occur. */
export const balancedAccuracy = (matrix: ConfusionMatrix): number => {
  const recalls = matrix.flatMap((row, c) => sum(row) > 0 ? [row[c]! / sum(row)] : [])
  return ratio(sum(recalls), recalls.length)
}

export interface ClassScores { precision: number; recall: number; f1: number; support: number }

/** For each class; 0 where nothing was predicted or nothing was there (scikit-learn's `zero_division=0`). */
export function classScores(matrix: ConfusionMatrix): ClassScores[] {
  return matrix.map((row, c) => {
    const hits = row[c]!, support = sum(row), predicted = column(matrix, c)
    return { precision: ratio(hits, predicted), recall: ratio(hits, support), f1: ratio(2 * hits, support + predicted), support }
  })
}

/**
 * @param average 'macro' (plain mean over the classes that occur or are predicted), 'weighted' (by support) or 'micro' (over all rows; for one label a row that is the accuracy)
 * @example f1Score(confusionMatrix(labels, predicted, 3))
 */
export function f1Score(matrix: ConfusionMatrix, average: 'macro' | 'weighted' | 'micro' = 'macro'): number {
  if (average === 'micro') return accuracy(matrix)
  const scores = present(matrix)
  if (average === 'macro') return ratio(sum(scores.map(({ f1 }) => f1)), scores.length)
  return ratio(sum(scores.map(({ f1, support }) => f1 * support)), sum(scores.map(({ support }) => support)))
}

export const precisionMacro = (matrix: ConfusionMatrix): number => ratio(sum(present(matrix).map(({ precision }) => precision)), present(matrix).length)
export const recallMacro = (matrix: ConfusionMatrix): number => ratio(sum(present(matrix).map(({ recall }) => recall)), present(matrix).length)

const present = (matrix: ConfusionMatrix) => classScores(matrix).filter(({ support }, c) => support > 0 || column(matrix, c) > 0)

/** Matthews' correlation coefficient for any number of classes (Gorodkin 2004); 0 where one side is constant. */
export function matthews(matrix: ConfusionMatrix): number {
  const n = total(matrix), c = right(matrix)
  const truths = matrix.map(sum), guesses = matrix.map((_, k) => column(matrix, k))
  const product = (a: number[], b: number[]) => sum(a.map((value, i) => value * b[i]!))
  const scale = Math.sqrt((n * n - product(guesses, guesses)) * (n * n - product(truths, truths)))
  return scale === 0 ? 0 : (c * n - product(truths, guesses)) / scale
}

/** Agreement beyond chance (Cohen 1960). */
export function cohenKappa(matrix: ConfusionMatrix): number {
  const n = total(matrix)
  const chance = sum(matrix.map((row, k) => sum(row) * column(matrix, k))) / (n * n)
  return chance === 1 ? 0 : (right(matrix) / n - chance) / (1 - chance)
}
