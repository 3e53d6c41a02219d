// One step of the loop, its rows all at once or in several parts whose gradients make one update: what fits in memory.
import * as tf from '@tensorflow/tfjs'
import { EngineError, type StepOptions, type StepResult, type TensorMap, type TrainStep } from '../engine/index.js'
import { TrainError } from './errors.js'

/** TensorFlow's status code of a device or machine without memory left. */
const resourceExhausted = 8

export const isOutOfMemory = (error: unknown): boolean => error instanceof EngineError && error.code === resourceExhausted

/** In how many parts a step takes its rows. Grows where memory runs out, and stays grown. */
export class Parts {
  constructor(public count: number) {}

  /** Rows `[from, to)` of each part of `rows`; all parts but the last are alike, so that few shapes are recorded. */
  of(rows: number): [from: number, to: number][] {
    const size = Math.ceil(rows / Math.min(this.count, rows))
    return Array.from({ length: Math.ceil(rows / size) }, (_, i) => [i * size, Math.min(rows, (i + 1) * size)])
  }
}

/**
 * Takes a step on `inputs`, whose first axis is rows. Out of memory, the parts are halved until they fit: the weights have not changed by then,
 * and the result is the whole step's.
 *
 * @param onHalved is told the rows of a part, when fewer than before fit
 * @throws TrainError when one row is too much
 */
export async function takeStep(step: TrainStep, inputs: TensorMap, options: StepOptions, parts: Parts, onHalved: (rows: number) => void): Promise<StepResult> {
  const rows = Object.values(inputs)[0]!.shape[0]!
  for (;;) {
    try { return await inParts(step, inputs, options, parts.of(rows)) } catch (error) {
      if (!isOutOfMemory(error)) throw error
      const size = parts.of(rows)[0]![1]
      if (size <= 1) throw new TrainError(`Cannot train: the memory is not enough for a step of one row. Use smaller inputs, a smaller model, or freeze: 'backbone'.`, { cause: error })
      parts.count = Math.ceil(rows / Math.ceil(size / 2))
      onHalved(Math.ceil(size / 2))
    }
  }
}

async function inParts(step: TrainStep, inputs: TensorMap, options: StepOptions, parts: readonly [number, number][]): Promise<StepResult> {
  if (parts.length === 1) return step.runAsync(inputs, options)
  const results: StepResult[] = []
  try {
    for (const [i, [from, to]] of parts.entries()) {
      const part = tf.tidy(() => Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tf.slice(tensor, from, to - from)])))
      try { results.push(await step.runAsync(part, { ...options, gather: i < parts.length - 1 })) } finally { tf.dispose(part) }
    }
    const rows = parts.at(-1)![1], share = (i: number) => (parts[i]![1] - parts[i]![0]) / rows
    const mean = (value: (result: StepResult) => number) => results.reduce((sum, result, i) => sum + value(result) * share(i), 0)
    const outputs = tf.tidy(() => Object.fromEntries(Object.keys(results[0]!.outputs).map((name) => {
      const values = results.map(({ outputs: each }) => each[name]!)
      return [name, values[0]!.rank === 0 ? tf.scalar(mean(({ outputs: each }) => each[name]!.dataSync()[0]!)) : tf.concat(values, 0)]
    })))
    return { ...results.at(-1)!, loss: mean(({ loss }) => loss), outputs }
  } finally { for (const { outputs } of results) tf.dispose(outputs) }
}
