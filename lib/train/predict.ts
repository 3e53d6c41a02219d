// Running a model over rows without changing it: predictions and the plain loss. What they are worth is said by metrics and objective.ts.
import * as tf from '@tensorflow/tfjs'
import { recordFunction, type RecordedFunction, type TensorMap } from '../engine/index.js'
import type { ForwardContext, Model } from '../models/index.js'
import { concat } from './concat.js'
import type { Objective, Predictions, Texts } from './objective.js'
import type { Source } from './sources.js'
import { readTexts } from './texts.js'

/** 'labels' and 'weights' travel beside the model's own inputs under names that no model uses. */
export const labelsName = 'target/labels', weightsName = 'target/weights', mixedName = 'target/mixed', shareName = 'target/share'
/** A cluster's plain loss comes as a sum and what it is to be divided by. */
export const plainSum = 'plain/sum', plainCount = 'plain/count'

export interface Evaluator {
  /** `loss` is the mean over real rows, `weight` what they weigh. Undefined when `aborted` says so in between. */
  run(source: Source, batchSize: number, aborted?: () => boolean): Promise<(Predictions & { loss: number; weight: number }) | undefined>
  dispose(): void
}

/** What runs: the whole model, its head alone on features, or all below the head. */
export type Part = 'whole' | 'head' | 'features'

export function outputOf(model: Model, part: Part, inputs: TensorMap, o: ForwardContext): tf.Tensor {
  return part === 'head' ? model.head(inputs['features']!, o) : part === 'features' ? model.features(inputs, o) : model.forward(inputs, o)
}

/** Records the pass of a part once and uses it for every batch. */
export function makeEvaluator(model: Model, objective: Pick<Objective, 'plainLoss' | 'counted' | 'kept' | 'texts'>, part: Part = 'whole'): Evaluator {
  const recorded: RecordedFunction = recordFunction((all) => {
    const { [labelsName]: labels, [weightsName]: weights, ...inputs } = all
    const logits = outputOf(model, part, inputs, { training: false })
    return { logits: objective.kept(logits), loss: objective.plainLoss(logits, labels!, weights!), weight: objective.counted(labels!, weights!) }
  }, { variables: Object.values(model.weights()) })
  return {
    async run(source, batchSize, aborted = () => false) {
      const logits: Float32Array[] = [], labels: (Int32Array | Float32Array)[] = [], rows: number[] = [] // one entry a row
      const texts: Texts = { written: [], truth: [] }
      let loss = 0, weight = 0, width = 1
      for await (const batch of source.batches({ batchSize, byLength: true })) {
        const out: TensorMap = await recorded.runAsync({ ...batch.inputs, [labelsName]: batch.labels, [weightsName]: batch.weights })
        const real = batch.size / batch.labels.shape[0]!
        width = out['logits']!.shape.at(-1)!
        const values = out['logits']!.dataSync() as Float32Array, truth = batch.labels.dataSync() as Int32Array | Float32Array
        logits.push(...each(values.slice(0, Math.round(values.length * real)), batch.size))
        labels.push(...each(ignored(truth, batch.weights.dataSync() as Float32Array, batch.size), batch.size))
        for (let at = 0; at < batch.size; at++) rows.push(batch.rows?.[at] ?? rows.length)
        if (objective.texts !== 'none') {
          const { written, truth: meant } = await readTexts(model, batch, objective.texts === 'written' ? undefined : out['logits']!)
          texts.written.push(...written)
          texts.truth.push(...meant)
        }
        const w = out['weight']!.dataSync()[0]!
        loss += out['loss']!.dataSync()[0]! * w
        weight += w
        tf.dispose(out)
        batch.dispose()
        if (aborted()) return undefined
      }
      const order = rows.map((_, at) => at).sort((a, b) => rows[a]! - rows[b]!), inOrder = <T>(values: readonly T[]) => order.map((at) => values[at]!)
      return { logits: concat(inOrder(logits)), labels: concat(inOrder(labels)), width, lengths: inOrder(labels).map(({ length }) => length), loss: weight === 0 ? NaN : loss / weight, weight, ...(objective.texts === 'none' ? {} : { texts: { written: inOrder(texts.written), truth: inOrder(texts.truth) } }) }
    },
    dispose: () => { recorded.dispose() },
  }
}

/** The values of each of so many rows. */
function each<T extends Float32Array | Int32Array>(values: T, rows: number): T[] {
  const width = values.length / rows
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width) as T)
}

/** Labels of the real rows; unknown (−1, or NaN for numbers) where the row's file broke or its ids are not the model's. */
export function ignored(labels: Int32Array | Float32Array, weights: Float32Array, size: number): Int32Array | Float32Array {
  const width = labels.length / weights.length, real = labels.slice(0, size * width)
  for (let row = 0; row < size; row++) if (weights[row] === 0) real.fill(real instanceof Float32Array ? NaN : -1, row * width, (row + 1) * width)
  return real
}
