// What data is to the rest of the library: Dataset, Split, Batch and the preprocessings. Types only: nothing here runs.
import type * as tf from '@tensorflow/tfjs'
import type { DataFrame } from 'danfojs-node'
import type { TensorMap } from '../engine/index.js'

export type Kind = 'images' | 'texts' | 'sounds' | 'pairs' | 'interactions' | 'table'

/** What is predicted: it decides a model's head and the loss that fits. */
export type Task = 'classification' | 'multi-label' | 'regression' | 'token' | 'sequence' | 'speech' | 'embedding' | 'recommendation'

/** Something that the loader could not use, or that a reader should know. A broken file is left out of the rows; loading goes on. */
export interface DataProblem {
  /** The file, class or column that it is about. */
  file: string
  rule: 'unreadable file' | 'unknown format' | 'too large' | 'empty class' | 'too few rows' | 'missing file' | 'missing label' | 'missing value' | 'unknown class'
  detail: string
}

/** Pictures as a network wants them. The picture becomes `height × width`, then `(v − mean) / std` on values 0..255, per channel. */
export interface ImagePreprocessing {
  kind: 'image'
  /** Pixels. */
  height: number
  width: number
  channels: 1 | 3
  /** One number per channel, on values 0..255. */
  scale: { mean: readonly number[]; std: readonly number[] }
  /** Default 'bilinear'; both are Pillow's filters with antialiasing. */
  interpolation?: 'bilinear' | 'bicubic'
  /** 'stretch' ignores the aspect ratio (default), 'crop' keeps it and cuts the middle, 'pad' keeps it and fills with the background. */
  fit?: 'stretch' | 'crop' | 'pad'
  /** For 'crop': the share of the shorter side that is kept, e.g. 0.875 = Resize(256) + CenterCrop(224). Default 1. */
  cropFraction?: number
  /** What shows through transparent pixels and fills 'pad', 0..255. Default white. */
  background?: readonly [number, number, number]
}

/** The contents of a Hugging Face `tokenizer.json` and, where there is one, of its `tokenizer_config.json`. */
export interface TokenizerFiles { tokenizer: Record<string, unknown>; config?: Record<string, unknown> }

/** Texts as token ids. Inputs: `input_ids`, `attention_mask`, `token_type_ids`, each int32 `[batch, tokens]`. */
export interface TextPreprocessing {
  kind: 'text'
  tokenizer: TokenizerFiles
  /** Longest sequence in tokens, special tokens included; longer texts are cut at the end. */
  maxLength: number
  /** 'buckets' pads a batch to the next of `lengths` (default: 8, 16, 24 … 64, 80 … 128, 160 … maxLength), so that few shapes are recorded; 'max' always to maxLength. Default 'buckets'. */
  padding?: 'buckets' | 'max'
  lengths?: readonly number[]
}

/** Recordings as frames of features or as samples. Inputs: `sounds` float32 `[batch, frames, bands]`, or `[batch, samples]` for 'waveform'. */
export interface SoundPreprocessing {
  kind: 'sound'
  /** Hz; recordings of another rate are resampled. */
  sampleRate: number
  /** Every example is cut or padded with silence to this length. */
  seconds: number
  features: { type: 'waveform'; normalize?: boolean } | LogMelFeatures
  /** Recordings that are quieter than this (root mean square, in dB below full scale, such as −30) are amplified to it. Default: none are. */
  loudness?: number
  /** For models that write down what is said: labels are then int32 `[batch, maxLength]`, a transcript's symbols, −100 after its end. */
  transcript?: TranscriptSymbols
}

/** The symbols of transcripts, such as letters; a symbol's number is its place. */
export interface TranscriptSymbols {
  symbols: readonly string[]
  /** Number of the symbol for nothing. Default 0. */
  blank: number
  /** The symbol that stands for a space. */
  space: string
  /** For characters without a symbol; left out where there is none. */
  unknown?: number
  /** Transcripts are compared in upper or lower case, as the symbols are; absent: as they are. */
  letters?: 'upper' | 'lower'
  /** Longest transcript in symbols; longer ones are cut. */
  maxLength: number
}

