// One phase, ready to run: the recorded step over what this phase trains, with each layer group's rate.
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep, type TensorMap, type TrainStep, type Workers } from '../engine/index.js'
import type { Model } from '../models/index.js'
import type { Objective } from './objective.js'
import type { PhasePlan, Plan } from './plan.js'
import { labelsName, mixedName, outputOf, plainCount, plainSum, shareName, weightsName, type Evaluator, type Part } from './predict.js'

export interface RecordedPhase {
  readonly plan: PhasePlan
  readonly step: TrainStep
  /** Highest rate of each of the step's groups. */
  readonly rates: readonly number[]
}

export interface OpenPhase extends RecordedPhase {
  readonly evaluator: Evaluator
  /** Whether the step keeps a running average of the weights. */
  readonly averaged: boolean
  dispose(): void
}

export function openPhase(model: Model, objective: Objective, plan: Plan, phase: PhasePlan, from: Part, onNote: (text: string) => void, workers?: Workers): Omit<OpenPhase, 'evaluator'> {
  const peaks = new Map(phase.rates.map(({ group, rate }) => [group, rate]))
  // Biases and norms are not decayed: they do not make a network more complex (He et al. 2019).
  const groups = model.groups().filter(({ name }) => peaks.has(name)).flatMap(({ name, variables }) => [
    { name, variables: variables.filter(({ rank }) => rank > 1), rate: peaks.get(name)! },
    { name: `${name}, not decayed`, variables: variables.filter(({ rank }) => rank <= 1), rate: peaks.get(name)!, weightDecay: 0 },
  ]).filter(({ variables }) => variables.length > 0)
  const averaged = plan.ema > 0 && !phase.fit
  const step = recordTrainStep({
    loss(all: TensorMap, context) {
      const { [labelsName]: labels, [weightsName]: weights, [mixedName]: mixed, [shareName]: share, ...inputs } = all
      const logits = outputOf(model, from, inputs, context)
      // What is reported leaves out smoothing and class weights, so that training and validation can be compared.
      const outputs = { logits: objective.kept(logits), plain: objective.plainLoss(logits, labels!, weights!) }
      const plainWeight = workers && objective.counted(labels!, weights!)
      const together = plainWeight ? { weight: objective.weight(labels!, weights!), totals: { [plainSum]: tf.mul(outputs.plain, plainWeight), [plainCount]: plainWeight } } : {}
      if (!mixed || !share) return { loss: objective.loss(logits, labels!, weights!), outputs, ...together }
      const own = tf.mul(weights!, share), other = tf.mul(weights!, tf.sub(1, share))
      const part = tf.div(tf.sum(own), tf.maximum(tf.sum(weights!), 1e-12))
      return { loss: tf.add(tf.mul(objective.loss(logits, labels!, own), part), tf.mul(objective.loss(logits, mixed, other), tf.sub(1, part))) as tf.Scalar, outputs, ...together, ...(workers ? { weight: tf.sum(weights!) as tf.Scalar } : {}) }
    },
    groups: groups.map(({ rate: _, ...group }) => group),
    state: model.state,
    optimizer: plan.optimizer,
    ...(plan.clipNorm === undefined ? {} : { clipNorm: plan.clipNorm }),
    ...(averaged ? { average: plan.ema } : {}),
    seed: plan.seed,
    precision: plan.precision,
    recompute: plan.recompute,
    xla: plan.xla,
    onNote,
    workers,
  })
  return { plan: phase, step, averaged, rates: groups.map(({ rate }) => rate), dispose: () => { step.dispose() } }
}
