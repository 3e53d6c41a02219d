// The training loop: phases, epochs, steps. It reports through events only; what a user sees is the workflow room's business.
//
//   phase (what is frozen) ─► epoch ─► step: next batch is prepared while the engine runs this one
//                                └► validation ─► best? keep a copy ─► verdict ─► checkpoint ─► early stopping?
import type { Dataset } from '../data/index.js'
import type { Model } from '../models/index.js'
import { Checkpointer, type Resumed } from './checkpoints/index.js'
import { freshEpoch, runEpoch, trainFigures, type EpochSoFar } from './epoch.js'
import type { EndReason, OverfittingVerdict } from './events.js'
import { fitHead } from './fit-head.js'
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
export interface Control { stopping: boolean; /** The rates of all further steps are multiplied by it. */ rateFactor?: number }

interface Ended { reason: EndReason; trouble?: Trouble }
type RunningPhase = OpenPhase & { train: Source; validation: Source | undefined }

export async function trainLoop(model: Model, data: Dataset<any>, plan: Plan, options: TrainOptions, stream: EventStream, control: Control): Promise<LoopResult> {
  const checkpoints = await Checkpointer.open(model, data, plan, options, stream)
  const loop = new Loop(model, data, plan, options, stream, control, checkpoints)
  try { return await loop.run() } finally { loop.dispose() }
}

class Loop {
  private readonly objective: Objective
  private readonly history: History
  private readonly health: HealthCheck
  private best: Weights
  private phaseNumber = 0
  private phaseEpochs = 0
  private epoch = 0
  /** Steps of the finished epochs. */
  private step = 0
  private soFar: EpochSoFar = freshEpoch()
  private waited = 0
  private losses: number[] = []
  private verdict: OverfittingVerdict | undefined
  private readonly sources: { train: Source; validation: Source | undefined }
  private keptValidation: Source | undefined
  private resumed: Resumed | undefined
  private readonly began = performance.now()

  constructor(readonly model: Model, readonly data: Dataset<any>, readonly plan: Plan, options: TrainOptions, readonly stream: EventStream, readonly control: Control, readonly checkpoints: Checkpointer) {
    this.objective = objectiveFor(model, options, plan)
    this.history = new History(plan.metric, higherIsBetter(plan.metric))
    this.health = new HealthCheck(Math.log(Math.max(2, model.classes.length)))
    this.sources = { train: splitSource(data.train, model), validation: data.validation && splitSource(data.validation, model) }
    this.resumed = checkpoints.resumed
    this.best = this.resumed?.best ?? copyWeights(model)
    if (this.resumed) this.goOnFrom(this.resumed)
  }

  async run(): Promise<LoopResult> {
    const { plan, model, stream, checkpoints } = this
    let ended: Ended = { reason: 'finished' }
    const frozenBefore = model.frozen
    model.batchNormStatistics = plan.batchNorm
    try {
      for (; this.phaseNumber < plan.phases.length; this.phaseNumber++) {
        const phase = await this.open(plan.phases[this.phaseNumber]!)
        if (!phase) { ended = { reason: 'stopped' }; break }
        try {
          const early = await this.runPhase(phase)
          if (early?.reason === 'stopped') await this.save(phase)
          if (early) { ended = early; break }
        } finally { phase.dispose() }
        this.phaseEpochs = 0
        this.losses = []
      }
      if (ended.trouble || (plan.restoreBest && this.history.best)) model.setWeights(this.best)
    } finally { model.freeze(frozenBefore) }
    if (this.history.best) markTrained(model)
    if (ended.trouble) this.explain(ended.trouble)
    await checkpoints.settled()
    const best = this.history.best ?? { epoch: 0, value: NaN }
    const seconds = (performance.now() - this.began) / 1000, steps = this.step + this.soFar.steps
    stream.emit({ type: 'end', time: Date.now(), reason: ended.reason, epochs: this.history.epochs.length, steps, seconds, best: { epoch: best.epoch, metric: plan.metric, value: best.value } })
    return { ...ended, history: this.history, verdict: this.verdict, steps, seconds }
  }

