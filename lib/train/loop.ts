// The training loop: phases, epochs, steps. It reports through events only; what a user sees is the workflow room's business.
//
//   phase (what is frozen) ─► epoch ─► step: next batch is prepared while the engine runs this one
//                                └► validation ─► best? keep a copy ─► verdict ─► checkpoint ─► early stopping?
import type { Dataset } from '../data/index.js'
import type { Model } from '../models/index.js'
import { averagedWeights, withAverage } from './average.js'
import { Checkpointer, identityOf, type Resumed } from './checkpoints/index.js'
import { freshEpoch, runEpoch, trainFigures, type EpochSoFar } from './epoch.js'
import type { EndReason, OverfittingVerdict } from './events.js'
import { fitHead } from './fit-head.js'
import { HealthCheck, type Trouble } from './health.js'
import { History } from './history.js'
import { higherIsBetter, objectiveFor, pairObjective, type Objective, type Predictions } from './objective.js'
import type { TrainOptions } from './options.js'
import { openPhase, type OpenPhase } from './phase.js'
import type { Plan } from './plan.js'
import { makeEvaluator } from './predict.js'
import { featureSource, keep, mostKept, splitSource, type Source } from './sources.js'
import type { EventStream } from './stream.js'
import { Parts } from './take-step.js'
import { markTrained } from './trained.js'
import { guessingLoss } from './verdict/guessing.js'
import { judge } from './verdict/index.js'
import { Team, type Wishes } from './team.js'
import { cloneWeights, copyWeights, disposeWeights, type Weights } from './weights.js'

export interface LoopResult { reason: EndReason; history: History; verdict: OverfittingVerdict | undefined; steps: number; seconds: number; /** Processor time of this process, all threads, in seconds. */ cpuSeconds: number; trouble?: Trouble }

/** Shared by the loop and whoever may stop it. */
export type Control = Wishes

type Validated = Predictions & { loss: number; weight: number }
interface Ended { reason: EndReason; trouble?: Trouble }
type RunningPhase = OpenPhase & { train: Source; validation: Source | undefined; objective: Objective }

export async function trainLoop(model: Model, data: Dataset<any>, plan: Plan, options: TrainOptions, stream: EventStream, control: Control): Promise<LoopResult> {
  const team = new Team(control)
  try {
    await team.meet(identityOf(model, data, plan), plan.batchSize, (text) => stream.emit({ type: 'note', time: Date.now(), level: 'info', text }))
    const checkpoints = await Checkpointer.open(model, data, plan, options, stream, team)
    const loop = new Loop(model, data, plan, options, stream, team, checkpoints)
    try { return await loop.run() } finally { loop.dispose() }
  } catch (error) {
    team.fail(error)
    throw error
  }
}

class Loop {
  private readonly objective: Objective
  private readonly history: History
  private readonly health: HealthCheck
  private best: Weights
  /** The average at the end of the last epoch. */
  private last: Weights | undefined
  private phaseNumber = 0
  private phaseEpochs = 0
  private epoch = 0
  /** Steps of the finished epochs. */
  private step = 0
  private soFar: EpochSoFar = freshEpoch()
  private waited = 0
  private readonly parts: Parts
  private losses: number[] = []
  private verdict: OverfittingVerdict | undefined
  private readonly sources: { train: Source; validation: Source | undefined }
  private keptValidation: Source | undefined
  private resumed: Resumed | undefined
  private readonly began = performance.now()
  private readonly cpuBefore = process.cpuUsage()

