// Ways to learn from few labels. Each is a few options of fineTune, and what it needs; choosing among them is few-shot.ts.
import { disposeBatch, texts, type Dataset, type Split } from '../data/index.js'
import { buildModel, type Model } from '../models/index.js'
import { randomNumbers, type TrainOptions } from '../train/index.js'

export type RecipeName = 'frozen features' | 'frozen features, class names' | 'pairs' | 'pairs, class names' | 'fine-tuned' | 'small network from scratch'

export interface Recipe {
  name: RecipeName
  options(rows: number): TrainOptions
  /** Sentences that say the class's name stand among the training rows. */
  named?: boolean
  /** Another model than the one that was given. */
  model?(given: Model, seed: number): Model
}

/** Column with the part that a row stays in. */
const partOf = 'in part'

/** As many of a class's name as it weighs: about eight examples, whatever there are. */
const copies = 8

export const recipes: readonly Recipe[] = [
  { name: 'frozen features', options: () => ({ freeze: 'backbone', augment: false }) },
  { name: 'frozen features, class names', named: true, options: () => ({ freeze: 'backbone', augment: false }) },
  { name: 'pairs', options: (rows) => ({ pairEpochs: pairEpochs(rows) }) },
  { name: 'pairs, class names', named: true, options: (rows) => ({ pairEpochs: pairEpochs(rows) }) },
  { name: 'fine-tuned', options: () => ({ epochs: 6 }) },
  { name: 'small network from scratch', model: smallNetwork, options: (rows) => ({ epochs: Math.min(60, Math.max(10, Math.round(3000 / rows))), patience: false }) },
]

/** About twenty steps of sixteen rows, each two of them a pair: more would learn the few by heart. */
const pairEpochs = (rows: number) => Math.max(1, Math.min(20, Math.round(320 / rows)))

function smallNetwork(given: Model, seed: number): Model {
  const p = given.preprocessing, side = p.kind === 'image' ? Math.min(64, 32 * Math.max(1, Math.round(Math.min(p.height, p.width) / 32))) : 64
  return buildModel('small-cnn', { classes: given.classes, imageSize: side, seed })
}

/** What suits a kind of data: pairs pay for encoders of texts, a small network of one's own where pictures are unlike those of the pre-training. */
export function usualRecipes(model: Model): RecipeName[] {
  const { kind } = model.preprocessing
  if (kind === 'text') return ['frozen features', 'frozen features, class names', 'pairs, class names']
  return kind === 'image' ? ['frozen features', 'fine-tuned', 'small network from scratch'] : ['frozen features', 'fine-tuned']
}

/**
 * The data with "This sentence is NAME" for each class among the training rows, so that what the encoder knows of the name counts too.
 * @param template with {} for the class's name
 * @returns undefined where a text alone does not make a row, as with second texts
 */
export async function withClassNames(model: Model, data: Dataset<any>, template: string): Promise<Dataset<any> | undefined> {
  const rows = Object.values(data.splits).flatMap((split) => (split.rows as Record<string, unknown>[]).map((row) => ({ ...row, [partOf]: split.name })))
  const named = data.classes.flatMap((label) => Array.from({ length: copies }, () => ({ text: template.replaceAll('{}', label), label, [partOf]: 'train' })))
  const whole = texts.fromRows<{ [partOf]: string }>([...rows, ...named], { split: false, classes: data.classes, name: data.name }).assign((row) => row[partOf])
  return await sameTokens(model, data.train, whole.train) ? whole : undefined
}

async function sameTokens(model: Model, one: Split<any>, other: Split<any>): Promise<boolean> {
  const read = async (split: Split<any>) => {
    for await (const batch of split.take(4).batches({ batchSize: Math.min(4, split.size), preprocessing: model.preprocessing })) {
      const values = Object.values(batch.inputs).map((tensor) => tensor.dataSync().join()).join(';')
      disposeBatch(batch)
      return values
    }
    return ''
  }
  return await read(one) === await read(other)
}

/** Row numbers of each fold, each class spread evenly. */
export function foldsOf(labels: Int32Array, count: number, seed: number): number[][] {
  const random = randomNumbers(seed, 7), folds = Array.from({ length: count }, (): number[] => [])
  const order = Array.from(labels.keys(), (row) => ({ row, at: random() })).filter(({ row }) => labels[row]! >= 0).sort((a, b) => labels[a.row]! - labels[b.row]! || a.at - b.at)
  order.forEach(({ row }, place) => folds[place % count]!.push(row))
  return folds.map((rows) => rows.sort((a, b) => a - b))
}