  /** The recorded step, the evaluator and the sources of one phase; undefined when the run was stopped meanwhile. */
  private async open(phase: Plan['phases'][number]): Promise<RunningPhase | undefined> {
    const { model, plan, stream, control } = this
    model.freeze(phase.frozen)
    if (!this.resumed) {
      this.health.reset()
      stream.emit({ type: 'phase', time: Date.now(), name: phase.name, detail: phase.detail, epoch: this.epoch + 1 })
    }
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
      validation = this.keptValidation ?? validation
    } else validation = this.keptValidation
    const part = phase.cached ? 'head' as const : 'whole' as const
    const opened = openPhase(model, this.objective, plan, phase, part, (text) => stream.emit({ type: 'note', time: Date.now(), level: 'info', text }))
    if (this.resumed) opened.step.restoreSlots(this.resumed.slots(phase))
    this.resumed?.dispose()
    this.resumed = undefined
    return { ...opened, evaluator: makeEvaluator(model, this.objective, part), train, validation }
  }

  private async runPhase(phase: RunningPhase): Promise<Ended | undefined> {
    const { plan, stream, control } = this
    const total = phase.plan.epochs * plan.stepsPerEpoch, from = this.step - this.phaseEpochs * plan.stepsPerEpoch
    while (this.phaseEpochs < phase.plan.epochs) {
      const epoch = this.epoch + 1, start = performance.now()
      if (phase.plan.fit) {
        const ended = await this.fitEpoch(phase, epoch, start)
        if (ended) return ended
        continue
      }
      const end = await runEpoch({
        phase, plan, epoch, soFar: this.soFar, stepsBefore: this.step, stream,
        factor: (step) => plan.schedule.factor({ step: step - 1 - from, total, losses: this.losses }) * (control.rateFactor ?? 1),
        stopping: () => control.stopping,
        trouble: (step, loss, norm) => this.health.look(step, loss, norm),
        afterStep: (step) => this.checkpoints.due(step) ? this.save(phase) : undefined,
      })
      if (end.trouble) return { reason: 'diverged', trouble: end.trouble }
      if (!end.whole) return { reason: 'stopped' }
      const ended = await this.finishEpoch(phase, epoch, end.learningRate, start)
      if (ended) return ended
    }
    return undefined
  }

  /** The head in one go; it takes the place of one epoch's steps. */
  private async fitEpoch(phase: RunningPhase, epoch: number, start: number): Promise<Ended | undefined> {
    const { plan, control, model, stream } = this, stopping = () => control.stopping
    if (!await fitHead(model, phase.train, phase.validation, stopping)) return { reason: 'stopped' }
    const seen = await phase.evaluator.run(phase.train, plan.batchSize, stopping)
    if (!seen) return { reason: 'stopped' }
    const rows = phase.train.rows, steps = plan.stepsPerEpoch
    this.soFar = { steps, rows, lossSum: seen.loss * rows, logits: [seen.logits], labels: [seen.labels], width: seen.width }
    stream.emit({ type: 'step', time: Date.now(), epoch, step: this.step + steps, loss: seen.loss, learningRate: 0, gradNorm: 0, examplesPerSecond: rows / Math.max(1e-6, (performance.now() - start) / 1000) })
    return this.finishEpoch(phase, epoch, 0, start)
  }

  /** Validation, best weights, verdict, checkpoint. */
  private async finishEpoch(phase: RunningPhase, epoch: number, learningRate: number, start: number): Promise<Ended | undefined> {
    const { plan, stream, control, history } = this
    const judged = phase.validation && await phase.evaluator.run(phase.validation, plan.batchSize, () => control.stopping)
    if (phase.validation && !judged) return { reason: 'stopped' }
    const train = trainFigures(this.soFar, this.objective), validation = judged && { loss: judged.loss, ...this.objective.figures(judged) }
    const step = this.step + this.soFar.steps
    if (validation && !Number.isFinite(validation.loss)) return { reason: 'diverged', trouble: { step, why: `the validation loss is ${validation.loss} after epoch ${epoch}` } }
    this.step = step
    this.soFar = freshEpoch()
    this.epoch = epoch
    this.phaseEpochs++
    this.losses.push(validation?.loss ?? train['loss']!)
    const best = history.add({ epoch, train, ...(validation ? { validation } : {}) })
    this.waited = best ? 0 : this.waited + 1
    if (best) { disposeWeights(this.best); this.best = copyWeights(this.model) }
    stream.emit({ type: 'epoch', time: Date.now(), epoch, step, train, ...(validation ? { validation } : {}), seconds: (performance.now() - start) / 1000, learningRate, best })
    this.judge()
    stream.emit({ type: 'verdict', time: Date.now(), epoch, verdict: this.verdict! })
    const last = this.phaseEpochs === phase.plan.epochs && this.phaseNumber === plan.phases.length - 1
    if (this.checkpoints.wanted && !control.stopping) await this.save(phase)
    if (last) return undefined
    if (control.stopping) return { reason: 'stopped' }
    return plan.patience !== undefined && this.waited >= plan.patience ? { reason: 'early stopping' } : undefined
  }

  /** On the epochs of this phase: another phase trains other layers, with other changes of the pictures, and its losses compare with nothing. */
  private judge(): void {
    const { data, model, plan } = this
    this.verdict = judge(this.history.epochs.slice(-this.phaseEpochs), { rows: data.train.size, validationRows: data.validation?.size ?? 0, classes: model.classes.length, metric: plan.metric, planned: plan.epochs })
  }

  private async save(phase: RunningPhase): Promise<void> {
    const { best } = this.history
    await this.checkpoints.save({
      phase: this.phaseNumber, phaseEpochs: this.phaseEpochs, epoch: this.epoch, step: this.step + this.soFar.steps, stepsOfEpoch: this.soFar.steps, lossSum: this.soFar.lossSum, rows: this.soFar.rows,
      waited: this.waited, losses: this.losses, history: this.history.epochs, health: this.health.state, ...(best ? { best } : {}),
    }, phase, this.best, this.soFar)
  }

  private goOnFrom({ progress, soFar }: Resumed): void {
    this.phaseNumber = progress.phase
    this.phaseEpochs = progress.phaseEpochs
    this.epoch = progress.epoch
    this.step = progress.step - progress.stepsOfEpoch
    this.soFar = soFar
    this.waited = progress.waited
    this.losses = progress.losses
    this.health.state = progress.health
    this.history.epochs.push(...progress.history)
    this.history.best = progress.best
    if (progress.phaseEpochs > 0) this.judge()
  }

  private explain({ why, step }: Trouble): void {
    const { plan, history } = this
    const lower = Number((plan.learningRate / 10).toPrecision(2))
    const back = history.best ? `the weights of epoch ${history.best.epoch}` : 'the weights it began with'
    this.stream.emit({ type: 'note', time: Date.now(), level: 'warning', text: `Training stopped because ${why} (step ${step}). The model is back at ${back}. Try learningRate: ${lower}, or findLearningRate(model, data); if it happens at any rate, look for broken values with data.audit().` })
  }

  dispose(): void {
    disposeWeights(this.best)
    this.resumed?.dispose()
  }
}

function inputBytes(model: Model): number {
  const p = model.preprocessing
  return p.kind === 'image' ? p.height * p.width * p.channels * 4 : 64 * 1024
}
