// From options to a complete plan: every default is decided here, with its reason. Nothing is computed.
import type { AugmentOptions, Dataset } from '../data/index.js'
import type { OptimizerSpec } from '../engine/index.js'
import { frozenNames, type Freeze, type Model } from '../models/index.js'
import type { RunDefault } from './events.js'
import { canFitHead } from './fit-head.js'
import type { TrainOptions } from './options.js'
import { createSchedule, type Schedule } from './schedules/index.js'
import { marksEntities } from './metrics/index.js'
import { workersOfProcess } from './team.js'
import { wasTrained } from './trained.js'

export interface PhasePlan {
  name: 'head only' | 'whole network' | string
  detail: string
  epochs: number
  /** Layer groups that are frozen. */
  frozen: readonly string[]
  /** The backbone's features are computed once, and the head trains on them. */
  cached: boolean
  /** The backbone learns from pairs of rows; the head has no part in it. */
  pairs?: boolean
  /** The head is fitted on them in one go: one epoch without steps. */
  fit: boolean
  /** Highest rate of each trained layer group, from the input end. */
  rates: { group: string; rate: number }[]
}

export interface Plan {
  phases: PhasePlan[]
  epochs: number
  batchSize: number
  stepsPerEpoch: number
  learningRate: number
  schedule: Schedule
  optimizer: OptimizerSpec
  clipNorm: number | undefined
  /** In how many parts a step takes its rows. */
  accumulate: number
  /** Share of the average that stays with each step; 0 for no averaging. */
  ema: number
  /** After each epoch both the average and the last step's weights are validated, and the better of them counts. */
  emaOrLast: boolean
  labelSmoothing: number
  classWeights: number[] | undefined
  augment: AugmentOptions | undefined
  batchNorm: 'frozen' | 'updating'
  metric: string
  patience: number | undefined
  restoreBest: boolean
  seed: number
  precision: 'float32' | 'mixed'
  /** Whether the forward pass is computed again for the gradients, to save memory. */
  recompute: boolean
  xla: boolean
  /** What the caller's own code or choice decides of the loss, as text: a run goes on only with the same. */
  code: string
  /** Whether the model had been trained before. */
  trained: boolean
  defaults: RunDefault[]
}

/** Small changes that leave most pictures what they are; mirroring is left out because some pictures mean something else mirrored. */
const pictureChanges: AugmentOptions = { shift: 0.08, rotate: 8, zoom: [0.9, 1.15], brightness: 0.1, contrast: 0.1, saturation: 0.1 }

/**
 * @param o options that `checkOptions` let pass; `learningRate` is not 'find' any more
 */