/** Log-mel spectrogram (and, with `coefficients`, its cosine transform: MFCC). Lengths in samples. */
export interface LogMelFeatures {
  type: 'log-mel' | 'mfcc'
  fft: number
  window: number
  hop: number
  bands: number
  /** Default 0 and half the sample rate, in Hz. */
  lowest?: number
  highest?: number
  /** Default 'htk'. 'slaney' also divides each band by its width. */
  scale?: 'htk' | 'slaney'
  /** 'log' is log(max(mel, floor)), 'log10' its decimal sister, 'dB' 10 log10, 'none' max(mel, floor) itself. Default 'log'. */
  compression?: 'log' | 'log10' | 'dB' | 'none'
  /** Default 1e-10. */
  floor?: number
  /** For 'mfcc': how many coefficients are kept. Default 13. */
  coefficients?: number
  /** Then `(v − mean) / std`. Default 0 and 1. */
  mean?: number
  std?: number
}

/** Sentence pairs for encoder–decoders. Inputs: `input_ids`, `attention_mask`, `decoder_input_ids`, int32 `[batch, tokens]`; labels int32 `[batch, tokens]`, −100 where padded. */
export interface PairPreprocessing {
  kind: 'pair'
  source: TokenizerFiles
  /** Default: the source's. */
  target?: TokenizerFiles
  maxSourceLength: number
  maxTargetLength: number
  /** First token of the decoder's input. */
  decoderStart: number
  padding?: 'buckets' | 'max'
  lengths?: readonly number[]
}

/** Users and items as row numbers of embedding tables; an id's place in the list is its number. Inputs: `user`, `item` int32 `[batch]`; labels float32 `[batch]`. */
export interface InteractionPreprocessing {
  kind: 'interaction'
  users: readonly string[]
  items: readonly string[]
  /** Mean rating of the training part, where a model of ratings begins. */
  mean?: number
  /** Lowest rating of an item that was liked: what ranking learns from and is judged by. */
  relevant?: number
}

/** How examples become tensors. A plain value: it is saved with the model as JSON. */
export type Preprocessing = ImagePreprocessing | TextPreprocessing | SoundPreprocessing | PairPreprocessing | InteractionPreprocessing

/** Random changes of training examples, each a pure function of (seed, epoch, row). Absent fields change nothing. */
export interface AugmentOptions {
  /** Default 0. */
  seed?: number
  /** Probability of a mirror image, left ↔ right. `true` means 0.5. */
  flip?: boolean | number
  /** The same, top ↔ bottom. */
  flipVertical?: boolean | number
  /** Largest shift as a share of the side, e.g. 0.1. */
  shift?: number
  /** Largest rotation in degrees, either way. */
  rotate?: number
  /** Range of the scale factor, e.g. [0.8, 1.2]; above 1 shows a smaller crop, enlarged. */
  zoom?: readonly [number, number]
  /** Largest relative change of brightness, contrast and saturation, e.g. 0.2. */
  brightness?: number
  contrast?: number
  saturation?: number
  /** Probability of painting a random rectangle (2–33 % of the area) with the mean (Zhong et al. 2017). */
  erase?: number
  /** α of mixup's Beta(α, α) (Zhang et al. 2018); the batch then carries `mixed`. */
  mixup?: number
  /** Texts: probability that a token is replaced by the unknown token. */
  tokenDropout?: number
  /** Sounds: SpecAugment (Park et al. 2019), largest mask in frames and in bands. */
  timeMask?: number
  bandMask?: number
}

