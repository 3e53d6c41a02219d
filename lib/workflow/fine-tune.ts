// fineTune: from a model and data to a run. Checks, plans and starts; the loop itself is the training room's.
import { randomUUID } from 'node:crypto'
import type { Dataset } from '../data/index.js'
import type { Model } from '../models/index.js'
import type { CurveOptions } from '../plots/index.js'
import { callbackReader, checkFit, checkOptions, EventStream, makePlan, objectiveFor, peekCheckpoint, Team, trainLoop, workersOfProcess, type Control, type Plan, type TrainOptions } from '../train/index.js'
import { findLearningRate } from './find-learning-rate.js'
import { FineTuneResult } from './result.js'
import { FineTuneRun } from './run.js'

export interface FineTuneOptions extends TrainOptions {
  /** Show the live view without being asked to; with `learningRate` and `gradNorm` also those curves. Default true: loss and metric. */
  live?: boolean | CurveOptions
}

/**
 * Fine-tunes `model` on `data`, in place, and starts at once: first the head alone, then the whole network with rates that grow
 * from the first layers to the head, under one-cycle. The best epoch's weights are kept. Every default is in the first event with
 * its reason.
 *
 * @throws TrainError at once, when an option makes no sense or the model does not fit the data
 * @example
 * const run = fineTune(model, photos, { epochs: 5, batchSize: 16 })
 * for await (const event of run) if (event.type === 'epoch') console.log(event.validation?.accuracy)
 * const result = await run
 */
export function fineTune(model: Model, data: Dataset<any>, options: FineTuneOptions = {}): FineTuneRun {
  const { live = true, ...o } = options
  checkOptions(o)
  checkFit(model, data, o)
  objectiveFor(model, o, { labelSmoothing: 0, classWeights: undefined }) // refuses losses and metrics that do not fit
  const stream = new EventStream(), control: Control = { stopping: false }
  const stop = () => { control.stopping = true }
  if (o.callbacks) stream.listen(callbackReader([o.callbacks].flat(), (text) => queueMicrotask(() => stream.emit({ type: 'note', time: Date.now(), level: 'warning', text }))))
  if (o.signal?.aborted) stop()
  o.signal?.addEventListener('abort', stop)
  const lowerRate = (factor: number) => {
    control.rateFactor = (control.rateFactor ?? 1) * factor
    stream.emit({ type: 'note', time: Date.now(), level: 'info', text: `From here on the learning rate is ${Number(control.rateFactor.toPrecision(3))} of what was planned.` })
  }
  return new FineTuneRun(stream, { stop, lowerRate }, { live: live !== false && (workersOfProcess()?.rank ?? 0) === 0, curves: typeof live === 'object' ? live : {} }, async () => {
    try {
      await Promise.resolve() // so that whoever called can listen first
      const team = new Team(control)
      const { before, rate } = await team.fromFirst(async () => {
        const before = o.resume === undefined ? undefined : await peekCheckpoint(o.resume)
        return { before, rate: o.learningRate === 'find' ? before?.learningRate ?? (await findLearningRate(model, data, { ...(o.batchSize ? { batchSize: o.batchSize } : {}), ...(o.seed ? { seed: o.seed } : {}) })).suggestion : o.learningRate }
      })
      const plan = makePlan(model, data, { ...o, ...(before ? { batchSize: o.batchSize ?? before.batchSize } : {}), ...(rate === undefined ? {} : { learningRate: rate }) }, before?.trained)
      stream.emit({ type: 'start', time: Date.now(), run: factsOf(model, data, plan) })
      for (const text of notesOn(data)) stream.emit({ type: 'note', time: Date.now(), level: 'warning', text })
      const outcome = await trainLoop(model, data, plan, o, stream, control)
      return new FineTuneResult(model, data, plan, o, stream.events, outcome)
    } finally { o.signal?.removeEventListener('abort', stop) }
  })
}

function factsOf(model: Model, data: Dataset, plan: Plan) {
  const trained = new Set(plan.phases.flatMap(({ rates }) => rates.map(({ group }) => group)))
  const count = (all: boolean) => model.groups().filter(({ name }) => all || trained.has(name)).reduce((sum, { variables }) => sum + variables.reduce((part, { size }) => part + size, 0), 0)
  return {
    id: `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-${randomUUID().slice(0, 4)}`,
    model: model.source, data: data.name, classes: model.classes, rows: { train: data.train.size, validation: data.validation?.size ?? 0 },
    epochs: plan.epochs, stepsPerEpoch: plan.stepsPerEpoch, batchSize: plan.batchSize, learningRate: plan.learningRate,
    optimizer: plan.optimizer.name, schedule: plan.schedule.name, parameters: count(true), trainable: count(false), defaults: plan.defaults, metric: plan.metric,
  }
}

function notesOn(data: Dataset): string[] {
  const counts = data.train.counts, notes: string[] = []
  const missing = data.classes.filter((_, c) => counts[c] === 0)
  if (missing.length > 0) notes.push(`No training row has class ${missing.slice(0, 5).join(', ')}: the model cannot learn it.`)
  const present = counts.filter((n) => n > 0), most = Math.max(...present), least = Math.min(...present)
  if (data.task === 'classification' && present.length > 1 && most / least >= 5) notes.push(`Classes are unequal (${least} to ${most} rows): accuracy flatters the large ones. Consider classWeights: 'balanced' and metric: 'f1'.`)
  if (!data.validation) notes.push('There is no validation part: nothing tells learning from memorizing, and the last weights are kept. Use data.split().')
  return notes
}
