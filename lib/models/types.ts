// What a model is to the rest of the library. Types only: nothing here runs.
import type * as tf from '@tensorflow/tfjs'
import type { Preprocessing, Task, TokenizerFiles, TranscriptSymbols } from '../data/index.js'
import type { TensorMap } from '../engine/index.js'

export type { Task }

/** Random numbers for dropout. The engine's `StepContext` fits; without it TensorFlow.js's own generator is used. */
export interface RandomSource { uniform(shape: number[], min?: number, max?: number): tf.Tensor }

export interface ForwardContext { training: boolean; random?: RandomSource }

/** Trainable weights that belong together, listed from the input end to the head. */
export interface LayerGroup { readonly name: string; readonly variables: tf.Variable[] }

/** What loading or building reports while it works. `total` is absent when it is not known; units are bytes for 'download', tensors for 'weights'. */
export interface LoadProgress { stage: 'download' | 'unpack' | 'weights'; detail: string; done: number; total?: number }

export interface LoadOptions {
  /** Names of the new head's classes. Absent: the head as it was saved. */
  classes?: readonly string[]
  /** 'keep' the saved head or start a 'new' one for `classes`. Default: a model that this library saved keeps its head, and other `classes` than its own are an error; published weights get a new head when `classes` is given. */
  head?: 'keep' | 'new'
  /** Default: the saved task, or that of a published head that is kept, else 'classification'. */
  task?: Task
  /** Seed of a new head's random weights. Default 0. */
  seed?: number
  /** Height and width in pixels for image models. Default: the size that the weights were trained at. */
  imageSize?: number
  /** Length to which recordings are cut or filled up, for models of sounds. Default: the family's own. */
  seconds?: number
  /** Letters of a new head that writes down what is said, as `transcriptSymbols` makes them. Default: the published ones. */
  transcript?: TranscriptSymbols
  /** With task 'sequence' on an encoder: the tokenizer of what a new decoder is to write, as `trainTokenizer` makes it. */
  target?: TokenizerFiles
  /** Sizes of the parts that are new, such as `{ decoder: { num_hidden_layers: 3 } }` for a new decoder. */
  config?: Record<string, unknown>
  /** How examples become inputs. Default: what lies beside the weights; for Keras and TensorFlow.js layers, whose files do not say it, pixels from 0 to 1. */
  preprocessing?: Preprocessing
  /** Needed only when a file does not say what it is, such as a bare checkpoint of an unusual shape. */
  family?: string
  onProgress?(progress: LoadProgress): void
  /** Stops downloads and unpacking. */
  signal?: AbortSignal
}

export interface BuildOptions {
  /** Names of the outputs. Left out where the task has none: sequences, speech, recommendation, embeddings. */
  classes?: readonly string[]
  /** Default 'classification'. */
  task?: Task
  /** Height and width in pixels for image models. Default: the family's own. */
  imageSize?: number
  /** Length to which recordings are cut or filled up, for models of sounds. Default: the family's own. */
  seconds?: number
  /** Letters of a head that writes down what is said, as `transcriptSymbols` makes them. */
  transcript?: TranscriptSymbols
  /** Seed of every random weight. Default 0. */
  seed?: number
  /** How examples become inputs. Needed for texts, whose tokenizer a new model does not have. Default: the family's own. */
  preprocessing?: Preprocessing
  /** The family's configuration, for those that have one, such as `{ hidden_size: 128 }`; the rest keeps its default. */
  config?: Record<string, unknown>
}

export interface GenerateOptions {
  /** Texts that are kept in the running; 1 takes the likeliest token each time. Default 1. */
  beams?: number
  /** Most tokens of a text, its end included. Default: the preprocessing's maxTargetLength. */
  maxLength?: number
  /** With beams: log-probabilities are divided by length ^ lengthPenalty; above 1 prefers longer texts. Default 1. */
  lengthPenalty?: number
  /** With beams: stop as soon as as many texts as beams are finished. Default false. */
  earlyStopping?: boolean
  /** Stops between two tokens. */
  signal?: AbortSignal
}