export function makePlan(model: Model, data: Dataset<any>, o: TrainOptions, trained = wasTrained(model)): Plan {
  const defaults: RunDefault[] = []
  function choose<T>(name: string, given: T | undefined, value: T, reason: string, text = String(value)): T {
    if (given !== undefined) return given
    defaults.push({ name, value: text, reason })
    return value
  }
  const rows = data.train.size, images = model.preprocessing.kind === 'image', text = model.preprocessing.kind === 'text'
  const scratch = model.source.startsWith('new ') && !trained, before = trained
  const transformer = text || model.preprocessing.kind === 'pair'
  // A row of ratings is two numbers: many make one step, and their vectors are held together by decay.
  const ratings = model.preprocessing.kind === 'interaction'
  const pairEpochs = o.pairEpochs ?? 0
  const batchSize = choose('batchSize', o.batchSize, ...usualBatch(model, rows, ratings, workersOfProcess()?.size ?? 1, pairEpochs > 0))
  const stepsPerEpoch = Math.ceil(rows / batchSize)
  const freeze = choose<Freeze>('freeze', o.freeze, 'none', 'every layer may adapt; the first ones slowly')
  const groups = model.groups().map(({ name }) => name)
  const always = frozenNames(freeze, groups, model.family)
  const headOnly = freeze === 'backbone'
  const augment = o.augment === false ? undefined : o.augment ?? (images && !headOnly ? pictureChanges : undefined)
  if (o.augment === undefined && augment) defaults.push({ name: 'augment', value: Object.keys(augment).join(', '), reason: 'small random changes of every picture, new in each epoch, make few pictures go further; no mirror images, which may mean something else' })
  const cacheable = model.hasHead
  const onFeatures = headOnly && cacheable && !augment
  // Only what nobody asked to be done in steps is fitted in one go.
  const asked = o.frozenEpochs !== undefined && o.frozenEpochs > 1 || o.frozenLearningRate !== undefined || o.loss !== undefined || o.classWeights !== undefined
    || (headOnly && (o.learningRate !== undefined || (o.epochs ?? 1) > 1))
  const fit = (o.fitHead ?? !asked) && cacheable && canFitHead(model, rows) && (!headOnly || onFeatures)
  const fitsWhole = headOnly && fit
  const epochs = fitsWhole ? 1 : choose('epochs', o.epochs, pairEpochs > 0 ? 0 : onFeatures ? 30 : ratings ? 25 : scratch ? 15 : 5, pairEpochs > 0 ? 'after pairs a head on the features is enough' : onFeatures ? 'features are computed once, so epochs cost next to nothing' : scratch ? 'random weights need longer than pre-trained ones' : 'pre-trained weights need few; early stopping ends sooner')
  const newDecoder = model.preprocessing.kind === 'pair' && model.headIsNew === true && !scratch && !before
  const numbers = model.task === 'regression'
  const startsWithHead = !headOnly && (!scratch || numbers) && !before && (model.preprocessing.kind !== 'pair' || newDecoder) && groups.includes('head') && groups.length > 1
  const frozenEpochs = headOnly ? 0 : choose('frozenEpochs', o.frozenEpochs, startsWithHead || pairEpochs > 0 ? 1 : 0,
    pairEpochs > 0 ? 'the head comes after the pairs' : scratch && numbers ? 'the head begins at the numbers\' own mean and scale' : scratch ? 'random weights have nothing to protect' : before ? 'this model was trained before, so its head is not new' : 'a new head would spoil the weights below with its large first gradients')
  if ((fitsWhole || (fit && frozenEpochs > 0)) && o.fitHead === undefined) defaults.push({ name: 'fitHead', value: 'true', reason: `on frozen features the best linear head can be computed: ${numbers ? 'ridge' : 'logistic'} regression, its regularization chosen by validation` })
  const learningRate = typeof o.learningRate === 'number' ? o.learningRate : Array.isArray(o.learningRate) ? Math.max(...(o.learningRate as number[])) : choose('learningRate', undefined, ...usualRate({ headOnly, ratings, newDecoder, transformer, scratch, before, pairs: pairEpochs > 0 }))
  const frozenRate = headOnly ? learningRate : frozenEpochs > 0 && !fit ? choose('frozenLearningRate', o.frozenLearningRate, newDecoder ? 1e-3 : 3e-3, 'a head alone bears a higher rate than the whole network') : o.frozenLearningRate ?? learningRate
  const spread = Array.isArray(o.learningRate) || headOnly ? 1 : choose('layerSpread', o.layerSpread, scratch ? 1 : 10, scratch ? 'all layers are equally new' : `the first layers know edges and colours already: they learn ${10}× slower than the head`)
  const free = groups.filter((name) => !always.includes(name))
  const rates = free.map((group, i) => ({ group, rate: Array.isArray(o.learningRate) ? (o.learningRate as number[])[i] ?? learningRate : learningRate / spread ** (free.length === 1 ? 0 : (free.length - 1 - i) / (free.length - 1)) }))
  const phases: PhasePlan[] = []
  const how = fit ? 'a linear classifier fitted on features that are computed once' : cacheable ? 'features of the frozen backbone are computed once' : 'the backbone is frozen'
  if (pairEpochs > 0) phases.push({ name: 'pairs', detail: 'rows of one class become alike, those of different classes unlike', epochs: pairEpochs, frozen: [...new Set([...always, 'head'])], cached: false, pairs: true, fit: false, rates: rates.filter(({ group }) => group !== 'head') })
  if (frozenEpochs > 0) phases.push({ name: 'head only', detail: how, epochs: fit ? 1 : frozenEpochs, frozen: groups.filter((name) => name !== 'head'), cached: cacheable, fit, rates: [{ group: 'head', rate: frozenRate }] })
  if (epochs > 0) phases.push({ name: headOnly ? 'head only' : always.length > 0 ? `${free.length} of ${groups.length} layer groups` : 'whole network', detail: headOnly ? (onFeatures ? how : 'the backbone is frozen') : spread > 1 ? `rates from ${short(learningRate / spread)} in the first layers to ${short(learningRate)} in the head` : `rate up to ${short(learningRate)}`, epochs, frozen: always, cached: onFeatures, fit: fitsWhole, rates })
  const optimizer = typeof o.optimizer === 'object' ? o.optimizer : { name: choose('optimizer', o.optimizer, 'adamw' as const, 'robust without tuning'), ...(o.weightDecay === undefined && !ratings ? {} : { weightDecay: choose('weightDecay', o.weightDecay, 0.1, 'keeps the vectors of users and items short, which few ratings alone would not') }) }
  const clipNorm = choose('clipNorm', o.clipNorm, 1, 'one odd batch cannot throw the weights far')
  const averaged = images && !scratch && !headOnly
  const ema = averaged ? choose<number | false>('ema', o.ema, 0.95, 'an average over about the last 20 steps is steadier than the last one; each epoch is judged by the better of the two') : o.ema ?? false
  const labelled = model.task === 'classification'
  const metric = choose('metric', o.metric, labelled ? 'accuracy' : model.task === 'multi-label' ? 'f1' : model.task === 'token' ? marksEntities(model.classes) ? 'entity f1' : 'accuracy' : model.loss === 'ranking' ? 'loss' : model.task === 'regression' || model.task === 'recommendation' ? 'rmse' : model.task === 'speech' ? 'wer' : 'loss', labelled ? 'share of rows that are right; equal epochs are told apart by their loss' : model.task === 'multi-label' ? 'mean over the classes: where most answers are no, accuracy says little' : model.task === 'token' ? marksEntities(model.classes) ? 'entities with the right kind and both ends; most words belong to none, so accuracy says little' : 'share of words that are right' : 'distance to the truth')
  const total = phases.reduce((sum, phase) => sum + phase.epochs, 0)
  const validated = data.validation !== undefined
  const patience = validated ? choose('patience', o.patience, Math.max(3, Math.ceil(total / 2)), 'the middle of one-cycle, at its highest rate, may look worse for a while') : false
  return {
    phases, epochs: total, batchSize, stepsPerEpoch, learningRate, optimizer, metric,
    schedule: createSchedule(choose('schedule', o.schedule, 'one-cycle', 'up to the highest rate and down to zero in each phase: fast and forgiving')),
    clipNorm: clipNorm === false ? undefined : clipNorm,
    accumulate: o.accumulate ?? 1,
    ema: ema === false ? 0 : ema,
    emaOrLast: averaged && o.ema === undefined,
    labelSmoothing: labelled || model.task === 'sequence' || model.task === 'token' ? choose('labelSmoothing', o.labelSmoothing, images || model.task === 'sequence' ? 0.1 : 0, images ? 'keeps the network from being too sure of few pictures' : model.task === 'sequence' ? 'usual for translators (Vaswani et al. 2017): other words may do as well' : 'off') : 0,
    classWeights: o.classWeights === 'balanced' ? balanced(data.train.counts) : o.classWeights && [...o.classWeights],
    augment,
    batchNorm: o.batchNorm ?? (scratch ? 'updating' : model.batchNormStatistics),
    patience: patience === false ? undefined : patience,
    restoreBest: o.restoreBest ?? validated,
    seed: choose('seed', o.seed, 0, 'the same order, changes and dropout every time'),
    precision: o.precision ?? 'float32',
    recompute: o.recompute ?? false,
    xla: o.xla ?? false,
    code: [o.loss, o.rowWeights].map((one) => one === undefined ? '' : String(one)).join('\n'),
    trained,
    defaults,
  }
}

