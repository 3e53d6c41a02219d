// One epoch of steps. While the engine runs a step, the next batch is prepared; then the step's figures are read.
import * as tf from '@tensorflow/tfjs'
import type { StepResult } from '../engine/index.js'
import type { Trouble } from './health.js'
import type { Objective } from './objective.js'
import type { RecordedPhase } from './phase.js'
import type { Plan } from './plan.js'
import { concat } from './concat.js'
import { ignored, labelsName, mixedName, plainCount, plainSum, shareName, weightsName } from './predict.js'
import type { Source, StepBatch } from './sources.js'
import type { EventStream } from './stream.js'
import { takeStep, type Parts } from './take-step.js'
import type { Team } from './team.js'

/** The figures of an epoch that is not finished yet. */
export interface EpochSoFar { steps: number; rows: number; lossSum: number; logits: Float32Array[]; labels: (Int32Array | Float32Array)[]; width: number }

export const freshEpoch = (): EpochSoFar => ({ steps: 0, rows: 0, lossSum: 0, logits: [], labels: [], width: 1 })

export interface EpochTask {
  phase: RecordedPhase & { train: Source }
  plan: Plan
  epoch: number
  /** Goes on from here; what is done is added. */
  soFar: EpochSoFar
  /** Steps of the run before this epoch. */
  stepsBefore: number
  stream: EventStream
  /** Share of the highest rate at a step (counted over the whole run, from 1). */
  factor(step: number): number
  team: Team
  trouble(step: number, loss: number, gradNorm: number, updated: boolean): Trouble | undefined
  /** In how many parts a step takes its rows, and who is told when memory made them smaller. */
  parts: Parts
  onHalved(rows: number): void
  /** Called after a step when no other is under way. */
  afterStep(step: number): Promise<void>
}

export interface EpochEnd { learningRate: number; /** False when the run was stopped before the last step. */ whole: boolean; trouble?: Trouble }

interface Running { batch: StepBatch; step: number; rate: number; began: number; result: Promise<StepResult> }

export async function runEpoch(task: EpochTask): Promise<EpochEnd> {
  const { phase, plan, epoch, soFar, stream } = task
  let running: Running | undefined, trouble: Trouble | undefined, learningRate = 0, skip = soFar.steps

  /** Reads the figures of the step that is under way, once it is done. */
  const settle = async (): Promise<void> => {
    if (!running) return
    const { batch, step, rate, began, result } = running
    running = undefined
    try {
      const { loss: trained, gradNorm, updated, signals, outputs } = await result
      task.team.hear(signals)
      const loss = batch.mixed ? trained : plainLoss(outputs)
      note(soFar, batch, outputs['logits']!, loss)
      tf.dispose(outputs)
      stream.emit({ type: 'step', time: Date.now(), epoch, step, loss, learningRate: rate, gradNorm, examplesPerSecond: batch.all / Math.max(1e-6, (performance.now() - began) / 1000) })
      trouble = task.trouble(step, loss, gradNorm, updated)
      if (!trouble) await task.afterStep(step)
    } finally { batch.dispose() }
  }

  let began = performance.now()
  for await (const batch of phase.train.batches({ batchSize: plan.batchSize, shuffle: { seed: plan.seed, epoch }, ...(plan.augment && !phase.plan.cached ? { augment: { seed: plan.seed, ...plan.augment, ...(phase.plan.pairs ? { mixup: 0 } : {}) } } : {}) })) {
    if (skip > 0) { skip--; batch.dispose(); continue }
    await settle()
    if (trouble || task.team.stopping) { batch.dispose(); return { learningRate, whole: false, ...(trouble ? { trouble } : {}) } }
    const step = task.stepsBefore + soFar.steps + 1
    const factor = task.factor(step)
    learningRate = factor * Math.max(...phase.rates)
    const inputs = { ...batch.inputs, [labelsName]: batch.labels, [weightsName]: batch.weights, ...(batch.mixed ? { [mixedName]: batch.mixed.labels, [shareName]: batch.mixed.share } : {}) }
    running = { batch, step, rate: learningRate, began, result: takeStep(phase.step, inputs, { learningRate, rates: phase.rates.map((rate) => rate * factor), step, signals: task.team.signals }, task.parts, task.onHalved) }
    running.result.catch(() => {}) // settle() hears of it
    began = performance.now()
  }
  await settle()
  return { learningRate, whole: true, ...(trouble ? { trouble } : {}) }
}

function plainLoss(outputs: StepResult['outputs']): number {
  const read = (name: string) => outputs[name]!.dataSync()[0]!
  return outputs[plainSum] ? read(plainSum) / read(plainCount) : read('plain')
}

function note(soFar: EpochSoFar, batch: StepBatch, out: tf.Tensor, loss: number): void {
  soFar.steps++
  soFar.rows += batch.all
  soFar.lossSum += loss * batch.all
  if (batch.mixed) return // half of one row and half of another has no right answer
  const values = out.dataSync() as Float32Array
  soFar.width = out.shape.at(-1)!
  soFar.logits.push(values.slice(0, values.length / batch.labels.shape[0]! * batch.size))
  soFar.labels.push(ignored(batch.labels.dataSync() as Int32Array, batch.weights.dataSync() as Float32Array, batch.size))
}

/** Training figures of an epoch: the mean loss, and the metrics of the predictions made along the way. */
export function trainFigures({ lossSum, rows, logits, labels, width }: EpochSoFar, objective: Objective): Record<string, number> {
  return { loss: lossSum / rows, ...(labels.length > 0 ? objective.figures({ logits: concat(logits), labels: concat(labels), width }) : {}) }
}