  constructor(readonly model: Model, readonly data: Dataset<any>, readonly plan: Plan, readonly options: TrainOptions, readonly stream: EventStream, readonly team: Team, readonly checkpoints: Checkpointer) {
    this.objective = objectiveFor(model, { ...options, metric: plan.metric }, plan, (text) => stream.emit({ type: 'note', time: Date.now(), level: 'warning', text }))
    this.parts = new Parts(plan.accumulate)
    this.history = new History(plan.metric, higherIsBetter(plan.metric))
    this.health = new HealthCheck((options.loss === undefined ? guessingLoss(data) : undefined) ?? Math.log(Math.max(2, model.classes.length)))
    this.sources = { train: splitSource(data.train, model, team.share, options.rowWeights), validation: data.validation && splitSource(team.part(data.validation, 'validation'), model) }
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
      else if (this.last) model.setWeights(this.last)
    } catch (error) {
      // Whatever broke (a file that is gone, the disk, the machine's memory), nothing that was learned is lost.
      if (this.history.best) { model.setWeights(this.best); markTrained(model) }
      throw error
    } finally { model.freeze(frozenBefore) }
    if (this.history.best) markTrained(model)
    if (ended.trouble) this.explain(ended.trouble)
    await checkpoints.settled()
    const best = this.history.best ?? { epoch: 0, value: NaN }
    const seconds = (performance.now() - this.began) / 1000, steps = this.step + this.soFar.steps
    stream.emit({ type: 'end', time: Date.now(), reason: ended.reason, epochs: this.history.epochs.length, steps, seconds, best: { epoch: best.epoch, metric: plan.metric, value: best.value } })
    return { ...ended, history: this.history, verdict: this.verdict, steps, seconds, cpuSeconds: cpuSince(this.cpuBefore) }
  }

  /** The recorded step, the evaluator and the sources of one phase; undefined when the run was stopped meanwhile. */
  private async open(phase: Plan['phases'][number]): Promise<RunningPhase | undefined> {
    const { model, data, plan, stream, team } = this
    model.freeze(phase.frozen)
    await team.sameWeights(model)
    if (!this.resumed) {
      this.health.reset()
      stream.emit({ type: 'phase', time: Date.now(), name: phase.name, detail: phase.detail, epoch: this.epoch + 1 })
    }
    let { train, validation } = this.sources
    const stopped = () => team.stopping
    if (phase.cached) {
      const features = await featureSource(model, splitSource(team.part(data.train, 'training'), model, undefined, this.options.rowWeights), plan.batchSize, stopped, team)
      const validationFeatures = validation && features && await featureSource(model, validation, plan.batchSize, stopped, team)
      await team.agree()
      if (!features || stopped()) return undefined
      train = features
      validation = validationFeatures
    } else if (validation && !this.keptValidation) {
      if (inputBytes(model) * validation.rows <= mostKept / 4) this.keptValidation = await keep(validation, plan.batchSize, stopped)
      if (stopped()) return undefined
      validation = this.keptValidation ?? validation
    } else validation = this.keptValidation
    const part = phase.pairs ? 'features' : phase.cached ? 'head' : 'whole', objective = phase.pairs ? pairObjective : this.objective
    const opened = openPhase(model, objective, plan, phase, part, (text) => stream.emit({ type: 'note', time: Date.now(), level: 'info', text }), team.workers)
    if (this.resumed) opened.step.restoreSlots(this.resumed.slots(phase))
    this.resumed?.dispose()
    this.resumed = undefined
    return { ...opened, evaluator: makeEvaluator(model, objective, part), train, validation, objective }
  }

  private async runPhase(phase: RunningPhase): Promise<Ended | undefined> {
    const { plan, stream, team } = this
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
        factor: (step) => plan.schedule.factor({ step: step - 1 - from, total, losses: this.losses }) * team.rateFactor,
        team,
        trouble: (...step) => this.health.look(...step),
        parts: this.parts,
        onHalved: (rows) => stream.emit({ type: 'note', time: Date.now(), level: 'warning', text: `The memory is not enough for ${plan.batchSize} rows at once: from here on a step takes ${rows} at a time and makes one update of all their gradients. Use a smaller batchSize to go faster.` }),
        afterStep: async (step) => {
          if (this.checkpoints.due(step)) await this.save(phase)
        },
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
    const { plan, team, model, stream } = this, stopping = () => team.stopping
    const fitted = await fitHead(model, phase.train, phase.validation, stopping)
    await team.sameWeights(model)
    const own = fitted && await phase.evaluator.run(phase.train, plan.batchSize, stopping)
    if (!own) return { reason: 'stopped' }
    const seen = await team.firstOnes(own)
    const rows = phase.train.rows, steps = plan.stepsPerEpoch
    this.soFar = { steps, rows, lossSum: seen.loss * rows, logits: [seen.logits], labels: [seen.labels], width: seen.width }
    stream.emit({ type: 'step', time: Date.now(), epoch, step: this.step + steps, loss: seen.loss, learningRate: 0, gradNorm: 0, examplesPerSecond: rows / Math.max(1e-6, (performance.now() - start) / 1000) })
    return this.finishEpoch(phase, epoch, 0, start)
  }

  /** Validation, best weights, verdict, checkpoint. */
  private async finishEpoch(phase: RunningPhase, epoch: number, learningRate: number, start: number): Promise<Ended | undefined> {
    const { plan, stream, team, history } = this
    await team.sameWeights(this.model)
    const validate = async () => phase.validation && phase.evaluator.run(phase.validation, plan.batchSize, () => team.stopping)
    const figuresOf = async (own: Validated | undefined) => own && (phase.plan.cached ? await team.firstOnes(own) : await team.whole(own))
    const ofAverage = phase.averaged ? await figuresOf(await withAverage(this.model, phase.step, validate)) : undefined
    const ofLast = phase.averaged && !plan.emaOrLast ? undefined : await figuresOf(await validate())
    const averaged = phase.averaged && !(ofAverage && ofLast && this.better(phase, ofLast, ofAverage)), judged = averaged ? ofAverage : ofLast
    if (!phase.plan.fit) this.soFar = await team.wholeEpoch(this.soFar)
    await team.agree()
    if (phase.validation && !judged) return { reason: 'stopped' }
    const train = trainFigures(this.soFar, phase.objective), validation = judged && { loss: judged.loss, ...phase.objective.figures(judged) }
    const step = this.step + this.soFar.steps
    if (validation && !Number.isFinite(validation.loss)) return { reason: 'diverged', trouble: { step, why: `the validation loss is ${validation.loss} after epoch ${epoch}` } }
    this.step = step
    this.soFar = freshEpoch()
    this.epoch = epoch
    this.phaseEpochs++
    this.losses.push(validation?.loss ?? train['loss']!)
    const best = history.add({ epoch, train, ...(validation ? { validation } : {}) }, !phase.plan.pairs)
    this.waited = best || phase.plan.pairs ? 0 : this.waited + 1
    if (best) { disposeWeights(this.best); this.best = averaged ? averagedWeights(this.model, phase.step) : copyWeights(this.model) }
    disposeWeights(this.last)
    this.last = averaged ? averagedWeights(this.model, phase.step) : undefined
    stream.emit({ type: 'epoch', time: Date.now(), epoch, step, train, ...(validation ? { validation } : {}), seconds: (performance.now() - start) / 1000, learningRate, best, memory: process.memoryUsage.rss() })
    if (!phase.plan.pairs) this.judge()
    if (this.verdict) stream.emit({ type: 'verdict', time: Date.now(), epoch, verdict: this.verdict })
    const last = this.phaseEpochs === phase.plan.epochs && this.phaseNumber === plan.phases.length - 1
    if (this.checkpoints.wanted && !team.stopping) await this.save(phase)
    if (last) return undefined
    if (team.stopping) return { reason: 'stopped' }
    return plan.patience !== undefined && this.waited >= plan.patience ? { reason: 'early stopping' } : undefined
  }

  /** Whether `one` did better than `other`: by the metric, and where that is the same by the loss. */
  private better(phase: RunningPhase, one: Validated, other: Validated): boolean {
    const { metric, higher } = this.history, figures = [one, other].map((judged): Record<string, number> => ({ loss: judged.loss, ...phase.objective.figures(judged) }))
    const [a, b] = figures.map((values) => values[metric] ?? values['loss']!) as [number, number], up = metric in figures[0]! && higher
    return a === b ? one.loss < other.loss : up ? a > b : a < b
  }

  /** On the epochs of this phase: another phase trains other layers, with other changes of the pictures, and its losses compare with nothing. */
  private judge(trouble?: Trouble): void {
    const { data, model, plan } = this, phase = plan.phases[Math.min(this.phaseNumber, plan.phases.length - 1)]
    this.verdict = judge(this.phaseEpochs > 0 ? this.history.epochs.slice(-this.phaseEpochs) : [], {
      rows: data.train.size, validationRows: data.validation?.size ?? 0, classes: model.classes.length, guessing: this.options.loss === undefined ? guessingLoss(data) : undefined, metric: plan.metric, planned: plan.epochs, ...(trouble ? { trouble } : {}),
      learningRate: plan.learningRate, batchSize: plan.batchSize, augmented: plan.augment !== undefined, headOnly: phase?.cached ?? false, fitted: phase?.fit ?? false, scratch: model.source.startsWith('new '), images: model.preprocessing.kind === 'image', keptLast: !plan.restoreBest,
    })
  }

  private async save(phase: RunningPhase): Promise<void> {
    const { best } = this.history, soFar = await this.team.wholeEpoch(this.soFar)
    if (this.team.first) await this.checkpoints.save({
      phase: this.phaseNumber, phaseEpochs: this.phaseEpochs, epoch: this.epoch, step: this.step + this.soFar.steps, stepsOfEpoch: this.soFar.steps, lossSum: this.soFar.lossSum, rows: this.soFar.rows,
      waited: this.waited, losses: this.losses, ...(this.parts.count === this.plan.accumulate ? {} : { parts: this.parts.count }), ...(this.team.rateFactor === 1 ? {} : { rateFactor: this.team.rateFactor }), history: this.history.epochs, health: this.health.state, ...(best ? { best } : {}),
    }, phase, this.best, soFar)
  }

  private goOnFrom({ progress, soFar }: Resumed): void {
    this.phaseNumber = progress.phase
    this.phaseEpochs = progress.phaseEpochs
    this.epoch = progress.epoch
    this.step = progress.step - progress.stepsOfEpoch
    this.soFar = soFar
    this.waited = progress.waited
    if (progress.parts !== undefined) this.parts.count = progress.parts
    if (progress.rateFactor !== undefined) this.team.goOnAt(progress.rateFactor)
    this.losses = progress.losses
    this.health.state = progress.health
    this.history.epochs.push(...progress.history)
    this.history.best = progress.best
    if (progress.phaseEpochs > 0 && !this.plan.phases[progress.phase]?.pairs) this.judge()
  }

  private explain({ why, step }: Trouble): void {
    const { plan, history } = this
    const lower = Number((plan.learningRate / 10).toPrecision(2))
    const back = history.best ? `the weights of epoch ${history.best.epoch}` : 'the weights it began with'
    this.judge({ step, why })
    this.stream.emit({ type: 'verdict', time: Date.now(), epoch: this.epoch, verdict: this.verdict! })
    this.stream.emit({ type: 'note', time: Date.now(), level: 'warning', text: `Training stopped because ${why} (step ${step}). The model is back at ${back}. Try learningRate: ${lower}, or findLearningRate(model, data); if it happens at any rate, look for broken values with data.audit().` })
  }

  dispose(): void {
    disposeWeights(this.best)
    disposeWeights(this.last)
    this.resumed?.dispose()
  }
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

function inputBytes(model: Model): number {
  const p = model.preprocessing
  return p.kind === 'image' ? p.height * p.width * p.channels * 4 : 64 * 1024
}