/** The highest rate of the head, and why. */
function usualRate({ headOnly, ratings, newDecoder, transformer, scratch, before, pairs }: Record<'headOnly' | 'ratings' | 'newDecoder' | 'transformer' | 'scratch' | 'before' | 'pairs', boolean>): [rate: number, reason: string] {
  if (headOnly) return [3e-3, 'a head alone bears a high rate']
  if (ratings) return [5e-3, 'vectors of users and items start near 0 and have far to go']
  if (newDecoder) return [1e-3, 'the decoder is new; the encoder learns more slowly']
  if (transformer) return [scratch ? 1e-3 : 1e-4, 'usual for transformers with AdamW']
  if (scratch) return [3e-3, 'random weights have a long way to go; findLearningRate measures it for your data']
  return before ? [3e-4, 'it was trained before and has less far to go: smaller steps keep what it knows'] : [1e-3, 'usual for convolutional networks with AdamW; findLearningRate measures it for your data']
}

const short = (value: number) => Number(value.toPrecision(2)).toString()

/** Of the memory that is free, a step may be expected to take this share: the estimate knows nothing of TensorFlow's own scratch space. */
export const memoryShare = 0.8

/** Whether a step of so many rows is expected to fit in the free memory, with a margin. */
export function fitsInMemory(model: Model, batchSize: number): boolean {
  const { memory, available } = model.summary({ batchSize })
  return memory.total <= memoryShare * available
}

/** What suits the number of rows, halved until each worker's part of a step fits in memory. */
function usualBatch(model: Model, rows: number, ratings: boolean, workers: number, pairs: boolean): [batchSize: number, reason: string] {
  const wanted = ratings ? Math.min(256, Math.max(1, Math.floor(rows / 8))) : pairs ? Math.min(rows, 16) : defaultBatch(rows)
  let size = wanted
  while (size > workers && !fitsInMemory(model, Math.ceil(size / workers))) size = Math.ceil(size / 2)
  return [multiple(size, workers), size < wanted ? `a step of ${2 * size} rows would not fit in the memory that is free` : ratings ? 'a rating is little work' : pairs ? 'each two of its rows are a pair' : batchReason(rows)]
}

/** A power of two from 8 to 64 that gives an epoch at least 16 steps, where there are enough rows for that. */
function defaultBatch(rows: number): number {
  return Math.min(rows, Math.max(8, Math.min(rows >= 20000 ? 64 : rows >= 4000 ? 32 : 16, 2 ** Math.floor(Math.log2(Math.max(1, rows / 12))))))
}

/** Every worker takes the same number of rows. */
const multiple = (size: number, of: number) => Math.ceil(size / of) * of

function batchReason(rows: number): string {
  if (rows < 192) return `${rows} rows are few: small batches give an epoch enough steps`
  return rows < 4000 ? 'small batches learn most from few rows' : 'enough steps an epoch also with larger, faster batches'
}

/** Rows of all classes together count alike: n / (classes · count), as scikit-learn's 'balanced'. */
function balanced(counts: readonly number[]): number[] {
  const present = counts.filter((count) => count > 0), rows = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => count === 0 ? 0 : rows / (present.length * count))
}
