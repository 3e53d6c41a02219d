// What a model family is: one file that knows its blocks, its weights' names and its configuration. No family is named here.
//
// Adding one is a file in families/, a line in registry.ts and a test; nothing else names it:
//
//   1. Draw its blocks in the header, from input to head, with the paper. Read families/vit.ts (images), bert.ts (texts), marian.ts (pairs),
//      wav2vec2.ts (sounds) or recommender.ts (interactions) first: one of them is close.
//   2. `build` puts layers of blocks/ together. A new kind of layer extends `Block` (blocks/layer.ts); what depends on a token's place also has
//      `atPosition`, and then decoder.ts makes the network write by itself. Never pass one tensor twice to a layer: TensorFlow.js frees it too early.
//   3. Name layers as you like, stable across versions; `checkpointName` turns `layer.weight` into the published name, `alternatives` and `prefixes`
//      know other spellings, `ignored` what a file may hold besides. Layouts are turned by the weight's last name (network-weights.ts).
//   4. `readConfig` takes a published config.json, `recognize` a bare file by its names and shapes; `configure` completes and checks.
//   5. `group` names the layer groups from the input end, the last of them 'head': freezing, layer-wise rates and summary() follow.
//   6. Judge it: a small fixture from the reference implementation (tests/models/make_families.py), and a test that compares outputs, every
//      parameter's gradient and five recorded steps, with the family at test size in tests/models/tiny.ts.
import type * as tf from '@tensorflow/tfjs'
import type { Preprocessing, TokenizerFiles } from '../data/index.js'
import type { Statistics } from './blocks/batch-norm.js'
import type { DecoderInputs } from './decoder.js'
import type { WeightEntry } from './formats/weights.js'
import type { Task } from './types.js'

/** A family's configuration: plain JSON, saved with the model. */
export type Config = Record<string, unknown>

export interface Architecture {
  network: tf.LayersModel
  /** What the head sees. */
  features: tf.SymbolicTensor
  /** For networks that write token by token. */
  writes?: DecoderInputs & WritingIds
}

/** Ids that writing starts with, ends in, is filled up with, and never writes. */
export interface WritingIds { start: number; end: number; pad: number; never: readonly number[] }

export interface BuildContext { /** Width of the head; 0 for a model without one, which gives embeddings. */ outputs: number; task: Task; statistics: Statistics }

export interface Family<C extends object = any> {
  readonly name: string
  readonly title: string
  readonly inputs: 'image' | 'text' | 'sound' | 'pair' | 'interaction'
  /** What models of this family do where they have no classes of their own to tell apart: such as 'sequence'. Only with 'speech' they may have classes instead. */
  readonly task?: Task
  /** The loss that the outputs are made for, where it is not the task's usual one. */
  readonly loss?: 'ranking'
  /** Whether new models usually start from random weights, so that batch-norm statistics move from the start. */
  readonly fromScratch?: boolean
  /** Whether only a file says what the network is, so that there is none without one. */
  readonly fromFile?: boolean
  /** Names of the head's layers begin so. */
  readonly head: string
  /** Complete configuration from what is known: `imageSize`, and `given` entries that replace defaults. Throws a ModelError on values that make no sense. */
  configure(o: { imageSize?: number | undefined; seconds?: number | undefined; given?: Config | undefined; preprocessing?: Preprocessing | undefined }): C
  /** The configuration for a new head, where that does not stand where the old one stood. */
  forNewHead?(config: C): C
  build(config: C, context: BuildContext): Architecture
  /** The configuration with another number of rows in a table, or for images of other pixels; undefined where there is no such table. */
  resized?(config: C, what: 'tokens' | 'positions' | 'imageSize' | 'users' | 'items', size: number): C | undefined
  /** Name of the layer group that a layer belongs to. */
  group(layer: string): string
  /** The name that a weight has in the family's published checkpoints; the form in which models are saved. */
  checkpointName(weight: string, config: C): string
  /** Prefixes that checkpoints put in front of every name. */
  readonly prefixes?: readonly string[]
  /** Other names that a checkpoint may have for a weight, such as those of a table that several layers share. */
  alternatives?(stored: string): readonly string[]
  /** Weights that checkpoints may hold and this network has no place for. */
  readonly ignored?: RegExp
  /** Configuration read from the names and shapes in a checkpoint without a configuration file; undefined when it is another family's. */
  recognize?(weights: ReadonlyMap<string, WeightEntry>): Config | undefined
  /** Configuration from a published config.json (such as transformers'); undefined when it is another family's. */
  readConfig?(json: Config): Config | undefined
  /** For families that take up another family's weights as a part of their own. */
  readonly grows?: Growth
  /** The name that a layer has in files of TensorFlow's layout; absent: its own. */
  tensorflowLayer?(layer: string, config: C): string
  /** How transformers knows such a model; absent, or undefined, where it knows none. */
  published?(config: C, o: { outputs: number; task: Task }): Published | undefined
  /** What turns examples into inputs. `beside` reads JSON files that lie with the weights; absent for models from scratch. */
  preprocessing(config: C, beside?: Beside): Preprocessing | Promise<Preprocessing>
}

/** How a model of another family becomes a part of one of this family: `loadModel(source, { task })`. */
export interface Growth {
  /** The task that asks for it. */
  readonly task: Task
  /** Names of the families that can be taken up. */
  readonly from: readonly string[]
  /** What stands in front of the names of their weights. */
  readonly part: string
  configure(base: string, baseConfig: Config, o: GrowthOptions & { preprocessing: Preprocessing }): Config
  /** @param read the preprocessing of the model that is taken up */
  preprocessing(read: Preprocessing, o: GrowthOptions): Preprocessing
}
export interface GrowthOptions { given?: Config | undefined; target?: TokenizerFiles | undefined }
/** How Python's transformers loads what is saved. */
export interface Published {
  /** Entries of config.json: model_type, architectures, and the sizes under transformers' names. */
  config: Config
  /** What stands in front of the body's weights where a model has a head. */
  prefix: string
  /** Name of the module that is the head, for peft. */
  head: string
  /** Python files that lie beside the weights, for heads that transformers does not have. */
  files?: Record<string, string>
}

/** Reads a JSON file beside the weights, or any as `bytes`; undefined when there is none of that name. */
export interface Beside { (name: string): Promise<Config | undefined>; bytes(name: string): Promise<Uint8Array | undefined> }
