// The same model with more rows in its tables: new tokens, longer texts, larger images, new users and items. What it knew stays as it was.
import * as tf from '@tensorflow/tfjs'
import type { InteractionPreprocessing, Preprocessing } from '../data/index.js'
import { ModelError } from './errors.js'
import type { Config } from './family.js'
import { interpolated } from './interpolate.js'
import { construct } from './load.js'
import { NeuralModel } from './model.js'
import type { Model } from './types.js'

export interface Sizes { /** Rows of the table of words. */ tokens?: number; /** Longest sequence. */ positions?: number; /** Height and width of images in pixels. */ imageSize?: number; users?: number; items?: number }

/**
 * A copy of the model whose tables have other numbers of rows. New words, users and items begin as the mean of those there are, new positions
 * as the first ones again, positions of patches by bicubic interpolation; rows that are too many are left out. The given model stays as it is.
 *
 * @throws ModelError when the family has no such table, a number makes no sense, or adapters are not merged
 * @example const longer = resizeEmbeddings(model, { tokens: 30600, positions: 1024 })
 */
export function resizeEmbeddings(model: Model, sizes: Sizes, preprocessing: Preprocessing = model.preprocessing): Model {
  if (!(model instanceof NeuralModel)) throw new ModelError('Cannot resize this model: it was not made by loadModel or buildModel.')
  const { family, config } = model.parts
  if (model.lora) throw new ModelError(`Cannot resize ${model.family} while it has LoRA adapters. Call mergeLoRA first.`)
  const wanted = Object.entries(sizes).filter(([, size]) => size !== undefined)
  for (const [name, size] of wanted) if (!Number.isSafeInteger(size) || (size as number) < 1) throw new ModelError(`Cannot resize ${model.family}: ${name} must be a positive whole number, got ${String(size)}.`)
  const resized = wanted.reduce<Config | undefined>((so, [name, size]) => so && family.resized?.(so, name as keyof Sizes, size as number) as Config | undefined, config)
  if (wanted.length === 0 || !resized) throw new ModelError(`Cannot resize ${model.family} to ${JSON.stringify(sizes)}: it has no table of ${wanted.map(([name]) => name).join(' or ') || 'anything named'} that could grow.`)
  const grown = construct(family, family.configure({ given: resized }) as Config, { source: model.source, classes: model.classes, task: model.task, preprocessing: sizes.imageSize !== undefined && preprocessing.kind === 'image' ? { ...preprocessing, height: sizes.imageSize, width: sizes.imageSize } : preprocessing, updating: model.batchNormStatistics === 'updating', headIsNew: model.headIsNew })
  const before = model.weights()
  for (const { name, variable } of grown.all) tf.tidy(() => { variable.assign(rowsFor(name, before[name]!, variable.shape)) })
  return grown
}

function rowsFor(name: string, old: tf.Tensor, shape: readonly number[]): tf.Tensor {
  if (String(old.shape) === String(shape)) return old.clone()
  if (old.rank === 3 && name.includes('position')) return patchPositions(old as tf.Tensor3D, shape)
  // A bias of words lies along its last axis, tables along their first.
  const axis = old.shape.findIndex((size, at) => size !== shape[at]), [from, to] = [old.shape[axis]!, shape[axis]!]
  if (to <= from) return tf.slice(old, old.shape.map(() => 0), old.shape.map((size, at) => at === axis ? to : size))
  const fresh = name.includes('position')
    ? tf.gather(old, tf.tensor1d(Array.from({ length: to - from }, (_, i) => i % from), 'int32'), axis)
    : tf.tile(old.mean(axis, true), old.shape.map((_, at) => at === axis ? to - from : 1))
  return tf.concat([old, fresh], axis)
}

/** `[1, 1 + n · n, width]`: the first place is the class token's and stays. */
function patchPositions(old: tf.Tensor3D, shape: readonly number[]): tf.Tensor {
  const width = shape[2]!, [from, to] = [old.shape[1] - 1, shape[1]! - 1].map(Math.sqrt) as [number, number]
  const grid = interpolated(tf.slice(old, [0, 1, 0]).dataSync() as Float32Array, from, to, width)
  return tf.concat([tf.slice(old, [0, 0, 0], [1, 1, width]), tf.tensor3d(grid, [1, to * to, width])], 1)
}

/**
 * A copy of a recommender with room for new users, each beginning as the mean of those it knows. Fine-tune their vectors alone by
 * `fineTune(model, theirRatings, { freeze: ['items'] })`.
 *
 * @example const wider = addUsers(model, newcomers.train.rows.map(({ user }) => user))
 */
export function addUsers(model: Model, users: readonly string[]): Model { return added(model, 'users', users) }

/** The same for items. */
export function addItems(model: Model, items: readonly string[]): Model { return added(model, 'items', items) }

function added(model: Model, side: 'users' | 'items', ids: readonly string[]): Model {
  const { preprocessing: p } = model
  if (p.kind !== 'interaction') throw new ModelError(`Cannot add ${side} to ${model.family}: it is no recommender.`)
  const known = new Set(p[side]), fresh = [...new Set(ids.map(String))].filter((id) => !known.has(id))
  const wider: InteractionPreprocessing = { ...p, [side]: [...p[side], ...fresh] }
  return resizeEmbeddings(model, { [side]: wider[side].length }, wider)
}
