// Real trainings of a small network, each forced into a state by what it is given: how many rows, how many wrong labels, which rate, which rows leak.
import { images, type Dataset } from '../../../lib/data/index.js'
import { buildModel } from '../../../lib/models/index.js'
import { randomNumbers, type TrainOptions, type VerdictKind } from '../../../lib/train/index.js'
import { fineTune, type FineTuneResult } from '../../../lib/workflow/index.js'

const side = 16, classes = ['horizontal', 'vertical']

interface Part { images: Uint8Array; shape: number[]; labels: number[] }

/** Stripes in noise (0..1; at 1 nothing is left to see); a share `wrong` of the labels is turned round. */
function pictures(rows: number, noise: number, seed: number, wrong = 0): Part {
  const random = randomNumbers(seed, 5), pixels = new Uint8Array(rows * side * side * 3)
  const labels = Array.from({ length: rows }, (_, row) => {
    const label = row % 2, phase = Math.floor(random() * 4)
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
      const on = ((label === 1 ? x : y) + phase) % 4 < 2
      for (let c = 0; c < 3; c++) pixels[((row * side + y) * side + x) * 3 + c] = 255 * ((1 - noise) * (on ? 0.8 : 0.2) + noise * random())
    }
    return random() < wrong ? 1 - label : label
  })
  return { images: pixels, shape: [rows, side, side, 3], labels }
}

function joined(...parts: Part[]): Part {
  const rows = parts.reduce((sum, { labels }) => sum + labels.length, 0)
  return { images: Uint8Array.from(parts.flatMap(({ images: pixels }) => [...pixels])), shape: [rows, side, side, 3], labels: parts.flatMap(({ labels }) => labels) }
}

const firstRows = ({ images: pixels, labels }: Part, rows: number): Part => ({ images: pixels.slice(0, rows * side * side * 3), shape: [rows, side, side, 3], labels: labels.slice(0, rows) })

export interface State {
  kind: VerdictKind
  name: string
  train(seed: number): Part
  validation(seed: number): Part
  options: TrainOptions
  /** Trained on this before, as weights are that somebody else trained on rows of ours. */
  known?(seed: number): Part
  dropout?: number
}

const fresh = (rows: number, noise: number, wrong = 0) => (seed: number) => pictures(rows, noise, 1000 + seed, wrong)
const steady: TrainOptions = { schedule: 'constant', augment: false, labelSmoothing: 0 }

