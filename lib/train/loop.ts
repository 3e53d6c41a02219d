// The training loop: phases, epochs, steps. It reports through events only; what a user sees is the workflow room's business.
//
//   phase (what is frozen) ─► epoch ─► step: next batch is prepared while the engine runs this one
//                                └► validation ─► best? keep a copy ─► verdict ─► early stopping?
import type { Dataset } from '../data/index.js'
import type { Model } from '../models/index.js'
import { runEpoch, type EpochFigures } from './epoch.js'
import type { EndReason, OverfittingVerdict } from './events.js'
import { HealthCheck, type Trouble } from './health.js'
import { History } from './history.js'
import { higherIsBetter, objectiveFor, type Objective } from './objective.js'
import type { TrainOptions } from './options.js'
import { openPhase, type OpenPhase } from './phase.js'
import type { Plan } from './plan.js'
import { makeEvaluator } from './predict.js'
import { featureSource, keep, mostKept, splitSource, type Source } from './sources.js'
import type { EventStream } from './stream.js'
import { markTrained } from './trained.js'
import { judge } from './verdict/index.js'
import { copyWeights, disposeWeights, type Weights } from './weights.js'

export interface LoopResult { reason: EndReason; history: History; verdict: OverfittingVerdict | undefined; steps: number; seconds: number; trouble?: Trouble }

/** Shared by the loop and whoever may stop it. */
export interface Control { stopping: boolean }

export async function trainLoop(model: Model, data: Dataset, plan: Plan, options: TrainOptions, stream: EventStream, control: Control): Promise<LoopResult> {
  const loop = new Loop(model, data, plan, options, stream, control)
  try { return await loop.run() } finally { loop.dispose() }
}

class Loop {
  readonly objective: Objective
  readonly history: History
  private readonly health: HealthCheck
  private best: Weights
  private step = 0
  private epoch = 0
  private verdict: OverfittingVerdict | undefined
  private readonly sources: { train: Source; validation: Source | undefined }
  private keptValidation: Source | undefined
  private readonly began = performance.now()

  constructor(readonly model: Model, readonly data: Dataset, readonly plan: Plan, readonly options: TrainOptions, readonly stream: EventStream, readonly control: Control) {
    this.objective = objectiveFor(model, options, plan)
    this.history = new History(plan.metric, higherIsBetter(plan.metric))
    this.health = new HealthCheck(Math.log(Math.max(2, model.classes.length)))
    this.best = copyWeights(model)
    this.sources = { train: splitSource(data.train, model), validation: data.validation && splitSource(data.validation, model) }
  }

  async run(): Promise<LoopResult> {
    const { plan, model, stream } = this
    let reason: EndReason = 'finished', trouble: Trouble | undefined
    model.batchNormStatistics = plan.batchNorm
    const frozenBefore = model.frozen
    try {
      for (const phase of plan.phases) {
        const opened = await this.open(phase)
        if (!opened) { reason = 'stopped'; break }
        try {
          const ended = await this.runPhase(opened)
          if (ended) { ({ reason, trouble } = ended); break }
        } finally { opened.dispose() }
      }
      if (trouble || (plan.restoreBest && this.history.best)) model.setWeights(this.best)
    } finally { model.freeze(frozenBefore) }
    if (this.history.best) markTrained(model)
    if (trouble) this.explain(trouble)
    const best = this.history.best ?? { epoch: 0, value: NaN }
    const seconds = (performance.now() - this.began) / 1000
    stream.emit({ type: 'end', time: Date.now(), reason, epochs: this.history.epochs.length, steps: this.step, seconds, best: { epoch: best.epoch, metric: plan.metric, value: best.value } })
    return { reason, history: this.history, verdict: this.verdict, steps: this.step, seconds, ...(trouble ? { trouble } : {}) }
  }

