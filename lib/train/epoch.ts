// One epoch of steps. While the engine runs a step, the next batch is prepared and the previous step's figures are read.
import * as tf from '@tensorflow/tfjs'
import type { StepResult } from '../engine/index.js'
import type { Trouble } from './health.js'
import type { Objective } from './objective.js'
import type { RecordedPhase } from './phase.js'
import type { Plan } from './plan.js'
import { concat, ignored, labelsName, mixedName, shareName, weightsName } from './predict.js'
import type { Source, StepBatch } from './sources.js'
import type { EventStream } from './stream.js'

export interface EpochFigures { train: Record<string, number>; lastStep: number; learningRate: number; /** False when the run was stopped before the last step. */ whole: boolean }

export interface EpochTask {
  phase: RecordedPhase & { train: Source }
  objective: Objective
  plan: Plan
  epoch: number
  firstStep: number
  stream: EventStream
  /** Share of the highest rate at a step (counted over the whole run). */
  factor(step: number): number
  stopping(): boolean
  trouble(step: number, loss: number, gradNorm: number): Trouble | undefined
}

interface Running { batch: StepBatch; step: number; rate: number; began: number; result: Promise<StepResult> }

export async function runEpoch(task: EpochTask): Promise<EpochFigures | Trouble> {
  const { phase, plan, epoch, stream } = task
  const logits: Float32Array[] = [], labels: (Int32Array | Float32Array)[] = []
  let step = task.firstStep - 1, rows = 0, lossSum = 0, width = 1, learningRate = 0, whole = true
  let running: Running | undefined, trouble: Trouble | undefined

  /** Reads the figures of the step that is under way, once it is done. */
  const settle = async (): Promise<void> => {
    if (!running) return
    const { batch, step: at, rate, began, result } = running
    running = undefined
    try {
      const { loss: trained, gradNorm, outputs } = await result
      const loss = batch.mixed ? trained : outputs['plain']!.dataSync()[0]!
      const out = outputs['logits']!, values = out.dataSync() as Float32Array
      width = out.shape.at(-1)!
      if (!batch.mixed) {
        logits.push(values.slice(0, values.length / batch.labels.shape[0]! * batch.size))
        labels.push(ignored(batch.labels.dataSync() as Int32Array, batch.weights.dataSync() as Float32Array, batch.size))
      }
      tf.dispose(outputs)
      lossSum += loss * batch.size
      rows += batch.size
      stream.emit({ type: 'step', time: Date.now(), epoch, step: at, loss, learningRate: rate, gradNorm, examplesPerSecond: batch.size / Math.max(1e-6, (performance.now() - began) / 1000) })
      trouble = task.trouble(at, loss, gradNorm)
    } finally { batch.dispose() }
  }

  let began = performance.now()
  for await (const batch of phase.train.batches({ batchSize: plan.batchSize, shuffle: { seed: plan.seed, epoch }, ...(plan.augment && !phase.plan.cached ? { augment: { seed: plan.seed, ...plan.augment } } : {}) })) {
    await settle()
    if (trouble || task.stopping()) { batch.dispose(); whole = false; break }
    step++
    const factor = task.factor(step)
    learningRate = factor * Math.max(...phase.rates)
    const inputs = { ...batch.inputs, [labelsName]: batch.labels, [weightsName]: batch.weights, ...(batch.mixed ? { [mixedName]: batch.mixed.labels, [shareName]: batch.mixed.share } : {}) }
    running = { batch, step, rate: learningRate, began, result: phase.step.runAsync(inputs, { learningRate, rates: phase.rates.map((rate) => rate * factor), step }) }
    running.result.catch(() => {}) // settle() hears of it
    began = performance.now()
  }
  await settle()
  if (trouble) return trouble
  const seen = labels.length > 0 ? task.objective.figures({ logits: concat(logits), labels: concat(labels), width }) : {}
  return { train: { loss: lossSum / rows, ...seen }, lastStep: step, learningRate, whole }
}
