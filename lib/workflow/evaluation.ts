// A model measured on rows: figures with their intervals, the confusion matrix, predictions. Displays itself.
import type { Split } from '../data/index.js'
import { displaySymbol } from '../display/index.js'
import type { Model } from '../models/index.js'
import { confusionMatrix as confusionFigure, figureBundle, precisionRecall, reliability, rocCurve as rocFigure, type Figure } from '../plots/index.js'
import { accuracy, argmax, averagePrecision, balancedAccuracy, bleu, bootstrapInterval, brierScore, calibrationBins, calibrationError, characterErrorRate, chrf, classScores, confusionMatrix, entitiesOf, f1Score, fitTemperature, hitRateAtK, knownNumbers, logLoss, mae, makeEvaluator, marksEntities, ndcg, objectiveFor, pearson, precisionRecallCurve, r2, recallAtK, rmse, rocAUC, rocAUCMacro, rocCurve, softmaxRows, splitSource, taggedRows, TrainError, wordErrorRate, type ClassScores, type Interval, type Predictions, type RankedQuery, type Texts } from '../train/index.js'
import { markMeasures, tagMeasures } from './mark-measures.js'
import { examplesOf } from './examples.js'
import { rankedQueries } from './recommend.js'
import { Slices, worstSlices } from './slices.js'
import { TopLosses } from './top-losses.js'

export interface Prediction {
  /** Number of the row in its split. */
  row: number
  /** Most likely class, and its probability; for numbers the prediction is `value`. */
  label?: string
  confidence?: number
  probabilities?: Record<string, number>
  value?: number
  /** Where rows may have several classes: those with a probability of ½ or more. */
  labels?: string[]
  /** Where words are tagged: the words' tags; of a text that is too long for the model those of its beginning. */
  tags?: string[]
  /** What tags such as B-person mark: words `from` to `to`, both included. */
  entities?: { type: string; text: string; from: number; to: number }[]
  /** What the model wrote, for pairs and speech. */
  text?: string
  /** Undefined where the row has no label. */
  truth?: string | number | string[]
}

async function run(model: Model, split: Split<any>, batchSize: number): Promise<Predictions & { loss: number }> {
  if (split.size === 0) throw new TrainError(`Cannot evaluate on "${split.name}": it has no rows.`)
  const evaluator = makeEvaluator(model, objectiveFor(model, model.task === 'sequence' ? { metric: 'bleu' } : {}, { labelSmoothing: 0, classWeights: undefined }))
  try { return (await evaluator.run(splitSource(split, model), Math.min(batchSize, split.size)))! } finally { evaluator.dispose() }
}

export async function predictSplit(model: Model, split: Split<any>, batchSize = 16): Promise<Prediction[]> {
  const { logits, labels, width, lengths, texts } = await run(model, split, batchSize)
  if (texts) return texts.written.map((text, row) => ({ row, text, truth: texts.truth[row]! }))
  if (model.task === 'token') return taggedRows(model, { logits, labels, width, lengths: lengths! }).map(({ truth, said }, row) => {
    const words = (split.rows[row] as { words: string[] }).words
    return { row, tags: said, ...(marksEntities(model.classes) ? { entities: entitiesOf(said).map((entity) => ({ ...entity, text: words.slice(entity.from, entity.to + 1).join(' ') })) } : {}), ...(truth.some((tag) => tag !== '') ? { truth } : {}) }
  })
  if (model.task === 'multi-label') return Array.from({ length: logits.length / width }, (_, row) => {
    const p = model.classes.map((_, c) => 1 / (1 + Math.exp(-logits[row * width + c]!))), names = (has: (c: number) => boolean) => model.classes.filter((_, c) => has(c))
    return { row, labels: names((c) => p[c]! >= 0.5), probabilities: Object.fromEntries(model.classes.map((name, c) => [name, p[c]!])), ...(Number.isNaN(labels[row * width]!) ? {} : { truth: names((c) => labels[row * width + c]! > 0.5) }) }
  })
  if (model.task !== 'classification') return Array.from(logits, (value, row) => ({ row, value, ...(Number.isNaN(labels[row]!) ? {} : { truth: labels[row]! }) }))
  return softmaxRows(logits, width).map((p, row) => {
    const guess = argmax(p), truth = labels[row]!
    return { row, label: model.classes[guess]!, confidence: p[guess]!, probabilities: Object.fromEntries(model.classes.map((name, c) => [name, p[c]!])), ...(truth >= 0 ? { truth: model.classes[truth]! } : {}) }
  })
}

/** One labelled row's answer. */
export interface Answer { row: number; truth: number; guess: number; loss: number }