export interface Batch {
  /** images: `{ images }` float32 `[batch, height, width, channels]`. Other kinds: see their preprocessing. */
  inputs: TensorMap
  /** int32 `[batch]`, −1 where a row has no label; several classes: float32 `[batch, classes]`, 1 or 0; numbers: float32 `[batch]`; tags: int32 `[batch, tokens]`, −100 where a token begins no word; pairs and interactions: see their preprocessing. */
  labels: tf.Tensor
  /** float32 `[batch]`: 1, or 0 for padding and for rows whose file broke. */
  weights: tf.Tensor
  /** Real rows, padding not counted. */
  size: number
  /** Real rows of the whole batch, when this is a share of it. */
  all: number
  /** For each real row its number in `split.rows`. */
  rows: number[]
  /** With mixup: example i is `share[i]` of itself and the rest of an example with label `labels[i]`. Loss = share · loss(labels) + (1 − share) · loss(mixed.labels). */
  mixed?: { labels: tf.Tensor; share: tf.Tensor }
}

export interface BatchOptions {
  /** A whole number of at least 1; larger than the split is fine. */
  batchSize: number
  preprocessing: Preprocessing
  /** Another order for each (seed, epoch). Absent: the order of the rows. */
  shuffle?: { seed: number; epoch: number }
  /** Without `shuffle`: rows of like length share a batch where rows have lengths (texts, pairs), so that less of it is padding; `rows` says which they are. Default false. */
  byLength?: boolean
  /** Draw classes equally often, with repetition, `split.size` rows an epoch. Needs `shuffle`. Default false. */
  balanced?: boolean
  augment?: AugmentOptions
  /** Only this part of every batch, of equal parts: the rows of one of several workers. `of` divides batchSize. Default: all. */
  share?: { index: number; of: number }
  /** Default true: the last batch is padded to batchSize with rows of weight 0. */
  padLast?: boolean
}

export interface Split<Row extends object = Record<string, unknown>> {
  readonly name: string
  readonly size: number
  readonly rows: readonly Row[]
  /** Class id per row, −1 where unknown; empty where a row has not one class: several, tags of words, numbers, pairs, interactions. */
  readonly labels: Int32Array
  /** Rows per class (of tags: words), in the order of `classes`. */
  readonly counts: readonly number[]
  /** Batches prepared ahead while the caller computes. The caller disposes each batch's tensors (`disposeBatch`). */
  batches(o: BatchOptions): AsyncIterable<Batch>
  /** The first rows, or the rows of these numbers, as a smaller split. */
  take(rows: number | readonly number[]): Split<Row>
}

export interface SplitOptions<Row extends object = Record<string, unknown>> {
  /** Share of the rows. Default 0.15 each; 0 leaves the part out. */
  validation?: number
  test?: number
  /** Default 0. */
  seed?: number
  /** Rows with the same value stay together: a patient, a speaker, a slide. */
  group?: keyof Row & string
  /** Newest rows go to test, the next newest to validation. */
  time?: keyof Row & string
  /** Default true where there are classes. */
  stratified?: boolean
  /** Default false: a row's part depends only on (seed, its key), so it stays there when rows are added, and shares are approximate. True: shares are exact. */
  exact?: boolean
}

export interface DatasetDescription {
  kind: Kind
  task: Task
  name: string
  rows: number
  classes: readonly string[]
  /** Rows by split and class; where words are tagged, words by tag. */
  splits: { name: string; rows: number; byClass: Record<string, number> }[]
  /** Smallest, median and largest of what the kind has: width, height; characters, words; seconds. */
  sizes: Record<string, { smallest: number; median: number; largest: number; /** Rows in 24 equal steps from `smallest` to the 99th percentile; what is larger counts in the last. */ histogram: { from: number; to: number; counts: readonly number[] } }>
  /** Missing values by column, only where there are some. */
  missing: Record<string, number>
  columns: readonly string[]
  /** How the parts came to be, and what else a reader should know. */
  notes: readonly string[]
  problems: number
}

