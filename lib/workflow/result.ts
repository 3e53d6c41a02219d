// What a run leaves behind: the model with its best weights, the history, the verdict, and what one does next: evaluate, predict, save.
import type { Dataset, Split } from '../data/index.js'
import { displaySymbol } from '../display/index.js'
import type { Model } from '../models/index.js'
import { figureBundle, trainingCurves, trainingView } from '../plots/index.js'
import type { EndReason, EpochRecord, LoopResult, OverfittingVerdict, Plan, TrainEvent, TrainOptions } from '../train/index.js'
import { TrainError, shown } from '../train/index.js'
import { Evaluation, predictSplit, type Prediction } from './evaluation.js'
import { modelCard } from './model-card.js'
import { saveRecord } from './save-record.js'

type AnySplit = Split<any>

export class FineTuneResult {
  readonly model: Model
  readonly events: readonly TrainEvent[]
  readonly history: readonly EpochRecord[]
  readonly reason: EndReason
  /** Epoch (0: none was finished), metric and value of the weights that the model has now. */
  readonly best: { epoch: number; metric: string; value: number }
  readonly seconds: number
  readonly overfitting: OverfittingVerdict
  readonly evaluations: Evaluation[] = []
  readonly #data: Dataset
  readonly #plan: Plan
  readonly #options: TrainOptions

  constructor(model: Model, data: Dataset, plan: Plan, options: TrainOptions, events: readonly TrainEvent[], outcome: LoopResult) {
    this.model = model
    this.#data = data
    this.#plan = plan
    this.#options = options
    this.events = events
    this.history = outcome.history.epochs
    this.reason = outcome.reason
    this.seconds = outcome.seconds
    this.best = { epoch: outcome.history.best?.epoch ?? 0, metric: plan.metric, value: outcome.history.best?.value ?? NaN }
    this.overfitting = outcome.verdict ?? { verdict: 'too little data', evidence: 'No epoch was finished.', remedies: [] }
  }

  /**
   * Measures the model on rows it was not trained on.
   * @param split a split, or the name of one of the run's data; default 'test', else 'validation'
   * @example (await result.evaluate()).accuracy
   */
  async evaluate(split?: AnySplit | string): Promise<Evaluation> {
    const evaluation = await Evaluation.of(this.model, this.#split(split, 'evaluate'), this.#plan.batchSize)
    this.evaluations.push(evaluation)
    return evaluation
  }

  /** Predictions for every row of a split, in its order. */
  predict(split?: AnySplit | string): Promise<Prediction[]> {
    return predictSplit(this.model, this.#split(split, 'predict'), this.#plan.batchSize)
  }

  /**
   * Saves the model (loadModel reads it back), the run as training.jsonl, and a model card, README.md.
   * @example await result.save('models/ants-bees')
   */
  async save(folder: string): Promise<void> {
    await this.model.save(folder, { card: modelCard(this, this.#data, this.#plan), training: this.#facts() })
    await saveRecord(folder, this.events)
  }

  #facts(): unknown {
    const { callbacks: _, signal: __, ...options } = this.#options
    return { data: this.#data.name, rows: Object.fromEntries(Object.entries(this.#data.splits).map(([name, { size }]) => [name, size])), options: JSON.parse(JSON.stringify(options, (_key, value: unknown) => typeof value === 'function' ? String(value) : value)) as unknown, defaults: this.#plan.defaults, reason: this.reason, best: this.best, seconds: this.seconds, overfitting: this.overfitting, history: this.history }
  }

  #split(split: AnySplit | string | undefined, verb: string): AnySplit {
    if (split !== undefined && typeof split !== 'string') return split
    const found = split === undefined ? this.#data.test ?? this.#data.validation : this.#data.splits[split]
    if (!found) throw new TrainError(`Cannot ${verb}: "${this.#data.name}" has no part ${split === undefined ? 'called test or validation' : shown(split)}. It has ${Object.keys(this.#data.splits).join(', ')}.`)
    return found
  }

  async [displaySymbol](): Promise<Record<string, unknown>> {
    if (this.history.length === 0) return trainingView(this.events).whole
    return { ...await figureBundle(trainingCurves(this.events)), 'text/plain': String(this) }
  }

  toString(): string {
    const { epoch, metric, value } = this.best
    return epoch === 0 ? `FineTuneResult: ${this.reason} before an epoch was finished` : `FineTuneResult: ${metric} ${value.toPrecision(4)} in epoch ${epoch} of ${this.history.length} (${this.reason}, ${this.seconds.toFixed(1)} s); ${this.overfitting.verdict}: ${this.overfitting.evidence}`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}
