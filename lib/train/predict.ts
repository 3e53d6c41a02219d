// Running a model over rows without changing it: predictions and the plain loss. What they are worth is said by metrics and objective.ts.
import * as tf from '@tensorflow/tfjs'
import { recordFunction, type RecordedFunction, type TensorMap } from '../engine/index.js'
import type { Model } from '../models/index.js'
import type { Objective, Predictions } from './objective.js'
import type { Source } from './sources.js'

/** 'labels' and 'weights' travel beside the model's own inputs under names that no model uses. */
export const labelsName = 'target/labels', weightsName = 'target/weights', mixedName = 'target/mixed', shareName = 'target/share'

export interface Evaluator {
  /** `loss` is the mean over real rows. Undefined when `aborted` says so in between. */
  run(source: Source, batchSize: number, aborted?: () => boolean): Promise<(Predictions & { loss: number }) | undefined>
  dispose(): void
}

/** Records the forward pass (or, for `'head'`, the head alone on features) once and uses it for every batch. */
export function makeEvaluator(model: Model, objective: Pick<Objective, 'plainLoss'>, part: 'whole' | 'head' = 'whole'): Evaluator {
  const recorded: RecordedFunction = recordFunction((all) => {
    const { [labelsName]: labels, [weightsName]: weights, ...inputs } = all
    const logits = part === 'head' ? model.head(inputs['features']!, { training: false }) : model.forward(inputs, { training: false })
    return { logits, loss: objective.plainLoss(logits, labels!, weights!), weight: tf.sum(weights!) }
  }, { variables: Object.values(model.weights()) })
  return {
    async run(source, batchSize, aborted = () => false) {
      const logits: Float32Array[] = [], labels: (Int32Array | Float32Array)[] = []
      let loss = 0, weight = 0, width = 1
      for await (const batch of source.batches({ batchSize })) {
        const out: TensorMap = await recorded.runAsync({ ...batch.inputs, [labelsName]: batch.labels, [weightsName]: batch.weights })
        const rows = batch.size / batch.labels.shape[0]!
        width = out['logits']!.shape.at(-1)!
        const values = out['logits']!.dataSync() as Float32Array, truth = batch.labels.dataSync() as Int32Array | Float32Array
        logits.push(values.slice(0, Math.round(values.length * rows)))
        labels.push(ignored(truth, batch.weights.dataSync() as Float32Array, batch.size))
        const w = out['weight']!.dataSync()[0]!
        loss += out['loss']!.dataSync()[0]! * w
        weight += w
        tf.dispose(out)
        batch.dispose()
        if (aborted()) return undefined
      }
      return { logits: concat(logits), labels: concat(labels), width, loss: weight === 0 ? NaN : loss / weight }
    },
    dispose: () => { recorded.dispose() },
  }
}

/** Labels of the real rows; −1 (unknown) where the row's file broke. */
export function ignored(labels: Int32Array | Float32Array, weights: Float32Array, size: number): Int32Array | Float32Array {
  const width = labels.length / weights.length, real = labels.slice(0, size * width)
  for (let row = 0; row < size; row++) if (weights[row] === 0) real.fill(-1, row * width, (row + 1) * width)
  return real
}

/** One array of all parts, of the first one's type. */
export function concat<T extends Float32Array | Int32Array>(parts: readonly T[]): T {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const whole = (parts[0] instanceof Int32Array ? new Int32Array(length) : new Float32Array(length)) as T
  let at = 0
  for (const part of parts) { whole.set(part, at); at += part.length }
  return whole
}
