// What every kind of data hands to the one Dataset: its rows, and how rows become arrays. Splits, batches and display are made from this elsewhere.
import type * as tf from '@tensorflow/tfjs'
import type { AugmentOptions, BatchOptions, DataProblem, FeatureMatrix, Finding, FindingRow, Kind, Preprocessing, Task } from './types.js'

/** Numbers on their way to a tensor: Float32Array → float32, Int32Array → int32. */
export interface Block { data: Float32Array | Int32Array; shape: number[] }

export interface AssembleRequest {
  /** Numbers of the store's rows. */
  ids: Int32Array
  /** Rows that the arrays have room for, at least `ids.length`; the rest stays zero. */
  size: number
  preprocessing: Preprocessing
  augment: AugmentOptions | undefined
  epoch: number
}

/** A change of inputs, as a function of tensors only, so that the engine can record it. */
export type Change = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>

export interface Assembled {
  inputs: Record<string, Block>
  /** Where the kind has its own labels (tokens, ratings); absent: class ids. */
  labels?: Block
  /** Places in `ids` whose file could not be read now; they get weight 0. */
  broken?: number[]
  mixed?: { labels: Block; share: Block }
  /** What is still to be done to the inputs, with more inputs of its own. */
  change?: { apply: Change; inputs: Record<string, Block> }
}

/** What the audit compares rows by. */
export interface Fingerprint {
  /** Equal for equal content. */
  exact: string
  /** For pictures and recordings: 63 bits (in two halves) that hardly change with the content, and the values that confirm what the bits suspect. */
  near?: { bits: readonly [number, number]; values: ArrayLike<number>; /** Largest mean difference of the values of nearly equal rows. */ most: number }
  /** Simple features, for the checks that compare rows. */
  features?: Float32Array
  /** For texts: the words, for near duplicates. */
  words?: readonly string[]
}

/** Many zeros: row r has the columns `columns[starts[r]] … columns[starts[r + 1] − 1]` with the values at the same places. */
export interface SparseMatrix { rows: number; width: number; starts: Int32Array; columns: Int32Array; values: Float32Array }

/** What a kind can say of its rows without a model. */
export interface SimpleFeatures {
  matrix: FeatureMatrix | SparseMatrix
  /** For the report: "words and letters". */
  from: string
  /** How unusual each row is, where the kind knows better than distances do. */
  oddness?: Float64Array
}

/** A finding as a kind makes it; severity is 'warning' unless it says so. */
export type Fault = Omit<Finding, 'severity'> & Partial<Pick<Finding, 'severity'>>

/** The content behind the rows: one implementation per kind. */
export interface Content {
  assemble(request: AssembleRequest): Promise<Assembled>
  /** In which order and companionship rows are batched, as places in `ids`; texts put similar lengths together. Default: as given. */
  arrange?(ids: Int32Array, o: BatchOptions): Int32Array
  /** What `describe` measures, e.g. width and height per row. */
  sizes(ids: Int32Array): Promise<Record<string, number[]>>
  /** HTML of a few rows for the display: pictures, players, lines of text. */
  samples(ids: Int32Array): Promise<string[]>
  /** Undefined where a row cannot be read. */
  fingerprint(id: number): Promise<Fingerprint | undefined>
  /** A row in a few words, for findings. */
  shortly(id: number): string
  /** Checks that only this kind has (encodings, silent recordings, translations that do not fit), and their names. */
  faults?(ids: Int32Array, where: (id: number) => FindingRow, prints: ReadonlyMap<number, Fingerprint>): Promise<Fault[]>
  readonly faultChecks?: readonly Finding['check'][]
  /** Features that need no model. Default: those of the fingerprints, where these have some. */
  features?(ids: Int32Array): Promise<SimpleFeatures>
  /** What the fingerprints' features are, for the report. */
  readonly featuresFrom?: string
}

export interface Store<Row extends object> {
  kind: Kind
  name: string
  /** What a model learns from the labels. */
  task: Task
  classes: readonly string[]
  rows: readonly Row[]
  /** −1 where unknown; empty where a row has not one class. */
  labels: Int32Array
  /** Where a row may have several: the classes of each, or those of its words (−1 where unknown). */
  several?: readonly Int32Array[]
  /** Where a number is to be predicted. */
  numbers?: Float32Array
  /** What makes a row itself, independent of its place: rows with equal keys are never torn apart by a split. */
  key(id: number): string
  content: Content
  /** Grows when a file turns out to be broken later. */
  problems: DataProblem[]
  notes: readonly string[]
  group?: string | undefined
}
