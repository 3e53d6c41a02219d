// Refuses options that make no sense, before anything is computed: each error names the option, the rule, the value and the next step.
import type { Dataset } from '../data/index.js'
import type { Model } from '../models/index.js'
import { callbackNames } from './callbacks.js'
import { didYouMean, shown, TrainError } from './errors.js'
import { optionNames, type TrainOptions } from './options.js'
import { createSchedule } from './schedules/index.js'

type Rule = [test: (value: number) => boolean, rule: string, example: string]

const whole = (least: number): Rule => [(value) => Number.isSafeInteger(value) && value >= least, `a whole number of at least ${least}`, '']
const rate: Rule = [(value) => Number.isFinite(value) && value > 0, 'a number above 0', '']
const share: Rule = [(value) => value >= 0 && value < 1, 'at least 0 and below 1', '']

const numbers: Partial<Record<keyof TrainOptions, Rule>> = {
  epochs: [(value) => Number.isSafeInteger(value) && value >= 0, 'a whole number of at least 0', 'epochs: 5'],
  frozenEpochs: [whole(0)[0], whole(0)[1], 'frozenEpochs: 1'],
  pairEpochs: [whole(0)[0], whole(0)[1], 'pairEpochs: 10'],
  batchSize: [whole(1)[0], whole(1)[1], 'batchSize: 16'],
  accumulate: [whole(1)[0], whole(1)[1], 'accumulate: 4'],
  learningRate: [rate[0], rate[1], "learningRate: 1e-3, or 'find'"],
  frozenLearningRate: [rate[0], rate[1], 'frozenLearningRate: 5e-3'],
  layerSpread: [(value) => Number.isFinite(value) && value >= 1, 'a number of at least 1', 'layerSpread: 10'],
  weightDecay: [(value) => Number.isFinite(value) && value >= 0, 'a number of at least 0', 'weightDecay: 0.01'],
  clipNorm: [rate[0], rate[1], 'clipNorm: 1, or false'],
  ema: [share[0], share[1], 'ema: 0.95, or false'],
  labelSmoothing: [share[0], share[1], 'labelSmoothing: 0.1'],
  patience: [whole(1)[0], whole(1)[1], 'patience: 3, or false'],
  seed: [(value) => Number.isSafeInteger(value), 'a whole number', 'seed: 0'],
}

/** @throws TrainError */
export function checkOptions(o: TrainOptions, verb = 'fine-tune'): void {
  const known: readonly string[] = optionNames
  for (const name of Object.keys(o)) if (!known.includes(name)) throw new TrainError(`Cannot ${verb}: there is no option "${name}".${didYouMean(name, known) || ` Options are ${known.join(', ')}.`}`)
  for (const [name, [test, rule, example]] of Object.entries(numbers)) {
    const value = o[name as keyof TrainOptions]
    if (value === undefined || (value === false && ['clipNorm', 'patience', 'ema'].includes(name)) || (name === 'learningRate' && (value === 'find' || Array.isArray(value)))) continue
    if (typeof value !== 'number' || !test(value)) throw new TrainError(`Cannot ${verb}: ${name} must be ${rule}, got ${shown(value)}. Use for example ${example}.`)
  }
  if (Array.isArray(o.learningRate)) o.learningRate.forEach((value: unknown, i) => { if (typeof value !== 'number' || !(Number.isFinite(value) && value >= 0)) throw new TrainError(`Cannot ${verb}: learningRate[${i}] must be a number of at least 0, got ${shown(value)}.`) })
  for (const name of ['fitHead', 'recompute', 'xla'] as const) if (o[name] !== undefined && typeof o[name] !== 'boolean') throw new TrainError(`Cannot ${verb}: ${name} must be true or false, got ${shown(o[name])}.`)
  if (o.rowWeights !== undefined && typeof o.rowWeights !== 'function') throw new TrainError(`Cannot ${verb}: rowWeights must be a function of a row, got ${shown(o.rowWeights)}. Use for example rowWeights: ({ speaker }) => speaker === 'theo' ? 10 : 1.`)
  if (o.schedule !== undefined) createSchedule(o.schedule)
  oneOf(verb, 'precision', o.precision, ['float32', 'mixed'])
  oneOf(verb, 'batchNorm', o.batchNorm, ['frozen', 'updating'])
  if (typeof o.freeze === 'string') oneOf(verb, 'freeze', o.freeze, ['backbone', 'none'], ', or a list of layer groups')
  if (typeof o.loss !== 'function') oneOf(verb, 'loss', o.loss, ['cross-entropy', 'focal', 'binary cross-entropy', 'squared error', 'huber', 'ctc', 'ranking', 'contrastive'], ', or a function')
  oneOf(verb, 'optimizer', typeof o.optimizer === 'object' ? o.optimizer.name : o.optimizer, ['adamw', 'adam', 'sgd', 'adafactor'])
  for (const callbacks of [o.callbacks ?? []].flat()) for (const name of Object.keys(callbacks)) if (name.startsWith('on') && !(callbackNames as readonly string[]).includes(name)) throw new TrainError(`Cannot ${verb}: there is no callback "${name}".${didYouMean(name, callbackNames) || ` There are ${callbackNames.join(', ')}.`}`)
  checkCheckpoints(o.checkpoints, verb)
  if (o.epochs === 0 && o.frozenEpochs === 0 && !o.pairEpochs) throw new TrainError(`Cannot ${verb}: epochs and frozenEpochs are both 0, so nothing would be trained. Use for example epochs: 5.`)
}

