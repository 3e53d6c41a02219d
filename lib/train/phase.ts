// One phase, ready to run: the recorded step over what this phase trains, with each layer group's rate.
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep, type TensorMap, type TrainStep } from '../engine/index.js'
import type { Model } from '../models/index.js'
import type { Objective } from './objective.js'
import type { PhasePlan, Plan } from './plan.js'
import { labelsName, mixedName, shareName, weightsName, type Evaluator } from './predict.js'

export interface RecordedPhase {
  readonly plan: PhasePlan
  readonly step: TrainStep
  /** Highest rate of each of the step's groups. */
  readonly rates: readonly number[]
}

export interface OpenPhase extends RecordedPhase {
  readonly evaluator: Evaluator
  dispose(): void
}

export function openPhase(model: Model, objective: Objective, plan: Plan, phase: PhasePlan, from: 'whole' | 'head', onNote: (text: string) => void): Omit<OpenPhase, 'evaluator'> {
  const peaks = new Map(phase.rates.map(({ group, rate }) => [group, rate]))
  // Biases and norms are not decayed: they do not make a network more complex (He et al. 2019).
  const groups = model.groups().filter(({ name }) => peaks.has(name)).flatMap(({ name, variables }) => [
    { name, variables: variables.filter(({ rank }) => rank > 1), rate: peaks.get(name)! },
    { name: `${name}, not decayed`, variables: variables.filter(({ rank }) => rank <= 1), rate: peaks.get(name)!, weightDecay: 0 },
  ]).filter(({ variables }) => variables.length > 0)
  const step = recordTrainStep({
    loss(all: TensorMap, context) {
      const { [labelsName]: labels, [weightsName]: weights, [mixedName]: mixed, [shareName]: share, ...inputs } = all
      const logits = from === 'head' ? model.head(inputs['features']!, context) : model.forward(inputs, context)
      // What is reported leaves out smoothing and class weights, so that training and validation can be compared.
      const outputs = { logits, plain: objective.plainLoss(logits, labels!, weights!) }
      if (!mixed || !share) return { loss: objective.loss(logits, labels!, weights!), outputs }
      const own = tf.mul(weights!, share), other = tf.mul(weights!, tf.sub(1, share))
      const part = tf.div(tf.sum(own), tf.maximum(tf.sum(weights!), 1e-12))
      return { loss: tf.add(tf.mul(objective.loss(logits, labels!, own), part), tf.mul(objective.loss(logits, mixed, other), tf.sub(1, part))) as tf.Scalar, outputs }
    },
    groups: groups.map(({ rate: _, ...group }) => group),
    state: model.state,
    optimizer: plan.optimizer,
    ...(plan.clipNorm === undefined ? {} : { clipNorm: plan.clipNorm }),
    seed: plan.seed,
    precision: plan.precision,
    onNote,
  })
  return { plan: phase, step, rates: groups.map(({ rate }) => rate), dispose: () => { step.dispose() } }
}
