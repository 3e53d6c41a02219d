// Which curves a training run has, panel by panel, as plain numbers: Plotly's figure and the live picture draw the same ones.
import type { EpochRow, TrainingRecord } from './record.js'

export interface Line { x: number[]; y: number[] }

export interface CurvePanel {
  name: string
  /** Every step (or the mean of a few): drawn faintly. */
  steps: Line
  training: Line
  validation: Line
  best: { epoch: number; value: number } | undefined
  /** What the vertical axis has to hold; single wild steps are left out. */
  range: [number, number]
  logarithmic: boolean
}

export interface CurveOptions {
  /** Adds a panel with the learning rate of every step. Default false. */
  learningRate?: boolean
  /** Adds a panel with the norm of the gradients. Default false. */
  gradNorm?: boolean
}

export function curvePanels(record: TrainingRecord, o: CurveOptions = {}): CurvePanel[] {
  const steps = record.steps, x = steps.map(({ at }) => at)
  const panels = [panel(record, 'loss', { x, y: steps.map(({ loss }) => loss) })]
  if (record.metric !== 'loss' && record.unit === 'epoch') panels.push(panel(record, record.metric, { x: [], y: [] }))
  if (o.learningRate) panels.push({ ...panel(record, 'learning rate', { x: [], y: [] }), training: { x, y: steps.map(({ learningRate }) => learningRate) }, range: rangeOf(steps.map(({ learningRate }) => learningRate), 0) })
  if (o.gradNorm) panels.push({ ...panel(record, 'gradient norm', { x, y: steps.map(({ gradNorm }) => gradNorm) }), logarithmic: true })
  return panels
}

function panel(record: TrainingRecord, name: string, steps: Line): CurvePanel {
  const training = lineOf(record.epochs, ({ train }) => train[name])
  const validation = lineOf(record.epochs, (row) => row.validation?.[name])
  const best = record.best
  const value = best?.validation?.[name] ?? best?.train[name]
  const usual = runningMedian(steps.y.filter(Number.isFinite), 5)
  return {
    name, steps, training, validation, logarithmic: false,
    best: best && value !== undefined && Number.isFinite(value) ? { epoch: best.epoch, value } : undefined,
    range: rangeOf([...usual, ...training.y, ...validation.y], name === 'loss' && Math.min(...usual, ...training.y, ...validation.y) >= 0 ? 0 : undefined),
  }
}

/** Single wild values vanish, the course stays: steps may leave the picture, epochs never do. */
function runningMedian(values: readonly number[], width: number): number[] {
  const half = width >> 1
  return values.map((_, i) => {
    const around = values.slice(Math.max(0, i - half), i + half + 1).sort((a, b) => a - b)
    return around[around.length >> 1]!
  })
}

function lineOf(epochs: readonly EpochRow[], value: (row: EpochRow) => number | undefined): Line {
  const known = epochs.filter((row) => Number.isFinite(value(row)))
  return { x: known.map(({ epoch }) => epoch), y: known.map((row) => value(row)!) }
}

function rangeOf(values: readonly number[], floor?: number): [number, number] {
  const finite = values.filter(Number.isFinite)
  if (!finite.length) return [0, 1]
  const low = Math.min(...finite), high = Math.max(...finite)
  // zero belongs to the picture when the curve comes near it
  return [floor !== undefined && low - floor < (high - low) ? floor : low, high]
}

/** The stretch of epochs in which the verdict sees overfitting, and the interval in which it may have begun. */
export function overfittingStretch(record: TrainingRecord): { onset: number; from: number; to: number; end: number } | undefined {
  const verdict = record.verdict
  if (verdict?.verdict !== 'overfitting' || verdict.onsetEpoch === undefined) return undefined
  const end = Math.max(record.epochs.at(-1)?.epoch ?? 0, verdict.onsetEpoch)
  return { onset: verdict.onsetEpoch, from: verdict.interval?.[0] ?? verdict.onsetEpoch, to: verdict.interval?.[1] ?? verdict.onsetEpoch, end }
}
