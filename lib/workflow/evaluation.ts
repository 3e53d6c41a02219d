// A model measured on rows: figures with their intervals, the confusion matrix, predictions. Displays itself.
import type { Split } from '../data/index.js'
import { displaySymbol } from '../display/index.js'
import type { Model } from '../models/index.js'
import { confusionMatrix as confusionFigure, figureBundle, reliability, type Figure } from '../plots/index.js'
import { accuracy, argmax, balancedAccuracy, bootstrapInterval, brierScore, calibrationBins, calibrationError, classScores, confusionMatrix, f1Score, logLoss, mae, makeEvaluator, objectiveFor, pearson, r2, rmse, rocAUC, rocAUCMacro, softmaxRows, splitSource, TrainError, type ClassScores, type Interval, type Predictions } from '../train/index.js'

type AnySplit = Split<any>

export interface Prediction {
  /** Number of the row in its split. */
  row: number
  /** Most likely class, and its probability; for numbers the prediction is `value`. */
  label?: string
  confidence?: number
  probabilities?: Record<string, number>
  value?: number
  /** Undefined where the row has no label. */
  truth?: string | number
}

async function run(model: Model, split: AnySplit, batchSize: number): Promise<Predictions & { loss: number }> {
  if (split.size === 0) throw new TrainError(`Cannot evaluate on "${split.name}": it has no rows.`)
  const evaluator = makeEvaluator(model, objectiveFor(model, {}, { labelSmoothing: 0, classWeights: undefined }))
  try { return (await evaluator.run(splitSource(split, model), Math.min(batchSize, split.size)))! } finally { evaluator.dispose() }
}

export async function predictSplit(model: Model, split: AnySplit, batchSize = 16): Promise<Prediction[]> {
  const { logits, labels, width } = await run(model, split, batchSize)
  if (model.task !== 'classification') return Array.from(logits, (value, row) => ({ row, value, truth: labels[row]! }))
  return softmaxRows(logits, width).map((p, row) => {
    const guess = argmax(p), truth = labels[row]!
    return { row, label: model.classes[guess]!, confidence: p[guess]!, probabilities: Object.fromEntries(model.classes.map((name, c) => [name, p[c]!])), ...(truth >= 0 ? { truth: model.classes[truth]! } : {}) }
  })
}

/** Each with its 95 % bootstrap interval over rows. */
export interface Figures { [name: string]: { value: number; interval: Interval } }

export class Evaluation {
  private constructor(readonly split: string, readonly rows: number, readonly classes: readonly string[], readonly figures: Figures,
    /** `[true][predicted]` */
    readonly confusion: readonly (readonly number[])[], readonly perClass: readonly (ClassScores & { class: string })[], readonly calibration: ReturnType<typeof calibrationBins>) {}

  /** Share of rows that are right. */
  get accuracy(): number { return this.figures['accuracy']?.value ?? NaN }
  /** Macro average over classes. */
  get f1(): number { return this.figures['f1']?.value ?? NaN }
  /** Two classes: of the second; more: macro average of each against the rest. */
  get auc(): number { return this.figures['auc']?.value ?? NaN }
  get logLoss(): number { return this.figures['log loss']?.value ?? NaN }
  get rmse(): number { return this.figures['rmse']?.value ?? NaN }

  /** Evaluates a model on a split; used by `result.evaluate`, and on its own for models that were not trained here. */
  static async of(model: Model, split: AnySplit, batchSize = 16): Promise<Evaluation> {
    const predicted = await run(model, split, batchSize)
    const rows = Array.from({ length: predicted.labels.length }, (_, i) => i).filter((i) => model.task !== 'classification' || predicted.labels[i]! >= 0)
    if (rows.length === 0) throw new TrainError(`Cannot evaluate on "${split.name}": none of its ${split.size} rows has a label.`)
    return model.task === 'classification' ? Evaluation.#ofClasses(model, split.name, predicted, rows) : Evaluation.#ofNumbers(split.name, predicted)
  }