function checkCheckpoints(checkpoints: TrainOptions['checkpoints'], verb: string): void {
  if (checkpoints === undefined) return
  const { folder, everySteps = 1, keep = 1 } = typeof checkpoints === 'string' ? { folder: checkpoints } : checkpoints
  if (typeof folder !== 'string' || folder === '') throw new TrainError(`Cannot ${verb}: checkpoints must name a folder, got ${shown(folder)}. Use for example checkpoints: 'runs/ants-bees'.`)
  for (const [name, value] of Object.entries({ everySteps, keep })) if (!Number.isSafeInteger(value) || value < 1) throw new TrainError(`Cannot ${verb}: checkpoints.${name} must be a whole number of at least 1, got ${shown(value)}.`)
}

function oneOf(verb: string, name: string, value: string | undefined, allowed: readonly string[], more = ''): void {
  if (value !== undefined && !allowed.includes(value)) throw new TrainError(`Cannot ${verb}: ${name} must be one of ${allowed.map((one) => `'${one}'`).join(', ')}${more}, got ${shown(value)}.${didYouMean(String(value), allowed)}`)
}

/** Whether this model can learn from this data. @throws TrainError */
export function checkFit(model: Model, data: Dataset, o: TrainOptions, verb = 'fine-tune'): void {
  const wanted = { image: 'images', text: 'texts', sound: 'sounds', pair: 'pairs', interaction: 'interactions' }[model.preprocessing.kind]
  const together = model.task === 'embedding' && data.kind === 'pairs' // texts that belong together, for encoders
  if (wanted !== data.kind && !(together && wanted === 'texts')) throw new TrainError(`Cannot ${verb} ${model.family} on "${data.name}": the model reads ${wanted} and the data are ${data.kind}. Load a model for ${data.kind}.`)
  if (model.task === 'embedding' && !together) throw new TrainError(`Cannot ${verb} ${model.family} on "${data.name}": a model of embeddings learns from pairs that belong together, and the data are ${data.kind}. Load pairs, or the model with { classes }.`)
  if (data.train.size === 0) throw new TrainError(`Cannot ${verb} on "${data.name}": its training part has no rows. Use .split() to make one.`)
  if (o.batchSize !== undefined && o.batchSize > data.train.size) throw new TrainError(`Cannot ${verb} with batchSize ${o.batchSize}: "${data.name}" has ${data.train.size} training rows. Use batchSize: ${largestPower(data.train.size)} or less.`)
  if (o.accumulate !== undefined && o.batchSize !== undefined && o.accumulate > o.batchSize) throw new TrainError(`Cannot ${verb} with accumulate ${o.accumulate}: a step has ${o.batchSize} rows. Use accumulate: ${o.batchSize} or less, or a larger batchSize.`)
  checkLabels(model, data, o, verb)
  if (o.rowWeights) checkRowWeights(data, o.rowWeights, verb)
  if (o.pairEpochs && (model.task !== 'classification' || o.freeze === 'backbone')) throw new TrainError(`Cannot ${verb} with pairEpochs ${o.pairEpochs}: ${o.freeze === 'backbone' ? 'what would learn from pairs is frozen' : `pairs come from classes, and this is a model for ${model.task}`}. Leave pairEpochs out${o.freeze === 'backbone' ? ", or freeze: 'backbone'" : ''}.`)
  if (data.validation?.size === 0) throw new TrainError(`Cannot ${verb} on "${data.name}": its validation part has no rows. Use .split() to make one, or leave it out.`)
}

