// What an evaluation measures where rows have several classes, or words have tags: figures as functions of which rows are drawn.
import { entityCounts, entityScores, labelAgreement, labelAUC, labelAveragePrecision, labelF1, labelScores, marksEntities, type Marks } from '../train/index.js'

type Measures = Record<string, (rows: ArrayLike<number>) => number>

/** @param width classes of a row */
export function markMeasures(truth: readonly number[], logits: readonly number[], width: number): { rows: number; measures: Measures; perClass: ReturnType<typeof labelScores> } {
  const marks: Marks = { truth, logits, width }
  const drawn = (rows: ArrayLike<number>): Marks => {
    const pick = (values: readonly number[]) => { const out = new Float64Array(rows.length * width); for (let i = 0; i < out.length; i++) out[i] = values[rows[Math.floor(i / width)]! * width + i % width]!; return out }
    return { truth: pick(truth), logits: pick(logits), width }
  }
  return {
    rows: truth.length / width, perClass: labelScores(marks),
    measures: {
      accuracy: (rows) => labelAgreement(drawn(rows)).accuracy,
      'exact match': (rows) => labelAgreement(drawn(rows)).exact,
      f1: (rows) => labelF1(drawn(rows)),
      'micro f1': (rows) => labelAgreement(drawn(rows)).microF1,
      auc: (rows) => labelAUC(drawn(rows)),
      'average precision': (rows) => labelAveragePrecision(drawn(rows)),
    },
  }
}

/** Of words with a tag; entities where the tags mark some. */
export function tagMeasures(rows: readonly { truth: readonly string[]; said: readonly string[] }[], classes: readonly string[]): Measures {
  const words = rows.map(({ truth, said }) => ({ known: truth.filter((tag) => tag !== '').length, right: truth.filter((tag, i) => tag !== '' && tag === said[i]).length }))
  const entities = rows.map(({ truth, said }) => entityCounts(truth, said.map((tag, i) => truth[i] === '' ? 'O' : tag)))
  const of = (drawn: ArrayLike<number>) => entityScores(Array.from(drawn, (row) => entities[row]!))
  return {
    accuracy: (drawn) => Array.from(drawn, (row) => words[row]!.right).reduce((a, b) => a + b, 0) / Array.from(drawn, (row) => words[row]!.known).reduce((a, b) => a + b, 0),
    ...(marksEntities(classes) ? { 'entity precision': (drawn) => of(drawn).precision, 'entity recall': (drawn) => of(drawn).recall, 'entity f1': (drawn) => of(drawn).f1 } : {}),
  }
}
