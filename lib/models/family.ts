// What a model family is: one file that knows its blocks, its weights' names and its configuration. No family is named here.
import type * as tf from '@tensorflow/tfjs'
import type { Preprocessing } from '../data/index.js'
import type { Statistics } from './blocks/batch-norm.js'
import type { WeightEntry } from './formats/weights.js'

/** A family's configuration: plain JSON, saved with the model. */
export type Config = Record<string, unknown>

export interface Architecture {
  network: tf.LayersModel
  /** What the head sees. */
  features: tf.SymbolicTensor
}

export interface BuildContext { /** Width of the head; 0 for a model without one, which gives embeddings. */ outputs: number; statistics: Statistics }

export interface Family<C extends object = any> {
  readonly name: string
  readonly title: string
  readonly inputs: 'image' | 'text' | 'sound'
  /** Whether new models usually start from random weights, so that batch-norm statistics move from the start. */
  readonly fromScratch?: boolean
  /** Names of the head's layers begin so. */
  readonly head: string
  /** Complete configuration from what is known: `imageSize`, and `given` entries that replace defaults. Throws a ModelError on values that make no sense. */
  configure(o: { imageSize?: number | undefined; given?: Config | undefined }): C
  build(config: C, context: BuildContext): Architecture
  /** Name of the layer group that a layer belongs to. */
  group(layer: string): string
  /** The name that a weight has in the family's published checkpoints; the form in which models are saved. */
  checkpointName(weight: string, config: C): string
  /** Prefixes that checkpoints put in front of every name. */
  readonly prefixes?: readonly string[]
  /** Weights that checkpoints may hold and this network has no place for. */
  readonly ignored?: RegExp
  /** Configuration read from the names and shapes in a checkpoint without a configuration file; undefined when it is another family's. */
  recognize?(weights: ReadonlyMap<string, WeightEntry>): Config | undefined
  /** Configuration from a published config.json (such as transformers'); undefined when it is another family's. */
  readConfig?(json: Config): Config | undefined
  /** What turns examples into inputs. `beside` reads JSON files that lie with the weights; absent for models from scratch. */
  preprocessing(config: C, beside?: Beside): Preprocessing | Promise<Preprocessing>
}

/** Reads a JSON file beside the weights; undefined when there is none of that name. */
export type Beside = (name: string) => Promise<Config | undefined>