export interface Dataset<Row extends object = Record<string, unknown>> {
  readonly kind: Kind
  readonly name: string
  /** What a model can learn from the labels: `loadModel(source, { classes: data.classes, task: data.task })`. */
  readonly task: Task
  /** A label's number is its place here. Empty where there are no classes. */
  readonly classes: readonly string[]
  /** By name: 'train', and 'validation' and 'test' where there are any. */
  readonly splits: Readonly<Record<string, Split<Row>>>
  readonly train: Split<Row>
  readonly validation: Split<Row> | undefined
  readonly test: Split<Row> | undefined
  readonly problems: readonly DataProblem[]
  readonly notes: readonly string[]
  /** Column whose equal values must not be torn apart, where the loader was told. */
  readonly group: string | undefined
  /** The same rows in new parts. */
  split(o?: SplitOptions<Row>): Dataset<Row>
  /** k data sets; number i has fold i as validation and the other folds as train; an existing test part stays. */
  folds(k: number, o?: Omit<SplitOptions<Row>, 'validation' | 'test' | 'time' | 'exact'>): Dataset<Row>[]
  /** Which row is in which part, to be saved; `result.save` writes it with the model. */
  partition(): Partition
  /** The same rows in the parts that were saved (a model's folder, a file, or the value itself); rows that came since join their group or fall by their hash, always alike. */
  splitAs(saved: Partition | string): Promise<Dataset<Row>>
  /** The same rows in the parts that `part` names, such as a speaker of whom nothing is learned; a row without a part is left out. One part must be 'train'. */
  assign(part: (row: Row, split: string) => string | undefined): Dataset<Row>
  /** The rows for which `keep` is true, in the parts they are in; classes stay the same. */
  filter(keep: (row: Row, split: string) => boolean): Dataset<Row>
  /** All rows with a `split` column as a danfojs DataFrame (danfojs is loaded at the first call: some seconds). */
  frame(): Promise<DataFrame>
  describe(): Promise<DatasetDescription>
  /** Looks for copies, leaks, wrong labels, strays, imbalance, faults and parts that differ, in seconds and without a model. */
  audit(o?: AuditOptions): Promise<AuditReport>
}

/** Parts as a plain value. */
export interface Partition {
  format: 1
  /** Name of the data set. */
  data: string
  /** How the parts came to be. */
  notes: string[]
  /** By part, a hash (16 hexadecimal digits) of each row's file, text or other key. */
  parts: Record<string, string[]>
  /** The column that keeps rows together, and each of its values' part, by hash. */
  group?: string
  groups?: Record<string, string>
}

/** Features of rows, `[rows, width]` in row order. */
export interface FeatureMatrix { data: Float32Array; rows: number; width: number }

export interface AuditOptions {
  /** What the checks for wrong labels, strays and differing parts see of a part's rows: usually a model's features. Default: simple ones of the kind's own (colours and edges, words, bands). */
  features?: (split: Split<any>) => Promise<FeatureMatrix>
  /** What these features are, for the report. Default 'the given features'. */
  featuresFrom?: string
  /** Of the folds. Default 0. */
  seed?: number
}

export type Severity = 'error' | 'warning' | 'note'

export interface Finding {
  check: 'exact duplicates' | 'near duplicates' | 'leak between splits' | 'leaked group' | 'imbalance' | 'format' | 'encoding' | 'too few rows' | 'missing values' | 'conflicting labels' | 'label errors' | 'outliers' | 'non-representative split' | 'broken files'
  severity: Severity
  /** One sentence with the figures. */
  text: string
  /** What to do about it. */
  advice: string
  /** The rows concerned, most suspicious first. */
  rows: readonly FindingRow[]
}

export interface FindingRow {
  split: string
  /** Number in `splits[split].rows`. */
  row: number
  /** The file, or the text, shortened. */
  what: string
  /** Such as the row that it duplicates, or the label that the model would give. */
  detail?: string
  score?: number
}

export interface AuditReport {
  readonly name: string
  readonly rows: number
  readonly findings: readonly Finding[]
  /** Checks that were made, found something or not. */
  readonly checks: readonly Finding['check'][]
  /** True when no finding is an error. */
  readonly clean: boolean
  toString(): string
}