function checkRowWeights(data: Dataset, weightOf: (row: any) => number, verb: string): void {
  const present = new Set<number>()
  let counted = 0
  data.train.rows.forEach((row, i) => {
    const weight = weightOf(row)
    if (!(typeof weight === 'number' && weight >= 0 && Number.isFinite(weight))) throw new TrainError(`Cannot ${verb} on "${data.name}": rowWeights must give a number of at least 0 for every row, and gives ${shown(weight)} for training row ${i}.`)
    const label = data.train.labels[i] ?? -1
    if (weight > 0) counted++
    if (weight > 0 && label >= 0) present.add(label)
  })
  if (counted === 0) throw new TrainError(`Cannot ${verb} on "${data.name}": rowWeights gives 0 for each of its ${data.train.size} training rows, and nothing would be learned.`)
  if (data.classes.length > 1 && present.size < 2) throw new TrainError(`Cannot ${verb} on "${data.name}": rowWeights leaves rows of ${present.size === 0 ? 'no class' : `one class only (${data.classes[[...present][0]!]})`}, and there is nothing to tell apart.`)
}

const largestPower = (rows: number) => 2 ** Math.floor(Math.log2(Math.max(1, rows / 4)))

/** Tasks whose labels a reader gives, and what such rows have. */
const labelled: Partial<Record<Model['task'], string>> = { classification: 'one class each', 'multi-label': 'any number of classes', regression: 'a number each', token: 'a tag for each word' }

function checkLabels(model: Model, data: Dataset, o: TrainOptions, verb: string): void {
  if (!labelled[model.task]) return
  if (data.task !== model.task && (labelled[data.task] || model.task === 'regression')) throw new TrainError(`Cannot ${verb} ${model.family} on "${data.name}": it is a model for ${model.task} (${labelled[model.task]}), and the data are for ${data.task}${labelled[data.task] ? ` (${labelled[data.task]})` : ''}. Load the model with { task: data.task${data.task === 'regression' ? ", classes: ['value']" : ', classes: data.classes'} }.`)
  if (o.classWeights && model.task !== 'classification' && model.task !== 'token') throw new TrainError(`Cannot ${verb} ${model.family} with classWeights: they are for rows of one class, and this is a model for ${model.task}. Leave classWeights out.`)
  if (model.task === 'regression') {
    if (model.classes.length !== 1) throw new TrainError(`Cannot ${verb} ${model.family} on "${data.name}": rows have one number, and the model gives ${model.classes.length} (${model.classes.join(', ')}). Load it with one name in classes.`)
  } else checkClasses(model, data, verb)
}

function checkClasses(model: Model, data: Dataset, verb: string): void {
  const same = model.classes.length === data.classes.length && model.classes.every((name, i) => name === data.classes[i])
  if (!same) {
    const sorted = (list: readonly string[]) => [...list].sort().join('\u0000')
    const why = sorted(model.classes) === sorted(data.classes) ? 'they are the same in another order' : `the model has ${list(model.classes)}, the data ${list(data.classes)}`
    throw new TrainError(`Cannot ${verb} ${model.family} on "${data.name}": its classes are not the data's: ${why}. Load the model with { classes: data.classes${model.classes.length > 0 ? ", head: 'new'" : ''} }.`)
  }
  if (model.task === 'multi-label') return
  const present = data.train.counts.filter((count) => count > 0).length
  if (present < 2) throw new TrainError(`Cannot ${verb} on "${data.name}": its training part has ${model.task === 'token' ? 'words' : 'rows'} of ${present === 0 ? 'no class' : `one class only (${data.classes.filter((_, c) => (data.train.counts[c] ?? 0) > 0).join()})`}, and there is nothing to tell apart. Add rows of another class.`)
  for (const [name, split] of Object.entries(data.splits)) split.labels.forEach((label, row) => {
    if (label >= model.classes.length) throw new TrainError(`Cannot ${verb} on "${data.name}": row ${row} of "${name}" has label ${label}, and labels go from 0 to ${model.classes.length - 1}.`)
  })
}

const list = (names: readonly string[]) => `${names.length} (${names.slice(0, 4).join(', ')}${names.length > 4 ? ' …' : ''})`
