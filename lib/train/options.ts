// What one can ask of a training run. Types and names only; what is left out is decided in plan.ts, what makes no sense is refused in check.ts.
import type * as tf from '@tensorflow/tfjs'
import type { AugmentOptions } from '../data/index.js'
import type { OptimizerSpec } from '../engine/index.js'
import type { Freeze } from '../models/index.js'
import type { Callbacks } from './callbacks.js'
import type { ScheduleSpec } from './schedules/index.js'

/** Your own loss: plain TensorFlow.js, the weighted mean over rows. `weights` is 0 for padding. */
export type LossFunction = (logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) => tf.Scalar

/** Your own metric of an epoch: `predicted` holds class numbers (numbers, for regression). */
export type MetricFunction = (truth: readonly number[], predicted: readonly number[]) => number

export type LossName = 'cross-entropy' | 'focal' | 'binary cross-entropy' | 'squared error' | 'huber' | 'ctc' | 'ranking' | 'contrastive'

export interface CheckpointOptions {
  /** Where checkpoints are written. */
  folder: string
  /** Every so many steps as well as after each epoch. Default: after each epoch only. */
  everySteps?: number
  /** How many are kept; the best epoch's stays. Default 2. */
  keep?: number
}

export interface TrainOptions {
  /** Epochs of the whole network (or of what `freeze` leaves). Default 5; from scratch 15. */
  epochs?: number
  /** Epochs of a new head alone before that. Default 1, 0 from scratch or when the model was trained before. */
  frozenEpochs?: number
  /**
   * In its frozen epoch a linear head is fitted on the features in one go (logistic regression, its regularization chosen by validation),
   * instead of step by step. Default true where that is possible: classes, cross-entropy, features that fit in memory.
   */
  fitHead?: boolean
  /**
   * Epochs, before all others, in which the network below the head learns from pairs of rows: those of one class become alike, those of different
   * classes unlike (SetFit's first stage). For few labels; a head on the features follows, and `epochs` is then 0 by default. Default 0.
   */
  pairEpochs?: number
  /** Rows a step. Default: 16, fewer with little data, more with a lot. */
  batchSize?: number
  /**
   * Take the rows of a step in so many parts, one after the other, and make one update of their gradients: needs less memory, learns the same.
   * Default 1; more where memory runs out.
   */
  accumulate?: number
  /**
   * Highest rate of the head; one number per layer group, from the input end; or 'find', which runs the learning-rate finder first.
   * Default 1e-3 for convolutional networks (3e-4 when trained before, 3e-3 from scratch), 1e-4 for pre-trained transformers, 3e-3 for a head alone.
   */
  learningRate?: number | readonly number[] | 'find'
  /** Highest rate while only the head is trained. */
  frozenLearningRate?: number
  /** The first layer group learns at learningRate / layerSpread, those between in geometric steps (fastai's discriminative rates). Default 10; from scratch 1. */
  layerSpread?: number
  /** Default 'one-cycle', once in each phase. */
  schedule?: ScheduleSpec
  /** Default 'adamw'. */
  optimizer?: OptimizerSpec['name'] | OptimizerSpec
  /** Default 0.01 for adamw, 0 otherwise; biases and norms are never decayed. */
  weightDecay?: number
  /** Longest gradient (global norm). Default 1; `false` for none. */
  clipNorm?: number | false
  /** Validate and keep a running average of the weights: this share of it stays with each step. Default for pre-trained networks on pictures 0.95, or the last step's weights in epochs where these do better; else `false`: none. */
  ema?: number | false
  /** Share of the target that is spread over all classes. Default 0.1 for pictures, else 0. */
  labelSmoothing?: number
  /** 'balanced': rows count inversely to their class's frequency. Default none. */
  classWeights?: 'balanced' | readonly number[]
  /** How much a training row counts, by its record; 0 leaves it out. Default 1 for every row. */
  rowWeights?: (row: any) => number
  /** Default: what fits the task. */
  loss?: LossName | LossFunction
  /** Decides which epoch is best. Default 'accuracy' for classes, 'rmse' for numbers, 'wer' for speech, else 'loss'. 'bleu' and 'chrf' have the model write after each epoch. */
  metric?: 'accuracy' | 'f1' | 'auc' | 'loss' | 'rmse' | 'mae' | 'bleu' | 'chrf' | 'wer' | 'cer' | string
  /** More figures for each epoch. */
  metrics?: Record<string, MetricFunction>
  /** Random changes of training examples; `false` for none. Default for pictures: small shifts, turns and zooms, brightness. */
  augment?: AugmentOptions | false
  /** What is never trained: 'backbone' trains the head only; names of layer groups (* for anything), a pattern of names, or how many groups from the input end. Default 'none'. */
  freeze?: Freeze
  /** Batch-norm statistics. Default 'frozen' for pre-trained models. */
  batchNorm?: 'frozen' | 'updating'
  /** Stop after so many epochs without a better metric. Default: half of the epochs, at least 3; `false` never. */
  patience?: number | false
  /** At the end, go back to the weights of the best epoch. Default true where there is validation data. */
  restoreBest?: boolean
  /** Order of rows, augmentation, dropout. Default 0. */
  seed?: number
  /** 'mixed' multiplies in bfloat16, on a GPU in float16. Default 'float32'. */
  precision?: 'float32' | 'mixed'
  /** Keep only a few tensors of the forward pass and compute the others again for the gradients: long texts and large batches fit into less memory, and a step takes about a third longer. Default false. */
  recompute?: boolean
  /**
   * Compiles the step with XLA. On a GPU a step then takes a third of the time or less, but the first one of every shape of batch takes 6 to 40 s more:
   * worth it for long runs on inputs of one size (pictures, padded text). On a CPU it did not pay. Not together with `recompute`. Default false.
   */
  xla?: boolean
  callbacks?: Callbacks | readonly Callbacks[]
  checkpoints?: string | CheckpointOptions
  /** A checkpoint (its folder) to go on from: the run ends in the same weights as one that was never interrupted. */
  resume?: string
  /** Aborting stops the run after its step. */
  signal?: AbortSignal
}

export const optionNames = ['epochs', 'frozenEpochs', 'pairEpochs', 'fitHead', 'batchSize', 'accumulate', 'learningRate', 'frozenLearningRate', 'layerSpread', 'schedule', 'optimizer', 'weightDecay', 'clipNorm', 'ema', 'labelSmoothing', 'classWeights', 'rowWeights', 'loss', 'metric', 'metrics', 'augment', 'freeze', 'batchNorm', 'patience', 'restoreBest', 'seed', 'precision', 'recompute', 'xla', 'callbacks', 'checkpoints', 'resume', 'signal'] as const satisfies readonly (keyof TrainOptions)[]
