// What a recorded step is to its users: the types behind recordTrainStep and recordFunction. How it is done is step.ts and function.ts.
import type * as tf from '@tensorflow/tfjs'
import type { Workers } from './cluster/index.js'

export type TensorMap = Record<string, tf.Tensor>

/** Random numbers that depend on (seed, step, order of the draw) and on nothing else, so that a run can be repeated and resumed. */
export interface StepRandom {
  /** float32 in [min, max); default [0, 1). */
  uniform(shape: number[], min?: number, max?: number): tf.Tensor
  /** float32, normal; default mean 0, standard deviation 1. */
  normal(shape: number[], mean?: number, std?: number): tf.Tensor
  /** Sets a share `rate` of the elements to 0 and scales the others by 1 / (1 − rate). */
  dropout<T extends tf.Tensor>(x: T, rate: number): T
}

export interface StepContext { training: boolean; random: StepRandom }

/** How the gradients are made, best first. */
export type Rung = 'tensorflow' | 'tensorflow.js' | 'op by op'

/** Which optimizer, with PyTorch's defaults and meanings. */
export interface OptimizerSpec {
  name: 'sgd' | 'adam' | 'adamw' | 'adafactor'
  /** SGD; default 0. */
  momentum?: number
  /** SGD with momentum; default false. */
  nesterov?: boolean
  /** Adam; default 0.9. */
  beta1?: number
  /** Adam; default 0.999. */
  beta2?: number
  /** Adam; default 1e-8. */
  epsilon?: number
  /** adamw, adafactor: decoupled, w ← w − rate · weightDecay · w (default 0.01 and 0); sgd, adam: added to the gradient (default 0). */
  weightDecay?: number
}

export interface ParameterGroup {
  name: string
  variables: tf.Variable[]
  /** × learningRate; default 1. */
  rate?: number
  /** Overrides the optimizer's weight decay for this group. */
  weightDecay?: number
  /**
   * Updates only those rows of its variables that have a gradient in the step, as torch.optim.SparseAdam does: the others keep their values and
   * their slots, and are not decayed. Where the loss does nothing but look rows up (tf.gather), no gradient of the whole table is made either.
   * Default false: all rows move by their momentum and decay in every step, as in torch.optim.AdamW. Not for Adafactor.
   */
  sparse?: boolean
}

export interface RecordOptions {
  /** 'op by op' records nothing; 'tensorflow.js' starts on the second rung. Default: the best that works. */
  rung?: Rung
  /** Compile the step with XLA: slower to start, sometimes faster after. Default false. */
  xla?: boolean
  /** 'mixed' multiplies matrices and convolves in bfloat16 (on a GPU in float16) and keeps weights and sums in float32. Default 'float32'. */
  precision?: 'float32' | 'mixed'
  /** Seed of StepContext.random; default 0. */
  seed?: number
  /** Where the one sentence goes that says why a lower rung is used. Default: console.warn. */
  onNote?: (text: string) => void
}

export interface LossResult {
  loss: tf.Scalar
  outputs?: TensorMap
  /** More outputs: scalars. In a cluster they come back summed over all workers. */
  totals?: TensorMap
  /** The sum of the weights that the loss is a mean with; a cluster's workers and batches that are gathered count by it. Default 1: all alike. */
  weight?: tf.Scalar
}

export interface TrainStepOptions extends RecordOptions {
  /** Plain TensorFlow.js. The loss is a mean (or weighted mean) over the batch; outputs are handed back with it. */
  loss(inputs: TensorMap, context: StepContext): LossResult
  /** What is trained. */
  groups: ParameterGroup[]
  /** Variables that the loss assigns (batch-norm averages). */
  state?: tf.Variable[]
  optimizer?: OptimizerSpec
  /** Scales all gradients so that their global norm is at most this (torch.nn.utils.clip_grad_norm_). */
  clipNorm?: number
  /**
   * Keeps only a few tensors of the forward pass and computes the others again when their gradients are due (Chen et al. 2016): less memory, about
   * a third more time, the same gradients. For encoders, whose blocks pass one tensor on; where no such place is found it changes nothing
   * and says so. Only where TensorFlow makes the gradients, without XLA. Default false.
   */
  recompute?: boolean
  /** Applies the mean gradient of so many steps at the last of them, so that small batches learn like one large batch. Default 1. */
  accumulate?: number
  /** Keeps a running average of the variables and the state: average ← decay · average + (1 − decay) · new, with a decay of at most (1 + n) / (10 + n) at update n. */
  average?: number
  /**
   * The loss is multiplied by it before it is differentiated, and the gradients are divided by it. A step whose gradients overflow changes nothing
   * and halves it; 2,000 good steps double it. Default: 2¹⁵ with mixed precision on a GPU (float16), none elsewhere.
   */
  lossScale?: number
  /** The workers (engine.workers) that take the same steps together, each with its share of the rows: one step of all, with everybody's gradients. */
  workers?: Workers | undefined
}

export interface StepOptions {
  learningRate: number
  /** Learning rate of each group, absolute; overrides learningRate and the groups' rates. */
  rates?: number[]
  /** Counts from 1; with the seed it determines every random draw. */
  step: number
  /** Overrides `accumulate`: true only gathers this step's gradients, false applies them with those gathered before. */
  gather?: boolean
  /** Two numbers for all workers; StepResult.signals has their sums. Default zeros. */
  signals?: readonly [number, number]
  /**
   * runAsync: once aborted, no further step begins, and a step that waits (for another worker, for data) ends with EngineError code 1.
   * TensorFlow does not look at it between arithmetic ops: a step that computes runs to its end and counts.
   */
  signal?: AbortSignal
}

export interface StepResult {
  /** In a cluster: of all workers' rows. */
  loss: number
  /** Global norm of the gradients before clipping. */
  gradNorm: number
  /** Whether the weights changed: not when gradients were only gathered, or overflowed under a loss scale. */
  updated: boolean
  /** The signals of all workers, summed. */
  signals: readonly [number, number]
  /** The caller disposes them. */
  outputs: TensorMap
}

export interface TrainStep {
  run(inputs: TensorMap, options: StepOptions): StepResult
  /** The same off the event loop. One step at a time: a second call waits for the first. */
  runAsync(inputs: TensorMap, options: StepOptions): Promise<StepResult>
  readonly rung: Rung
  /** Why a rung was left, naming the op; undefined while the best is in use. */
  readonly rungReason: string | undefined
  /** How many of TensorFlow's operations the newest recording has, by type, before TensorFlow simplifies it; empty while nothing is recorded. */
  readonly operations: Readonly<Record<string, number>>
  /** Copies of the optimizer's state by variable name ('dense/kernel/m', 'dense/kernel/v', 'updates'); the caller disposes them. */
  slots(): Record<string, tf.Tensor>
  /** Copies of the running averages by variable name; the caller disposes them. Only with the option `average`. */
  averages(): Record<string, tf.Tensor>
  /** Sets what `slots` gave; names that this step does not have are ignored. */
  restoreSlots(slots: Record<string, tf.Tensor>): void
  dispose(): void
}

export interface FunctionOptions extends RecordOptions {
  /** Variables the function reads; they need not be named, and may change between calls. */
  variables?: tf.Variable[]
}

export interface CallOptions { step?: number; signal?: AbortSignal }

export interface RecordedFunction {
  /** The outputs are the caller's to dispose. */
  run(inputs: TensorMap, options?: CallOptions): TensorMap
  runAsync(inputs: TensorMap, options?: CallOptions): Promise<TensorMap>
  readonly rung: Rung
  readonly rungReason: string | undefined
  dispose(): void
}