  static #ofClasses(model: Model, split: string, { logits, labels, width }: Predictions, known: readonly number[]): Evaluation {
    const probabilities = softmaxRows(logits, width), guesses = probabilities.map(argmax)
    const pick = (rows: ArrayLike<number>) => ({ y: Array.from(rows, (row) => labels[known[row]!]!), p: Array.from(rows, (row) => probabilities[known[row]!]!), g: Array.from(rows, (row) => guesses[known[row]!]!) })
    const area = (y: number[], p: Float64Array[]) => width === 2 ? rocAUC(y, p.map((row) => row[1]!)) : rocAUCMacro(y, p)
    const measures: Record<string, (rows: ArrayLike<number>) => number> = {
      accuracy: (rows) => { const { y, g } = pick(rows); return accuracy(confusionMatrix(y, g, width)) },
      'balanced accuracy': (rows) => { const { y, g } = pick(rows); return balancedAccuracy(confusionMatrix(y, g, width)) },
      f1: (rows) => { const { y, g } = pick(rows); return f1Score(confusionMatrix(y, g, width)) },
      auc: (rows) => { const { y, p } = pick(rows); return area(y, p) },
      'log loss': (rows) => { const { y, p } = pick(rows); return logLoss(y, p) },
      brier: (rows) => { const { y, p } = pick(rows); return brierScore(y, p) },
      'calibration error': (rows) => { const { y, p } = pick(rows); return calibrationError(y, p) },
    }
    const { y, p, g } = pick(known.map((_, i) => i))
    const matrix = confusionMatrix(y, g, width)
    return new Evaluation(split, known.length, model.classes, figuresOf(measures, known.length), matrix, classScores(matrix).map((scores, c) => ({ class: model.classes[c]!, ...scores })), calibrationBins(y, p))
  }

  static #ofNumbers(split: string, { logits, labels }: Predictions): Evaluation {
    const of = (measure: (a: number[], b: number[]) => number) => (rows: ArrayLike<number>) => measure(Array.from(rows, (row) => labels[row]!), Array.from(rows, (row) => logits[row]!))
    return new Evaluation(split, labels.length, [], figuresOf({ rmse: of(rmse), mae: of(mae), r2: of(r2), correlation: of(pearson) }, labels.length), [], [], [])
  }

  /** The confusion matrix as a Plotly figure. */
  confusionPlot(): Figure { return confusionFigure({ classes: this.classes, counts: this.confusion }) }

  /** Confidence against accuracy, as a Plotly figure. */
  calibrationPlot(): Figure { return reliability({ bins: this.calibration }) }

  toString(): string {
    const figures = Object.entries(this.figures).map(([name, { value, interval: { low, high } }]) => `${name.padEnd(18)} ${show(value)}  (${show(low)} – ${show(high)})`)
    return [`${this.rows} rows of "${this.split}"; in brackets the 95 % interval`, ...figures].join('\n')
  }

  async [displaySymbol](): Promise<Record<string, unknown>> {
    const text = String(this)
    if (this.classes.length === 0 || this.classes.length > 60) return { 'text/plain': text }
    const bundle = await figureBundle(this.confusionPlot())
    const rows = Object.entries(this.figures).map(([name, { value, interval: { low, high } }]) => `<tr><th style="text-align:left">${name}</th><td>${show(value)}</td><td>${show(low)} – ${show(high)}</td></tr>`).join('')
    const classes = this.perClass.map((c) => `<tr><th style="text-align:left">${escape(c.class)}</th><td>${show(c.precision)}</td><td>${show(c.recall)}</td><td>${show(c.f1)}</td><td>${c.support}</td></tr>`).join('')
    return {
      'text/html': `<div style="display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start"><div><table><caption>${this.rows} rows of “${escape(this.split)}”</caption><tr><th></th><th>value</th><th>95 % interval</th></tr>${rows}</table><table><tr><th style="text-align:left">class</th><th>precision</th><th>recall</th><th>F1</th><th>rows</th></tr>${classes}</table></div><div>${String(bundle['image/svg+xml'])}</div></div>`,
      'text/plain': text,
    }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

const show = (value: number) => Number.isNaN(value) ? '–' : value.toFixed(value >= 100 ? 1 : 3)
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function figuresOf(measures: Record<string, (rows: ArrayLike<number>) => number>, rows: number): Figures {
  const all = Int32Array.from({ length: rows }, (_, i) => i)
  // Enough for a steady second digit, few enough to be quick on large sets.
  const samples = Math.max(100, Math.min(1000, Math.round(4e5 / rows)))
  return Object.fromEntries(Object.entries(measures).map(([name, measure]) => [name, { value: measure(all), interval: bootstrapInterval(rows, measure, { samples }) }]))
}