/** What an evaluation of classes was computed from. */
interface Detail { model: Model; split: Split<any>; known: readonly number[]; labels: number[]; logits: Float64Array[]; probabilities: Float64Array[] }

/** Each with its 95 % bootstrap interval over rows. */
export interface Figures { [name: string]: { value: number; interval: Interval } }

export class Evaluation {
  private constructor(readonly split: string, readonly rows: number, readonly classes: readonly string[], readonly figures: Figures,
    /** `[true][predicted]` */
    readonly confusion: readonly (readonly number[])[], readonly perClass: readonly (ClassScores & { class: string })[], readonly calibration: ReturnType<typeof calibrationBins>) {}

  #detail: Detail | undefined
  /** What softmax's logits were divided by; 1 where nobody asked for it. */
  temperature = 1

  /** The labelled rows' answers; undefined for numbers and texts. */
  get answers(): readonly Answer[] | undefined {
    return this.#detail?.known.map((row, i) => { const p = this.#detail!.probabilities[i]!, truth = this.#detail!.labels[i]!; return { row, truth, guess: argmax(p), loss: -Math.log(Math.max(p[truth]!, Number.EPSILON)) } })
  }

  /** Share of rows that are right; where rows have several classes of all answers, where words are tagged of words. */
  get accuracy(): number { return this.figures['accuracy']?.value ?? NaN }
  /** Macro average over classes. */
  get f1(): number { return this.figures['f1']?.value ?? NaN }
  /** Two classes: of the second; more: macro average of each against the rest. */
  get auc(): number { return this.figures['auc']?.value ?? NaN }
  get logLoss(): number { return this.figures['log loss']?.value ?? NaN }
  /** Of translations, 0 to 100, as sacrebleu computes them. */
  get bleu(): number { return this.figures['bleu']?.value ?? NaN }
  get chrf(): number { return this.figures['chrf']?.value ?? NaN }
  /** Of transcripts: errors for each word, and for each character. */
  get wer(): number { return this.figures['wer']?.value ?? NaN }
  get cer(): number { return this.figures['cer']?.value ?? NaN }
  /** Of ranked lists, the first ten. */
  get ndcg(): number { return this.figures['ndcg@10']?.value ?? NaN }
  get recall(): number { return this.figures['recall@10']?.value ?? NaN }
  get rmse(): number { return this.figures['rmse']?.value ?? NaN }
  /** Where tags mark entities: right are those of the right kind with both ends right. */
  get entityF1(): number { return this.figures['entity f1']?.value ?? NaN }

  /**
   * Evaluates a model on a split; used by `result.evaluate`, and on its own for models that were not trained here.
   * @param known for models that rank: splits whose items are no candidates for their users any more
   * @param temperature what logits are divided by, as fitTemperature found it
   */
  static async of(model: Model, split: Split<any>, batchSize = 16, known: readonly Split<any>[] = [], temperature = 1): Promise<Evaluation> {
    if (model.loss === 'ranking') return Evaluation.#ofRanking(split.name, await rankedQueries(model, split, known))
    const predicted = await run(model, split, batchSize)
    if (predicted.texts) return Evaluation.#ofTexts(model, split.name, predicted.texts)
    if (model.task === 'multi-label') return Evaluation.#ofMarks(model, split.name, predicted)
    if (model.task === 'token') return Evaluation.#ofTags(model, split.name, predicted)
    const rows = Array.from({ length: predicted.labels.length }, (_, i) => i).filter((i) => model.task !== 'classification' || predicted.labels[i]! >= 0)
    if (rows.length === 0) throw new TrainError(`Cannot evaluate on "${split.name}": none of its ${split.size} rows has a label.`)
    return model.task === 'classification' ? Evaluation.#ofClasses(model, split, predicted, rows, temperature) : Evaluation.#ofNumbers(split.name, predicted)
  }