export const states: readonly State[] = [
  { kind: 'overfitting', name: 'few rows, a third of the labels wrong, long', train: (seed) => pictures(40, 0.88, seed, 0.3), validation: fresh(100, 0.88), options: { ...steady, epochs: 30, learningRate: 1e-2, batchSize: 16 } },
  { kind: 'overfitting', name: 'few rows in much noise, one-cycle', train: (seed) => pictures(48, 0.9, seed), validation: fresh(100, 0.9), options: { augment: false, labelSmoothing: 0, epochs: 40, learningRate: 2e-2, batchSize: 8 } },
  { kind: 'overfitting', name: 'SGD, wrong labels', train: (seed) => pictures(64, 0.88, seed, 0.3), validation: fresh(120, 0.88), options: { ...steady, epochs: 40, learningRate: 3e-2, optimizer: { name: 'sgd', momentum: 0.9 }, batchSize: 16 } },
  { kind: 'underfitting', name: 'labels that follow from nothing', train: (seed) => pictures(400, 1, seed, 0.5), validation: fresh(200, 1, 0.5), options: { ...steady, epochs: 10, learningRate: 1e-3, batchSize: 32, weightDecay: 1 } },
  { kind: 'underfitting', name: 'a rate that moves nothing', train: (seed) => pictures(200, 0.6, seed), validation: fresh(80, 0.6), options: { ...steady, epochs: 10, learningRate: 1e-6, batchSize: 16 } },
  { kind: 'underfitting', name: 'the last layer alone on random features', train: (seed) => pictures(200, 0.85, seed), validation: fresh(80, 0.85), options: { ...steady, epochs: 12, learningRate: 1e-3, batchSize: 16, freeze: 'backbone', fitHead: false } },
  { kind: 'good fit', name: 'enough rows, one-cycle', train: (seed) => pictures(320, 0.8, seed), validation: fresh(100, 0.8), options: { augment: false, labelSmoothing: 0, epochs: 16, learningRate: 1e-2, batchSize: 16 } },
  { kind: 'good fit', name: 'enough rows, easy', train: (seed) => pictures(240, 0.6, seed), validation: fresh(80, 0.6), options: { augment: false, labelSmoothing: 0, epochs: 20, learningRate: 5e-3, batchSize: 16 } },
  { kind: 'still learning', name: 'a low rate, stopped early', train: (seed) => pictures(240, 0.85, seed), validation: fresh(80, 0.85), options: { ...steady, epochs: 6, learningRate: 1e-3, batchSize: 16 } },
  { kind: 'still learning', name: 'SGD without momentum', train: (seed) => pictures(240, 0.8, seed), validation: fresh(120, 0.8), options: { ...steady, epochs: 10, learningRate: 6e-2, optimizer: { name: 'sgd' }, batchSize: 16 } },
  { kind: 'unstable', name: 'SGD with a rate that is too high', train: (seed) => pictures(160, 0.8, seed), validation: fresh(80, 0.8), options: { ...steady, epochs: 14, learningRate: 1.5, optimizer: { name: 'sgd', momentum: 0.9 }, clipNorm: false, batchSize: 8 } },
  { kind: 'unstable', name: 'AdamW with a rate that is too high', train: (seed) => pictures(160, 0.8, seed), validation: fresh(80, 0.8), options: { ...steady, epochs: 14, learningRate: 0.5, clipNorm: false, batchSize: 8 } },
  { kind: 'leaking', name: 'weights that know the validation rows', train: (seed) => pictures(160, 0.85, seed, 0.3), validation: fresh(60, 0.85), known: fresh(60, 0.85), options: { ...steady, epochs: 8, learningRate: 5e-4, batchSize: 16 } },
  { kind: 'leaking', name: 'copies of validation rows in training, wrong labels elsewhere', train: (seed) => joined(pictures(160, 0.95, seed, 0.4), ...Array.from({ length: 4 }, () => firstRows(pictures(60, 0.9, 1000 + seed), 40))), validation: (seed) => firstRows(pictures(60, 0.9, 1000 + seed), 40), options: { ...steady, epochs: 20, learningRate: 4e-3, batchSize: 16 }, dropout: 0.5 },
  { kind: 'too little data', name: 'ten validation rows', train: (seed) => pictures(60, 0.6, seed), validation: fresh(10, 0.6), options: { ...steady, epochs: 8, learningRate: 5e-3, batchSize: 16 } },
  { kind: 'too little data', name: 'two epochs', train: (seed) => pictures(120, 0.6, seed), validation: fresh(60, 0.6), options: { ...steady, epochs: 2, learningRate: 5e-3, batchSize: 16 } },
]

const dataOf = (train: Part, validation: Part): Dataset<any> => images.fromArrays({ train, validation, test: pictures(4, 0.5, 9) }, { name: 'stripes', classes }) as Dataset<any>

/** Runs it to its end, whatever the validation rows say. @param validation other rows to validate on, which change no weight */
export async function force(state: State, seed: number, validation?: Part): Promise<FineTuneResult> {
  const model = buildModel('small-cnn', { classes, imageSize: side, seed, config: { channels: [16, 32], dropout: state.dropout ?? 0 } })
  try {
    if (state.known) {
      const known = dataOf(state.known(seed), state.known(seed))
      await fineTune(model, known, { live: false, epochs: 30, learningRate: 1e-2, batchSize: 16, augment: false, labelSmoothing: 0, patience: false, seed })
    }
    return await fineTune(model, dataOf(state.train(seed), validation ?? state.validation(seed)), { live: false, patience: false, restoreBest: false, seed, ...state.options })
  } finally { model.dispose() }
}

/** The epoch from which fresh rows, many of them, are judged worse: the minimum of their smoothed loss, and the one after it. */
export async function trueOnset(state: State, seed: number): Promise<number> {
  const noise = state.name.includes('much noise') ? 0.9 : 0.88
  const { history } = await force(state, seed, pictures(1500, noise, 5000 + seed))
  const losses = history.map(({ validation }) => validation!['loss']!)
  const smooth = losses.map((_, i) => { const near = losses.slice(Math.max(0, i - 1), i + 2); return near.reduce((a, b) => a + b, 0) / near.length })
  return history[smooth.indexOf(Math.min(...smooth))]!.epoch + 1
}
