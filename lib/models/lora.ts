// Low-rank adapters (Hu et al. 2021) on a model's dense layers: add, merge, and files in peft's format.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { Dense } from './blocks/dense.js'
import { savedName } from './checkpoint.js'
import { ModelError } from './errors.js'
import { openSafetensors } from './formats/safetensors.js'
import { writeSafetensors } from './formats/safetensors-writer.js'
import { randomize } from './initialize.js'
import type { NeuralModel } from './model.js'
import { storedAxes, storedShape, type NetworkWeight } from './network-weights.js'
import type { Model } from './types.js'

export interface LoRAOptions {
  /** Width of the adapters. Default 8. */
  rank?: number
  /** The product is scaled by alpha / rank. Default 2 · rank. */
  alpha?: number
  /** Ends of the layers' names, such as 'query', or 'all' for every dense layer but the head. Default: what makes queries and values in every attention, as the family names it. */
  targets?: readonly string[] | 'all'
  /** Seed of the first matrix; the second starts at zero, so the model is unchanged at first. Default 0. */
  seed?: number
}

/** Inside a saved model, so that transformers takes the folder itself for the model without the adapter. */
export const adapterFolder = 'adapter'

const weightsFile = 'adapter_model.safetensors', configFile = 'adapter_config.json', prefix = 'base_model.model.'

/** A layer's name in the family's checkpoints, which is what peft knows it by. */
const publishedModule = (model: NeuralModel, layer: string) => model.parts.family.checkpointName(`${layer}.weight`, model.parts.config).replace(/\.weight$/, '')

/** How families end the names of what makes queries and values. */
const queryAndValue = [['query', 'value'], ['q_proj', 'v_proj'], ['q', 'v']]

function neural(model: Model): NeuralModel {
  if ('parts' in model && 'refresh' in model) return model as NeuralModel
  throw new ModelError('Cannot use LoRA on this model: it was not made by loadModel or buildModel.')
}

/** Whether the model computes with adapters that its weights do not contain. */
export const hasLiveAdapters = (model: NeuralModel): boolean => adapters(model).some(({ adapter }) => !adapter!.merged)

const adapters = (model: NeuralModel): Dense[] => model.network.layers.filter((layer): layer is Dense => layer instanceof Dense && layer.adapter !== undefined)

/**
 * Adds LoRA adapters. From then on only they and the head train; the other weights are out of `groups()`.
 *
 *     addLoRA(model, { rank: 8, targets: ['query', 'value'] })
 */
export function addLoRA(model: Model, o: LoRAOptions = {}): void {
  const { rank = 8, seed = 0 } = o, alpha = o.alpha ?? 2 * rank
  const own = neural(model)
  if (!Number.isSafeInteger(rank) || rank < 1) throw new ModelError(`Cannot add LoRA of rank ${rank}: rank must be a whole number from 1.`)
  if (!(alpha > 0) || !Number.isFinite(alpha)) throw new ModelError(`Cannot add LoRA with alpha ${alpha}: alpha must be a number above 0.`)
  if (own.lora) throw new ModelError(`Cannot add LoRA to ${model.family}: it has adapters of rank ${own.lora.rank} already. Call mergeLoRA first.`)
  const isHead = (name: string) => name === own.parts.family.head || name.startsWith(`${own.parts.family.head}.`)
  const dense = own.network.layers.filter((layer): layer is Dense => layer instanceof Dense && !isHead(layer.name))
  const endOf = (name: string) => name.slice(name.lastIndexOf('.') + 1)
  const targets = o.targets === 'all' ? [...new Set(dense.map(({ name }) => endOf(name)))] : o.targets ?? queryAndValue.find((pair) => pair.every((end) => dense.some(({ name }) => endOf(name) === end))) ?? queryAndValue[0]!
  const chosen = dense.filter(({ name }) => targets.some((target) => [name, publishedModule(own, name)].some((known) => known === target || known.endsWith(`.${target}`))))
  if (chosen.length === 0) throw new ModelError(`Cannot add LoRA to ${targets.join(', ') || 'nothing'}: ${model.family} has no such dense layers. It has ${[...new Set(dense.map(({ name }) => name.replace(/^.*\d\./, '')))].slice(0, 12).join(', ') || 'none that LoRA can go on'}.`)
  for (const layer of chosen) layer.adapt(rank, alpha / rank)
  own.lora = { rank, alpha, targets: [...targets] }
  own.refresh()
  randomize(own.all.filter(({ name }) => name.endsWith('.lora_A.weight')), seed, () => true)
}

/** Folds the adapters into the weights they stand on: same predictions (but for rounding), nothing more to compute. `keep` allows `unmergeLoRA`. */
export function mergeLoRA(model: Model, { keep = false } = {}): void {
  const own = neural(model), layers = adapters(own)
  if (layers.length === 0) throw new ModelError(`Cannot merge LoRA into ${model.family}: it has no adapters. Call addLoRA first.`)
  for (const layer of layers) layer.merge(true)
  if (keep) return own.refresh()
  for (const layer of layers) layer.release()
  own.lora = undefined
  own.refresh()
}

