// What a run leaves behind: the model with its best weights, the history, the verdict, and what one does next: evaluate, predict, save.
import type { Dataset, Split } from '../data/index.js'
import { displaySymbol } from '../display/index.js'
import type { Model } from '../models/index.js'
import { figureBundle, trainingCurves, trainingView } from '../plots/index.js'
import type { EndReason, EpochRecord, LoopResult, OverfittingVerdict, Plan, TrainEvent, TrainOptions } from '../train/index.js'
import { TrainError, shown, workersOfProcess } from '../train/index.js'
import { Evaluation, predictSplit, type Prediction } from './evaluation.js'
import { ModelCard, modelCard } from './model-card.js'
import { shownVerdict } from './shown-verdict.js'
import { saliency, type Saliency } from './saliency.js'
import { saveCard, saveRecord, saveSplits } from './save-record.js'

export class FineTuneResult {
  readonly model: Model
  readonly events: readonly TrainEvent[]
  readonly history: readonly EpochRecord[]
  readonly reason: EndReason
  /** Epoch (0: none was finished), metric and value of the weights that the model has now. */
  readonly best: { epoch: number; metric: string; value: number }
  readonly seconds: number
  /** Processor time that it took, all threads, in seconds. */
  readonly cpuSeconds: number
  /** As a cell's last expression: the verdict, its evidence and remedies, and the curves with the onset marked. */
  readonly overfitting: OverfittingVerdict
  readonly evaluations: Evaluation[] = []
  readonly #data: Dataset
  readonly #plan: Plan
  readonly #options: TrainOptions

  /** @internal */
  constructor(model: Model, data: Dataset, plan: Plan, options: TrainOptions, events: readonly TrainEvent[], outcome: LoopResult) {
    this.model = model
    this.#data = data
    this.#plan = plan
    this.#options = options
    this.events = events
    this.history = outcome.history.epochs
    this.reason = outcome.reason
    this.seconds = outcome.seconds
    this.cpuSeconds = outcome.cpuSeconds
    this.best = { epoch: outcome.history.best?.epoch ?? 0, metric: plan.metric, value: outcome.history.best?.value ?? NaN }
    this.overfitting = shownVerdict(outcome.verdict ?? { verdict: 'too little data', evidence: 'No epoch was finished.', remedies: [] }, events)
  }

  /**
   * Measures the model on rows it was not trained on.
   * @param split a split, or the name of one of the run's data; default 'test', else 'validation'
   * @example (await result.evaluate()).accuracy
   */
  async evaluate(split?: Split<any> | string): Promise<Evaluation> {
    const judged = this.#split(split, 'evaluate'), others = Object.values(this.#data.splits).filter((other) => other !== judged)
    const evaluation = await Evaluation.of(this.model, judged, this.#plan.batchSize, others)
    this.evaluations.push(evaluation)
    return evaluation
  }

  /**
   * Fits a temperature on validation rows and evaluates with it: as sure as it is right, the same classes.
   * @param split rows to judge it on; default 'test', else 'validation'
   * @returns the evaluation before and after, and the temperature: what logits are to be divided by
   * @throws TrainError without a validation part
   * @example const { before, after } = await result.calibrate(); before.calibrationPlot(after)
   */
  async calibrate(split?: Split<any> | string): Promise<{ temperature: number; before: Evaluation; after: Evaluation }> {
    const { batchSize } = this.#plan, judged = this.#split(split, 'calibrate')
    const temperature = (await Evaluation.of(this.model, this.#split('validation', 'calibrate'), batchSize)).fitTemperature()
    return { temperature, before: await Evaluation.of(this.model, judged, batchSize), after: await Evaluation.of(this.model, judged, batchSize, [], temperature) }
  }

  /** What the prediction for one row rests on: pixels, or tokens. */
  saliency(row: number, { split, ...o }: { split?: Split<any> | string; label?: string; samples?: number } = {}): Promise<Saliency> {
    return saliency(this.model, this.#split(split, 'explain'), row, o)
  }

  /** Predictions for every row of a split, in its order. */
  predict(split?: Split<any> | string): Promise<Prediction[]> {
    return predictSplit(this.model, this.#split(split, 'predict'), this.#plan.batchSize)
  }

  /**
   * The model card: data, hyper-parameters, figures, limits, time and energy. Displays itself; what was evaluated before is in it.
   * @example await result.evaluate(); result.card()
   */
  card(): ModelCard { return new ModelCard(modelCard(this, this.#data, this.#plan)) }

  /**
   * Saves the model (loadModel reads it back), the run as training.jsonl, and a model card, README.md and card.html. In a cluster the first worker saves, and the others do nothing.
   * @example await result.save('models/ants-bees')
   */
  async save(folder: string): Promise<void> {
    if ((workersOfProcess()?.rank ?? 0) > 0) return
    await this.model.save(folder, { card: modelCard(this, this.#data, this.#plan), training: this.#facts() })
    await saveRecord(folder, this.events)
    await saveCard(folder, this.card().html)
    await saveSplits(folder, this.#data)
  }

  #facts(): unknown {
    const { callbacks: _, signal: __, ...options } = this.#options
    return { data: this.#data.name, rows: Object.fromEntries(Object.entries(this.#data.splits).map(([name, { size }]) => [name, size])), options: JSON.parse(JSON.stringify(options, (_key, value: unknown) => typeof value === 'function' ? String(value) : value)) as unknown, defaults: this.#plan.defaults, reason: this.reason, best: this.best, seconds: this.seconds, overfitting: this.overfitting, history: this.history }
  }

  #split(split: Split<any> | string | undefined, verb: string): Split<any> {
    if (split !== undefined && typeof split !== 'string') return split
    const found = split === undefined ? this.#data.test ?? this.#data.validation : this.#data.splits[split]
    if (!found) throw new TrainError(`Cannot ${verb}: "${this.#data.name}" has no part ${split === undefined ? 'called test or validation' : shown(split)}. It has ${Object.keys(this.#data.splits).join(', ')}.`)
    return found
  }

  async [displaySymbol](): Promise<Record<string, unknown>> {
    if (!this.events.some(({ type }) => type === 'step')) return trainingView(this.events).whole
    return { ...await figureBundle(trainingCurves(this.events)), 'text/plain': String(this) }
  }

  toString(): string {
    const { epoch, metric, value } = this.best
    return epoch === 0 ? `FineTuneResult: ${this.reason} before an epoch was finished` : `FineTuneResult: ${metric} ${value.toPrecision(4)} in epoch ${epoch} of ${this.history.length} (${this.reason}, ${this.seconds.toFixed(1)} s); ${this.overfitting.verdict}: ${this.overfitting.evidence}`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}
