// What every kind of data hands to the one Dataset: its rows, and how rows become arrays. Splits, batches and display are made from this elsewhere.
import type { AugmentOptions, BatchOptions, DataProblem, FindingRow, Kind, Preprocessing } from './types.js'

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

export interface Assembled {
  inputs: Record<string, Block>
  /** Where the kind has its own labels (tokens, ratings); absent: class ids. */
  labels?: Block
  /** Places in `ids` whose file could not be read now; they get weight 0. */
  broken?: number[]
  mixed?: { labels: Block; share: Block }
}

/** What the audit compares rows by. */
export interface Fingerprint {
  /** Equal for equal content. */
  exact: string
  /** 64-bit perceptual hash as two 32-bit halves, for pictures. */
  perceptual?: readonly [number, number]
  /** The picture at 8 × 8, three bytes a pixel, to confirm what the hash suspects. */
  small?: Uint8Array
  /** For texts: the words, for near duplicates. */
  words?: readonly string[]
}

/** The content behind the rows: one implementation per kind. */
export interface Content {
  assemble(request: AssembleRequest): Promise<Assembled>
  /** In which order and companionship rows are batched; texts put similar lengths together. Default: as given. */
  arrange?(order: Int32Array, o: BatchOptions): Int32Array
  /** What `describe` measures, e.g. width and height per row. */
  sizes(ids: Int32Array): Promise<Record<string, number[]>>
  /** HTML of a few rows for the display: pictures, players, lines of text. */
  samples(ids: Int32Array): Promise<string[]>
  /** Undefined where a row cannot be read. */
  fingerprint(id: number): Promise<Fingerprint | undefined>
  /** A row in a few words, for findings. */
  shortly(id: number): string
  /** Checks that only this kind has (encodings, silent recordings). */
  faults?(ids: Int32Array, where: (id: number) => FindingRow): Promise<{ check: 'format' | 'encoding'; text: string; advice: string; rows: FindingRow[] }[]>
}

export interface Store<Row extends object> {
  kind: Kind
  name: string
  classes: readonly string[]
  rows: readonly Row[]
  /** −1 where unknown; empty for kinds without classes. */
  labels: Int32Array
  /** What makes a row itself, independent of its place: rows with equal keys are never torn apart by a split. */
  key(id: number): string
  content: Content
  /** Grows when a file turns out to be broken later. */
  problems: DataProblem[]
  notes: readonly string[]
  group?: string | undefined
}
