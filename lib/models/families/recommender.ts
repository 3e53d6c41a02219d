// Recommenders on who liked what. Matrix factorization (Koren et al. 2009) predicts ratings; two towers (Covington et al. 2016) rank items.
//
//   matrix factorization:  user ─► vector, bias ┐
//                          item ─► vector, bias ┴─► mean + biases + product of the vectors: the rating
//
//   two towers:            user ─► vector (─► dense ─► relu …) ─┐
//                          every item ─► vector (─► dense …) ───┴─► products + items' biases ─► how likely is this item among all
//
// Users and items are the preprocessing's; `addUsers` makes room for new ones, whose vectors are then fine-tuned alone.
import * as tf from '@tensorflow/tfjs'
import type { InteractionPreprocessing, Preprocessing } from '../../data/index.js'
import { activate } from '../blocks/activation.js'
import { Dense } from '../blocks/dense.js'
import { dropout } from '../blocks/dropout.js'
import { SharedTable } from '../blocks/embedding.js'
import type { Symbolic } from '../blocks/layer.js'
import { allIds, biasedProduct, choice } from '../blocks/recommend.js'
import { ModelError } from '../errors.js'
import type { Config, Family } from '../family.js'
import { checkedCounts } from './text.js'

interface RecommenderConfig { users: number; items: number; width: number; /** Of the vectors, in training. */ dropout: number; /** Mean rating, for ratings. */ mean: number; /** Widths of the layers of each tower. */ layers: number[] }

const inputs = () => ['user', 'item'].map((name) => tf.input({ shape: [], dtype: 'int32', name })) as [Symbolic, Symbolic]

function configured(title: string, given: Config | undefined, p: Preprocessing | undefined): RecommenderConfig {
  const known = p?.kind === 'interaction' ? { users: p.users.length, items: p.items.length, ...(p.mean === undefined ? {} : { mean: p.mean }) } : {}
  const config = { width: 64, dropout: 0.5, mean: 0, layers: [], ...known, ...given } as unknown as RecommenderConfig
  if (config.users === undefined || config.items === undefined) throw new ModelError(`Cannot build ${title} without users and items. Pass preprocessing: interactions.preprocessing(data), which knows them.`)
  if (!(config.dropout >= 0 && config.dropout < 1)) throw new ModelError(`Cannot configure ${title}: dropout is ${String(config.dropout)} and must be from 0 to below 1.`)
  if (!Array.isArray(config.layers) || !config.layers.every((n) => Number.isSafeInteger(n) && n > 0)) throw new ModelError(`Cannot configure ${title}: layers is ${JSON.stringify(config.layers)} and must be a list of positive whole numbers, such as [64].`)
  return checkedCounts(title, config, ['users', 'items', 'width'])
}

const shared = {
  inputs: 'interaction', task: 'recommendation', fromScratch: true, head: 'head',
  group: (layer: string) => layer.startsWith('users.') ? 'users' : 'items',
  checkpointName: (weight: string) => weight,
  resized: (config: RecommenderConfig, what: string, rows: number) => what === 'users' || what === 'items' ? { ...config, [what]: rows } : undefined,
  preprocessing(): Promise<InteractionPreprocessing> { return Promise.reject(new ModelError('Cannot build a recommender without its users and items. Pass preprocessing: interactions.preprocessing(data).')) },
} as const

export const matrixFactorization: Family<RecommenderConfig> = {
  ...shared,
  name: 'matrix-factorization',
  title: 'Matrix factorization',
  configure: ({ given, preprocessing }) => configured('matrix factorization', given, preprocessing),
  build({ users, items, width, dropout: rate, mean }) {
    const [user, item] = inputs()
    const side = (ids: Symbolic, name: string, rows: number) => ({ vector: dropout(new SharedTable(`${name}.vectors`, rows, width).look(ids), `${name}.dropout`, rate), bias: new SharedTable(`${name}.bias`, rows, 1).look(ids) })
    const u = side(user, 'users', users), v = side(item, 'items', items)
    return { network: tf.model({ name: 'matrix-factorization', inputs: [user, item], outputs: biasedProduct([u.vector, v.vector, u.bias, v.bias], 'rating', mean) }), features: u.vector }
  },
}

export const twoTower: Family<RecommenderConfig> = {
  ...shared,
  name: 'two-tower',
  title: 'Two towers',
  loss: 'ranking',
  configure: ({ given, preprocessing }) => configured('two towers', given, preprocessing),
  build({ users, items, width, dropout: rate, layers }) {
    const [user, item] = inputs()
    /** A table and the layers on it, which can be looked into more than once. */
    const tower = (name: string, rows: number) => {
      const table = new SharedTable(`${name}.vectors`, rows, width), dense = layers.map((units, i) => new Dense({ name: `${name}.layers.${i}`, units }))
      return (ids: Symbolic) => dense.reduce((x, layer, i) => activate(layer.apply(x) as Symbolic, `${layer.name}.activation`, i < dense.length - 1 ? 'relu' : 'linear'), dropout(table.look(ids), `${name}.dropout`, rate))
    }
    const u = tower('users', users)(user), every = allIds(item, 'items.all', items)
    const all = tower('items', items)(every), biases = new SharedTable('items.bias', items, 1).look(every)
    return { network: tf.model({ name: 'two-tower', inputs: [user, item], outputs: choice([u, all, biases, item], 'choice') }), features: u }
  },
}
