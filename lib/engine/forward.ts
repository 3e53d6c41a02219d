// One pass through the user's own function by TensorFlow.js, with its gradients if wanted: the reference that recordings are held against.
import * as tf from '@tensorflow/tfjs'
import type { Backend } from './backend.js'
import type { Workers } from './cluster/index.js'
import { EngineError } from './errors.js'
import { stepRandom, withRandom } from './random.js'
import type { StepContext, TensorMap, TrainStepOptions } from './types.js'

export interface Pass {
  loss: tf.Tensor
  outputs: TensorMap
  /** Which outputs are to be summed over all workers. */
  totals: readonly string[]
  /** What the rows weigh; undefined for 1. */
  weight: tf.Tensor | undefined
  /** Values that the loss assigned to the state variables, by number; they stay alive until `release`. */
  state: number[]
  /** By variable; undefined where the loss does not depend on it. Empty when no gradients were asked for. */
  gradients: (tf.Tensor | undefined)[]
  /** Whether an op has a gradient that its kernel does not say (tf.customGrad); known only without gradients. */
  custom: boolean
  release(): void
}

export type Loss = TrainStepOptions['loss']

/** An entry of TensorFlow.js' own gradient tape. Where it is no kernel, `kernelName` is the op that was being run. */
interface TapeNode { kernelName: string; inputs: Record<string, tf.Tensor>; gradient?: unknown; saved?: tf.Tensor[] }

/** Ops of TensorFlow.js that use tf.customGrad for speed, with the true gradient. */
const honest = new Set(['logSoftmax__op', 'logSigmoid__op', 'softmaxCrossEntropy__op', 'fusedMatMul__op', 'fusedConv2d__op', 'fusedDepthwiseConv2d__op'])

/** Whether the user gave this gradient: tf.customGrad numbers its inputs, where kernels and clones name them. */
function isCustom({ kernelName, gradient, inputs }: TapeNode): boolean {
  return Boolean(gradient) && '0' in inputs && !tf.getGradient(kernelName) && !honest.has(kernelName)
}

/** Runs f as if its gradients were wanted (so that TensorFlow.js picks the same kernels), without making them. */
function underTape<T>(f: () => T): { value: T; custom: boolean } {
  const engine = tf.engine() as unknown as { scopedRun<R>(start: () => void, end: () => void, f: () => R): R; startTape(): void; endTape(): void; state: { activeTape: TapeNode[] | null; gradientDepth: number } }
  try {
    const value = engine.scopedRun(() => engine.startTape(), () => engine.endTape(), f)
    return { value, custom: (engine.state.activeTape ?? []).some(isCustom) }
  } finally {
    if (engine.state.gradientDepth === 0) {
      for (const { saved } of engine.state.activeTape ?? []) tf.dispose(saved ?? [])
      engine.state.activeTape = null
    }
  }
}

/**
 * Calls the loss. The state variables come out as they went in; what the loss assigned to them is in the result.
 * @param key int32 [seed, step]
 * @param between called after the forward pass and before the gradients
 */
export function pass(backend: Backend, loss: Loss, inputs: TensorMap, key: tf.Tensor, state: readonly tf.Variable[], variables: readonly tf.Variable[] | undefined, workers: Workers | undefined, between: () => void = () => {}): Pass {
  const before = state.map((variable) => variable.clone())
  let outputs: TensorMap = {}, totals: string[] = [], weight: tf.Tensor | undefined
  const context: StepContext = { training: true, random: stepRandom(backend, key, workers && { rank: workers.rank, size: workers.size, rows: Object.values(inputs)[0]?.shape[0] ?? 0 }) }
  const forward = (): tf.Scalar => {
    const result = withRandom(context.random, () => loss(inputs, context))
    checkLoss(result?.loss)
    outputs = Object.fromEntries(Object.entries({ ...result.outputs, ...result.totals }).map(([name, tensor]) => [name, tf.keep(tensor.clone())]))
    totals = Object.keys(result.totals ?? {})
    weight = result.weight && tf.keep(result.weight.clone())
    const value = tf.keep(result.loss.clone())
    between()
    return value
  }
  try {
    const made: { value: tf.Tensor; grads: (tf.Tensor | null)[]; custom?: boolean } = variables ? withoutBlame(() => tf.engine().gradients(forward, [...variables], undefined, true)) : { ...underTape(() => tf.tidy(forward)), grads: [] }
    const assigned = state.map((variable) => variable.clone())
    const ids = backend.getInputTensorIds(assigned)
    const release = () => {
      tf.dispose([made.value, ...made.grads.filter((one) => one !== null && one !== undefined), ...assigned, ...(weight ? [weight] : [])])
      tf.dispose(outputs)
    }
    return { loss: made.value, outputs, totals, weight, state: ids, gradients: made.grads.map((gradient) => gradient ?? undefined), custom: made.custom ?? false, release }
  } catch (error) {
    tf.dispose(outputs)
    weight?.dispose()
    throw error
  } finally {
    state.forEach((variable, i) => {
      if (variable.dataId !== before[i]!.dataId) variable.assign(before[i]! as tf.Tensor<tf.Rank>)
      before[i]!.dispose()
    })
  }
}

function checkLoss(loss: unknown): void {
  if (!(loss instanceof tf.Tensor)) throw new EngineError('Cannot train: the loss function must return { loss, outputs? } with a tensor as its loss. Return for example { loss: tf.mean(errors) }.')
  if (loss.size !== 1) throw new EngineError(`Cannot train: the loss must be one number: got a tensor of shape [${loss.shape}]. Take its mean over the batch.`)
  if (loss.dtype !== 'float32') throw new EngineError(`Cannot train: the loss must be float32: got ${loss.dtype}.`)
}

/** TensorFlow.js names a kernel without a gradient in a sentence of its own; here it becomes ours. */
function withoutBlame<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    const op = /gradient function not found for (\S+?)\.?$/i.exec((error as Error).message)?.[1]
    if (!op) throw error
    throw new EngineError(`Cannot train: ${op} has no gradient. Stop the gradient before it, or use another op.`, { op, cause: error })
  }
}
