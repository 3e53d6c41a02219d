// Figures for rows that may have several classes: each class is a question of its own, answered yes from a probability of ½ on.
import { averagePrecision, rocAUC } from './roc.js'

/** Truth and logits row after row, `width` classes each; truth is 1 or 0. */
export interface Marks { truth: ArrayLike<number>; logits: ArrayLike<number>; width: number }

/** What was said of one class. `support` is how many rows have it. */
export interface LabelScores { precision: number; recall: number; f1: number; support: number }

/** Precision, recall and F1 of each class, 0 where nothing was said or there is nothing to find; as scikit-learn's with `zero_division=0`. */
export function labelScores({ truth, logits, width }: Marks): LabelScores[] {
  const hits = new Float64Array(width), said = new Float64Array(width), support = new Float64Array(width)
  for (let i = 0; i < truth.length; i++) {
    const c = i % width, yes = logits[i]! > 0
    if (yes) said[c]!++
    if (truth[i]! > 0.5) { support[c]!++; if (yes) hits[c]!++ }
  }
  return Array.from(hits, (hit, c) => ({ precision: ratio(hit, said[c]!), recall: ratio(hit, support[c]!), f1: ratio(2 * hit, said[c]! + support[c]!), support: support[c]! }))
}

/** Over all classes and rows together: F1 of all answers, and the shares of answers and of whole rows that are right (1 − Hamming loss, subset accuracy). */
export function labelAgreement({ truth, logits, width }: Marks): { accuracy: number; exact: number; microF1: number } {
  let right = 0, whole = 0, hits = 0, marks = 0
  for (let row = 0; row < truth.length; row += width) {
    let agreed = 0
    for (let i = row; i < row + width; i++) {
      const yes = logits[i]! > 0, is = truth[i]! > 0.5
      if (yes === is) agreed++
      if (yes && is) hits++
      marks += Number(yes) + Number(is)
    }
    right += agreed
    if (agreed === width) whole++
  }
  return { accuracy: right / truth.length, exact: whole / (truth.length / width), microF1: ratio(2 * hits, marks) }
}

/** Mean F1 of the classes. */
export const labelF1 = (marks: Marks): number => mean(labelScores(marks).map(({ f1 }) => f1))

/** Mean area under the ROC curve over the classes that some rows have and others have not; NaN where there is none. */
export const labelAUC = (marks: Marks): number => mean(questions(marks).map(({ y, s }) => rocAUC(y, s)))

/** Mean average precision over the same classes. */
export const labelAveragePrecision = (marks: Marks): number => mean(questions(marks).map(({ y, s }) => averagePrecision(y, s)))

const questions = ({ truth, logits, width }: Marks) => Array.from({ length: width }, (_, c) => ({ y: column(truth, c, width).map((value) => value > 0.5 ? 1 : 0), s: column(logits, c, width) })).filter(({ y }) => y.includes(1) && y.includes(0))

const ratio = (part: number, whole: number): number => whole === 0 ? 0 : part / whole
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const column = (values: ArrayLike<number>, c: number, width: number): number[] => Array.from({ length: values.length / width }, (_, row) => values[row * width + c]!)
