// What a recorded step is to its users: the types behind recordTrainStep and recordFunction. How it is done is step.ts and function.ts.
import type * as tf from '@tensorflow/tfjs'

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
  name: 'sgd' | 'adam' | 'adamw'
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
  /** adamw: decoupled, w ← w − rate · weightDecay · w (default 0.01); sgd, adam: added to the gradient (default 0). */
  weightDecay?: number
}

export interface ParameterGroup {
  name: string
  variables: tf.Variable[]
  /** × learningRate; default 1. */
  rate?: number
  /** Overrides the optimizer's weight decay for this group. */
  weightDecay?: number
}

export interface RecordOptions {
  /** 'op by op' records nothing; 'tensorflow.js' starts on the second rung. Default: the best that works. */
  rung?: Rung
  /** Compile the step with XLA: slower to start, sometimes faster after. Default false. */
  xla?: boolean
  /** 'mixed' multiplies matrices and convolves in bfloat16 and keeps weights and sums in float32. Default 'float32'. */
  precision?: 'float32' | 'mixed'
  /** Seed of StepContext.random; default 0. */
  seed?: number
  /** Where the one sentence goes that says why a lower rung is used. Default: console.warn. */
  onNote?: (text: string) => void
}

export interface TrainStepOptions extends RecordOptions {
  /** Plain TensorFlow.js. The loss is a mean (or weighted mean) over the batch; outputs are handed back with it. */
  loss(inputs: TensorMap, context: StepContext): { loss: tf.Scalar; outputs?: TensorMap }
  /** What is trained. */
  groups: ParameterGroup[]
  /** Variables that the loss assigns (batch-norm averages). */
  state?: tf.Variable[]
  optimizer?: OptimizerSpec
  /** Scales all gradients so that their global norm is at most this (torch.nn.utils.clip_grad_norm_). */
  clipNorm?: number
}

export interface StepOptions {
  learningRate: number
  /** Learning rate of each group, absolute; overrides learningRate and the groups' rates. */
  rates?: number[]
  /** Counts from 1; with the seed it determines every random draw. */
  step: number
  /**
   * runAsync: once aborted, no further step begins, and a step that waits (for another worker, for data) ends with EngineError code 1.
   * TensorFlow does not look at it between arithmetic ops: a step that computes runs to its end and counts.
   */
  signal?: AbortSignal
}

export interface StepResult {
  loss: number
  /** Global norm of the gradients before clipping. */
  gradNorm: number
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
  /** Copies of the optimizer's state by variable name ('dense/kernel/m', 'dense/kernel/v', 'updates'); the caller disposes them. */
  slots(): Record<string, tf.Tensor>
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