export interface SummaryOptions { /** Default 16. */ batchSize?: number; /** Tokens or samples for inputs without a fixed length. Default 64. */ length?: number; /** Slots per weight: 'adamw' and 'adam' 2, 'sgd' 0, 'sgd with momentum' 1. */ optimizer?: 'adamw' | 'adam' | 'sgd' | 'sgd with momentum' }

/** Sizes in bytes. `activations` counts every layer's output once for the batch: what back-propagation has to keep, an estimate. */
export interface ModelMemory { weights: number; gradients: number; optimizer: number; activations: number; total: number }

export interface ModelSummary {
  family: string
  source: string
  classes: number
  parameters: number
  trainable: number
  groups: { name: string; layers: number; parameters: number; trainable: number }[]
  batchSize: number
  memory: ModelMemory
  /** Bytes that this machine can give now, and whether `memory.total` fits. */
  available: number
  fits: boolean
  toString(): string
}

export interface SaveExtra {
  /** Text of the model card, saved as README.md. Default: a short one made from the model's facts. */
  card?: string
  /** Saved as training.json. */
  training?: unknown
}

/** What is frozen: see `Model.freeze`. */
export type Freeze = 'backbone' | 'none' | number | RegExp | readonly string[]

export interface Model {
  readonly source: string
  /** Licence of the weights, as the package or the hub says it. */
  readonly licence?: string | undefined
  readonly family: string
  readonly classes: readonly string[]
  readonly preprocessing: Preprocessing
  readonly task: Task
  /** The loss that the outputs are made for, where it is not the task's usual one. */
  readonly loss?: 'ranking' | undefined
  /** inputs → logits `[batch, classes]` */
  readonly network: tf.LayersModel
  /** Logits, in plain TensorFlow.js. With `training` dropout is on, and batch-norm statistics move where they are 'updating'. */
  forward(inputs: TensorMap, o: ForwardContext): tf.Tensor
  /** What the head sees: pooled features `[batch, d]`, as in evaluation unless the context says that this is training. */
  features(inputs: TensorMap, o?: ForwardContext): tf.Tensor
  /** Whether `head` can run: the features are all that the head looks at. */
  readonly hasHead: boolean
  /** Whether the head began with random weights and was not loaded. */
  readonly headIsNew?: boolean
  /** Logits from features: what `forward` does after `features`, with dropout in training. */
  head(features: tf.Tensor, o: ForwardContext): tf.Tensor
  /** Every trainable weight, frozen or not, from the input end to the head. */
  groups(): LayerGroup[]
  /**
   * 'backbone' freezes all but the head, 'none' nothing; a list freezes these groups and no others, a number so many groups from the input end.
   * Names may hold * for anything ('encoder *'); a pattern freezes the groups that it matches.
   */
  freeze(what: Freeze): void
  /** Names of the groups that are frozen now. */
  readonly frozen: readonly string[]
  /** Weights that training may change now, from the input end to the head. */
  readonly trainable: tf.Variable[]
  /** Moving averages that a training step assigns now: empty while the statistics are frozen. */
  readonly state: tf.Variable[]
  /** 'frozen' normalizes with the stored averages also in training; groups that are frozen always do. Record steps anew after a change. */
  batchNormStatistics: 'frozen' | 'updating'
  /** Every weight by name, moving averages included. The variables own them: do not dispose, copy to keep. */
  weights(): Record<string, tf.Variable>
  /** Copies values into the weights of these names. */
  setWeights(values: Record<string, tf.Tensor>): void
  /** Stable name (also across processes) of each of the model's variables. */
  nameOf(variable: tf.Variable): string
  summary(o?: SummaryOptions): ModelSummary
  /** Writes weights, configuration, preprocessing, labels and card to a folder that `loadModel` reads back. */
  save(folder: string, extra?: SaveExtra): Promise<void>
  dispose(): void
}