  /** The recorded step, the evaluator and the sources of one phase; undefined when the run was stopped meanwhile. */
  private async open(phase: Plan['phases'][number]): Promise<(OpenPhase & { train: Source; validation: Source | undefined }) | undefined> {
    const { model, plan, stream, control } = this
    model.freeze(phase.frozen)
    this.health.reset()
    stream.emit({ type: 'phase', time: Date.now(), name: phase.name, detail: phase.detail, epoch: this.epoch + 1 })
    let { train, validation } = this.sources
    const stopped = () => control.stopping
    if (phase.cached) {
      const features = await featureSource(model, train, plan.batchSize, stopped)
      const validationFeatures = validation && features && await featureSource(model, validation, plan.batchSize, stopped)
      if (!features || stopped()) return undefined
      train = features
      validation = validationFeatures
    } else if (validation && !this.keptValidation) {
      if (inputBytes(model) * validation.rows <= mostKept / 4) this.keptValidation = await keep(validation, plan.batchSize, stopped)
      if (stopped()) return undefined
    }
    const part = phase.cached ? 'head' as const : 'whole' as const
    return {
      ...openPhase(model, this.objective, plan, phase, part, (text) => stream.emit({ type: 'note', time: Date.now(), level: 'info', text })),
      evaluator: makeEvaluator(model, this.objective, part), train, validation: phase.cached ? validation : this.keptValidation ?? validation,
    }
  }

  private async runPhase(phase: OpenPhase & { train: Source; validation: Source | undefined }): Promise<{ reason: EndReason; trouble?: Trouble } | undefined> {
    const { plan, stream, control, history } = this
    const total = phase.plan.epochs * plan.stepsPerEpoch, from = this.step
    const losses: number[] = []
    let waited = 0
    for (let i = 0; i < phase.plan.epochs; i++) {
      const epoch = ++this.epoch, start = performance.now()
      const figures: EpochFigures | Trouble = await runEpoch({
        phase, objective: this.objective, plan, epoch, firstStep: this.step + 1, stream,
        factor: (step) => plan.schedule.factor({ step: step - 1 - from, total, losses }),
        stopping: () => control.stopping, trouble: (step, loss, norm) => this.health.look(step, loss, norm),
      })
      if ('why' in figures) return { reason: 'diverged', trouble: figures }
      this.step = figures.lastStep
      if (!figures.whole) return { reason: 'stopped' }
      const judged = phase.validation && await phase.evaluator.run(phase.validation, plan.batchSize, () => control.stopping)
      if (phase.validation && !judged) return { reason: 'stopped' }
      const validation = judged && { loss: judged.loss, ...this.objective.figures(judged) }
      if (validation && !Number.isFinite(validation.loss)) return { reason: 'diverged', trouble: { step: this.step, why: `the validation loss is ${validation.loss} after epoch ${epoch}` } }
      losses.push(validation?.loss ?? figures.train['loss']!)
      const best = history.add({ epoch, train: figures.train, ...(validation ? { validation } : {}) })
      waited = best ? 0 : waited + 1
      if (best) { disposeWeights(this.best); this.best = copyWeights(this.model) }
      stream.emit({ type: 'epoch', time: Date.now(), epoch, step: this.step, train: figures.train, ...(validation ? { validation } : {}), seconds: (performance.now() - start) / 1000, learningRate: figures.learningRate, best })
      this.verdict = judge(history.epochs, { rows: this.data.train.size, validationRows: this.data.validation?.size ?? 0, classes: this.model.classes.length, metric: plan.metric, planned: plan.epochs })
      stream.emit({ type: 'verdict', time: Date.now(), epoch, verdict: this.verdict })
      if (control.stopping) return { reason: 'stopped' }
      const last = i + 1 === phase.plan.epochs && phase.plan === plan.phases.at(-1)
      if (plan.patience !== undefined && waited >= plan.patience && !last) return { reason: 'early stopping' }
    }
    return undefined
  }

  private explain({ why, step }: Trouble): void {
    const { plan, history } = this
    const lower = Number((plan.learningRate / 10).toPrecision(2))
    const back = history.best ? `the weights of epoch ${history.best.epoch}` : 'the weights it began with'
    this.stream.emit({ type: 'note', time: Date.now(), level: 'warning', text: `Training stopped because ${why} (step ${step}). The model is back at ${back}. Try learningRate: ${lower}, or findLearningRate(model, data); if it happens at any rate, look for broken values with data.audit().` })
  }

  dispose(): void { disposeWeights(this.best) }
}

function inputBytes(model: Model): number {
  const p = model.preprocessing
  return p.kind === 'image' ? p.height * p.width * p.channels * 4 : 64 * 1024
}