  static #ofClasses(model: Model, split: Split<any>, { logits, labels, width }: Predictions, known: readonly number[], temperature: number): Evaluation {
    const probabilities = softmaxRows(temperature === 1 ? logits : logits.map((value) => value / temperature), width), guesses = probabilities.map(argmax)
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
    const evaluation = new Evaluation(split.name, known.length, model.classes, figuresOf(measures, known.length), matrix, classScores(matrix).map((scores, c) => ({ class: model.classes[c]!, ...scores })), calibrationBins(y, p))
    evaluation.temperature = temperature
    evaluation.#detail = { model, split, known, labels: y, probabilities: p, logits: known.map((row) => Float64Array.from(logits.subarray(row * width, (row + 1) * width))) }
    return evaluation
  }

  static #ofTexts(model: Model, split: string, { written, truth }: Texts): Evaluation {
    const of = (measure: (written: string[], truth: string[]) => number) => (rows: ArrayLike<number>) => measure(Array.from(rows, (row) => written[row]!), Array.from(rows, (row) => truth[row]!))
    const exact = of((a, b) => a.filter((text, i) => text === b[i]).length / a.length)
    const measures: Record<string, (rows: ArrayLike<number>) => number> = model.task === 'speech'
      ? { wer: of((a, b) => wordErrorRate(b, a).rate), cer: of((a, b) => characterErrorRate(b, a).rate), exact }
      : { bleu: of((a, b) => bleu(a, b).score), chrf: of((a, b) => chrf(a, b)), exact }
    // A corpus's BLEU is counted anew for each sample: fewer samples are as good.
    return new Evaluation(split, written.length, [], figuresOf(measures, written.length, 100), [], [], [])
  }

  static #ofRanking(split: string, queries: readonly RankedQuery[]): Evaluation {
    if (queries.length === 0) throw new TrainError(`Cannot evaluate on "${split}": no user that the model knows liked anything in it.`)
    // Each list is judged once; the samples only draw among the judgements.
    const judged = { 'ndcg@10': queries.map((query) => ndcg([query], { k: 10 })), 'recall@10': queries.map((query) => recallAtK([query], { k: 10 })), 'hit rate@10': queries.map((query) => hitRateAtK([query], { k: 10 })) }
    const mean = (values: readonly number[]) => (rows: ArrayLike<number>) => Array.from(rows, (row) => values[row]!).reduce((sum, value) => sum + value, 0) / rows.length
    return new Evaluation(split, queries.length, [], figuresOf(Object.fromEntries(Object.entries(judged).map(([name, values]) => [name, mean(values)])), queries.length), [], [], [])
  }

  static #ofMarks(model: Model, split: string, predicted: Predictions): Evaluation {
    const { truth, guesses } = knownNumbers(predicted), { rows, measures, perClass } = markMeasures(truth, guesses, predicted.width)
    if (rows === 0) throw new TrainError(`Cannot evaluate on "${split}": none of its rows can be read.`)
    return new Evaluation(split, rows, model.classes, figuresOf(measures, rows, 200), [], perClass.map((scores, c) => ({ class: model.classes[c]!, ...scores })), [])
  }

  static #ofTags(model: Model, split: string, predicted: Predictions): Evaluation {
    const rows = taggedRows(model, predicted).filter(({ truth }) => truth.some((tag) => tag !== ''))
    if (rows.length === 0) throw new TrainError(`Cannot evaluate on "${split}": none of its words has a tag.`)
    const matrix = confusionMatrix(predicted.labels, Array.from(predicted.logits), model.classes.length)
    return new Evaluation(split, rows.length, model.classes, figuresOf(tagMeasures(rows, model.classes), rows.length), matrix, classScores(matrix).map((scores, c) => ({ class: model.classes[c]!, ...scores })), [])
  }

  static #ofNumbers(split: string, predicted: Predictions): Evaluation {
    const { truth, guesses } = knownNumbers(predicted), count = truth.length
    if (count === 0) throw new TrainError(`Cannot evaluate on "${split}": none of its ${predicted.labels.length} rows can be judged; the model knows none of their users and items.`)
    const of = (measure: (a: number[], b: number[]) => number) => (rows: ArrayLike<number>) => measure(Array.from(rows, (row) => truth[row]!), Array.from(rows, (row) => guesses[row]!))
    return new Evaluation(split, count, [], figuresOf({ rmse: of(rmse), mae: of(mae), r2: of(r2), correlation: of(pearson) }, count), [], [], [])
  }

  /** The confusion matrix as a Plotly figure; of tags, word by word. */
  confusionPlot(): Figure {
    if (this.confusion.length === 0) throw new TrainError(`Cannot draw the confusion matrix of "${this.split}": that is for rows of one class each.`)
    return confusionFigure({ classes: this.classes, counts: this.confusion })
  }

  /** Confidence against accuracy, as a Plotly figure; with `scaled` the same rows after temperature scaling beside it. */
  calibrationPlot(scaled?: Evaluation): Figure {
    const ece = (evaluation: Evaluation) => evaluation.figures['calibration error']?.value
    return reliability({ bins: this.calibration, ece: ece(this), ...(scaled ? { scaled: { bins: scaled.calibration, ece: ece(scaled), temperature: scaled.temperature } } : {}) })
  }

  /** ROC curves, as a Plotly figure: of the second of two classes, or of each against the rest. */
  rocPlot(): Figure {
    return rocFigure(this.#against('draw ROC curves').map(({ name, labels, scores }) => ({ name, ...rocCurve(labels, scores), auc: rocAUC(labels, scores) })))
  }

  /** Precision over recall, as a Plotly figure: of the second of two classes, or of each against the rest. */
  precisionRecallPlot(): Figure {
    return precisionRecall(this.#against('draw precision and recall').map(({ name, labels, scores }) => ({ name, ...precisionRecallCurve(labels, scores), averagePrecision: averagePrecision(labels, scores) })))
  }

  #against(verb: string): { name: string; labels: number[]; scores: number[] }[] {
    const { labels, probabilities } = this.#classes(verb)
    const wanted = this.classes.length === 2 ? [1] : this.classes.map((_, c) => c)
    return wanted.map((c) => ({ name: this.classes[c]!, labels: labels.map((label) => label === c ? 1 : 0), scores: probabilities.map((p) => p[c]!) }))
  }

  /** The temperature that makes the model as sure as it is right on these rows: fit it on validation, use it on test. */
  fitTemperature(): number {
    const { labels, logits } = this.#classes('fit a temperature')
    return fitTemperature(labels, logits)
  }

  /**
   * The rows that cost most, drawn: what the model cannot do, and labels that are wrong.
   * @param count default 12
   */
  async topLosses(count = 12): Promise<TopLosses> {
    const { model, split, probabilities } = this.#classes('show the highest losses')
    const worst = this.answers!.map((answer, i) => ({ ...answer, confidence: probabilities[i]![answer.guess]! })).sort((a, b) => b.loss - a.loss).slice(0, count)
    const examples = await examplesOf(model, split, worst.map(({ row }) => row))
    return new TopLosses(this.split, worst.map(({ row, loss, truth, guess, confidence }, i) => ({ row, loss, truth: this.classes[truth]!, label: this.classes[guess]!, confidence, ...examples[i] })))
  }

  /**
   * Groups of rows (by the values of a column, by quarters of numbers and of lengths) in which fewer are right than in the rest, the surest first.
   * @param least rows that a group must have; default 10
   */
  slices({ least = 10 }: { least?: number } = {}): Slices {
    const { split, known } = this.#classes('look for weak slices')
    const { slices, looked } = worstSlices(known.map((row) => split.rows[row] as Record<string, unknown>), this.answers!.map(({ truth, guess }) => truth === guess), { least })
    return new Slices(this.split, slices, looked)
  }

  #classes(verb: string): Detail {
    if (!this.#detail) throw new TrainError(`Cannot ${verb} of "${this.split}": that is for models that tell classes apart.`)
    return this.#detail
  }

  toString(): string {
    const figures = Object.entries(this.figures).map(([name, { value, interval: { low, high } }]) => `${name.padEnd(18)} ${show(value)}  (${show(low)} – ${show(high)})`)
    return [`${this.rows} rows of "${this.split}"; in brackets the 95 % interval`, ...figures].join('\n')
  }

  async [displaySymbol](): Promise<Record<string, unknown>> {
    const text = String(this)
    if (this.classes.length === 0 || this.classes.length > 60) return { 'text/plain': text }
    const picture = this.confusion.length === 0 ? '' : (await figureBundle(this.confusionPlot()))['image/svg+xml']
    const rows = Object.entries(this.figures).map(([name, { value, interval: { low, high } }]) => `<tr><th style="text-align:left">${name}</th><td>${show(value)}</td><td>${show(low)} – ${show(high)}</td></tr>`).join('')
    const classes = this.perClass.map((c) => `<tr><th style="text-align:left">${escape(c.class)}</th><td>${show(c.precision)}</td><td>${show(c.recall)}</td><td>${show(c.f1)}</td><td>${c.support}</td></tr>`).join('')
    return {
      'text/html': `<div style="display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start"><div><table><caption>${this.rows} rows of “${escape(this.split)}”</caption><tr><th></th><th>value</th><th>95 % interval</th></tr>${rows}</table><table><tr><th style="text-align:left">class</th><th>precision</th><th>recall</th><th>F1</th><th>rows</th></tr>${classes}</table></div><div>${String(picture)}</div></div>`,
      'text/plain': text,
    }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

const show = (value: number) => Number.isNaN(value) ? '–' : value.toFixed(value >= 100 ? 1 : 3)
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function figuresOf(measures: Record<string, (rows: ArrayLike<number>) => number>, rows: number, most = 1000): Figures {
  const all = Int32Array.from({ length: rows }, (_, i) => i)
  // Enough for a steady second digit, few enough to be quick on large sets.
  const samples = Math.max(100, Math.min(most, Math.round(4e5 / rows)))
  return Object.fromEntries(Object.entries(measures).map(([name, measure]) => [name, { value: measure(all), interval: bootstrapInterval(rows, measure, { samples }) }]))
}