/** Takes adapters that were merged with `keep` out of the weights again. */
export function unmergeLoRA(model: Model): void {
  const own = neural(model), layers = adapters(own)
  if (!layers.some(({ adapter }) => adapter!.merged)) throw new ModelError(`Cannot unmerge LoRA from ${model.family}: nothing is merged that was kept. Use mergeLoRA(model, { keep: true }).`)
  for (const layer of layers) layer.merge(false)
  own.refresh()
}

/** The weights that an adapter file holds, and peft's names for them. */
function adapterWeights(model: NeuralModel): { weight: NetworkWeight; stored: string; /** Where the body's names have no prefix. */ plain: string }[] {
  const { family, config } = model.parts
  return model.all.filter(({ trainable }) => trainable).map((weight) => ({ weight, stored: prefix + savedName(weight, family, config, model.published?.prefix), plain: prefix + savedName(weight, family, config) }))
}

/** Saves only the adapters and the head, as peft does: adapter_model.safetensors and adapter_config.json. */
export async function saveAdapter(model: Model, folder: string): Promise<void> {
  const own = neural(model)
  if (!own.lora) throw new ModelError(`Cannot save an adapter of ${model.family}: it has none. Call addLoRA first, or model.save for the whole model.`)
  const path = resolve(folder)
  await mkdir(path, { recursive: true })
  await writeSafetensors(join(path, weightsFile), adapterWeights(own).map(({ weight, stored }) => ({
    name: stored, shape: storedShape(weight), dtype: 'F32' as const,
    data: () => tf.tidy(() => (weight.axes ? weight.variable.transpose(storedAxes(weight.axes)) : weight.variable).dataSync().slice() as Float32Array),
  })), { format: 'pt' })
  const { rank, alpha } = own.lora
  const targets = [...new Set(adapters(own).map(({ name }) => publishedModule(own, name)).map((name) => name.slice(name.lastIndexOf('.') + 1)))]
  const headModule = own.published?.head ?? own.parts.family.checkpointName(`${own.parts.family.head}.weight`, own.parts.config).replace(/\.weight$/, '')
  const task = !own.published ? null : model.classes.length === 0 ? 'FEATURE_EXTRACTION' : own.parts.family.inputs === 'text' && model.task !== 'token' ? 'SEQ_CLS' : null
  const config = { peft_type: 'LORA', task_type: task, base_model_name_or_path: model.source, r: rank, lora_alpha: alpha, lora_dropout: 0, bias: 'none', target_modules: targets, modules_to_save: model.classes.length > 0 ? [headModule] : null, inference_mode: true }
  await writeFile(join(path, `${configFile}.partial`), `${JSON.stringify(config, null, 2)}\n`)
  await rename(join(path, `${configFile}.partial`), join(path, configFile))
}

/** Adds the adapters that peft or `saveAdapter` wrote to `folder`, with their values. */
export async function loadAdapter(model: Model, folder: string): Promise<void> {
  const own = neural(model), path = resolve(folder)
  let config: { peft_type?: string; r?: number; lora_alpha?: number; target_modules?: string[]; use_rslora?: boolean; bias?: string }
  try {
    config = JSON.parse(await readFile(join(path, configFile), 'utf8')) as typeof config
  } catch (error) {
    throw new ModelError(`Cannot load an adapter from ${path}: its ${configFile} cannot be read (${(error as Error).message}).`, { cause: error })
  }
  if (config.peft_type !== 'LORA' || !Array.isArray(config.target_modules) || config.use_rslora || (config.bias ?? 'none') !== 'none') throw new ModelError(`Cannot load the adapter in ${path}: only plain LoRA with a list of target_modules can be read, and it has ${JSON.stringify({ peft_type: config.peft_type, target_modules: config.target_modules, bias: config.bias })}.`)
  const file = await openSafetensors(join(path, weightsFile))
  try {
    addLoRA(model, { rank: config.r ?? 8, alpha: config.lora_alpha ?? 8, targets: config.target_modules })
    for (const { weight, stored: full, plain } of adapterWeights(own)) {
      const stored = file.entries.has(full) ? full : plain, found = file.entries.get(stored), shape = storedShape(weight)
      if (found?.shape.join() !== shape.join()) throw new ModelError(`Cannot load the adapter in ${path}: ${stored} ${found ? `has shape [${found.shape.join(', ')}]` : 'is missing'} and the model needs [${shape.join(', ')}]. Check that it was trained on ${model.source}.`)
      const data = await file.read(stored)
      tf.tidy(() => {
        const value = tf.tensor(data, shape, 'float32')
        weight.variable.assign(weight.axes ? value.transpose([...weight.axes]) : value)
      })
    }
  } catch (error) {
    if (own.lora) for (const layer of adapters(own)) layer.release()
    own.lora = undefined
    own.refresh()
    throw error
  } finally {
    await file.close()
  }
}
