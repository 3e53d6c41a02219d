// Recommenders in use: the best items for a user, and lists judged against what users liked.
import * as tf from '@tensorflow/tfjs'
import type { InteractionPreprocessing, InteractionRow, Split } from '../data/index.js'
import { recordFunction, type RecordedFunction } from '../engine/index.js'
import type { Model } from '../models/index.js'
import { TrainError, type RankedQuery } from '../train/index.js'

/** Interactions by rows: a split, or what is like one. */
export type Interactions = Pick<Split<any>, 'rows' | 'name'>

export interface Recommendation { item: string; /** Predicted rating, or log-probability of being chosen. */ score: number }

function preprocessingOf(model: Model): InteractionPreprocessing {
  if (model.preprocessing.kind !== 'interaction') throw new TrainError(`Cannot recommend with ${model.family}: it reads ${model.preprocessing.kind}s. Build a recommender, such as buildModel('two-tower', { preprocessing: interactions.preprocessing(data) }).`)
  return model.preprocessing
}

/** Scores of all items for one user after the other. */
class Scores {
  private readonly compute: RecordedFunction
  private readonly places: Map<string, number>
  constructor(private readonly model: Model, readonly p: InteractionPreprocessing) {
    this.places = new Map(p.users.map((user, place) => [user, place]))
    this.compute = recordFunction((inputs) => ({ scores: model.forward(inputs, { training: false }) }), { variables: Object.values(model.weights()) })
  }

  /** float32, one for each of the preprocessing's items; undefined for a user that the model does not know. */
  async of(user: string): Promise<Float32Array | undefined> {
    const place = this.places.get(user), count = this.p.items.length
    if (place === undefined) return undefined
    const inputs = { user: tf.fill([count], place, 'int32'), item: tf.range(0, count, 1, 'int32') }
    const { scores } = await this.compute.runAsync(inputs)
    try { return (scores!.dataSync() as Float32Array).slice() } finally { tf.dispose([inputs, scores!]) }
  }

  dispose(): void { this.compute.dispose() }
}

/**
 * The best items for users, best first.
 *
 * @param o `k`: how many, default 10; `without`: interactions whose items are left out for their users, such as those of the training part
 * @throws TrainError when the model is no recommender, or does not know a user (see `addUsers`)
 * @example const [forAnna] = await recommend(model, ['anna'], { k: 5, without: data.train })
 */
export async function recommend(model: Model, users: readonly string[], o: { k?: number; without?: Interactions | readonly Interactions[] } = {}): Promise<Recommendation[][]> {
  const scores = new Scores(model, preprocessingOf(model)), known = itemsByUser([o.without ?? []].flat())
  try {
    const out: Recommendation[][] = []
    for (const user of users) {
      const all = await scores.of(user)
      if (!all) throw new TrainError(`Cannot recommend to user "${user}": the model does not know this user. Add users with addUsers(model, ids) and fine-tune their vectors.`)
      const left = known.get(user)
      out.push(scores.p.items.map((item, i) => ({ item, score: all[i]! })).filter(({ item }) => !left?.has(item)).sort((a, b) => b.score - a.score).slice(0, o.k ?? 10))
    }
    return out
  } finally { scores.dispose() }
}

/**
 * The ratings that a model of ratings expects, row after row; NaN for users and items that it does not know.
 *
 * @param o `range`: lowest and highest rating that there is, to which predictions are cut
 * @throws TrainError when the model is no recommender, or one that ranks instead of rating
 * @example rmse(data.test!.rows.map(({ rating }) => rating), await predictRatings(model, data.test!.rows, { range: [1, 5] }))
 */
export async function predictRatings(model: Model, rows: readonly Pick<InteractionRow, 'user' | 'item'>[], o: { range?: readonly [lowest: number, highest: number] } = {}): Promise<number[]> {
  const p = preprocessingOf(model), [lowest, highest] = o.range ?? [-Infinity, Infinity]
  if (model.loss === 'ranking') throw new TrainError(`Cannot predict ratings with ${model.family}: it ranks items and knows no ratings. Use recommend(model, users), or train matrix factorization.`)
  const places = [p.users, p.items].map((ids) => new Map(ids.map((id, place) => [id, place]))) as [Map<string, number>, Map<string, number>]
  const predicted: number[] = []
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    const some = rows.slice(from, from + rowsAtOnce), users = some.map(({ user }) => places[0].get(user)), items = some.map(({ item }) => places[1].get(item))
    const scores = tf.tidy(() => model.forward({ user: tf.tensor1d(users.map((place) => place ?? 0), 'int32'), item: tf.tensor1d(items.map((place) => place ?? 0), 'int32') }, { training: false }))
    const values = await scores.data()
    scores.dispose()
    some.forEach((_, i) => predicted.push(users[i] === undefined || items[i] === undefined ? NaN : Math.min(highest, Math.max(lowest, values[i]!))))
  }
  return predicted
}

/** Predictions of one computation. */
const rowsAtOnce = 8192

/** Each user's list against what they liked: relevance 1 for items of `split` with a rating that counts as liked, candidates all items but those of `known`. Users without a liked item are left out. */
export async function rankedQueries(model: Model, split: Interactions, known: readonly Interactions[] = []): Promise<RankedQuery[]> {
  const p = preprocessingOf(model), scores = new Scores(model, p), before = itemsByUser(known), liked = new Map<string, Set<string>>()
  for (const { user, item, rating } of split.rows as readonly InteractionRow[]) if (rating >= (p.relevant ?? 0)) (liked.get(user) ?? liked.set(user, new Set()).get(user)!).add(item)
  try {
    const queries: RankedQuery[] = []
    for (const [user, items] of liked) {
      const all = await scores.of(user), left = before.get(user)
      if (!all) continue
      const candidates = p.items.flatMap((item, i) => left?.has(item) ? [] : [{ relevance: items.has(item) ? 1 : 0, score: all[i]! }])
      if (candidates.some(({ relevance }) => relevance > 0)) queries.push({ relevance: candidates.map(({ relevance }) => relevance), scores: candidates.map(({ score }) => score) })
    }
    return queries
  } finally { scores.dispose() }
}

function itemsByUser(parts: readonly Interactions[]): Map<string, Set<string>> {
  const items = new Map<string, Set<string>>()
  for (const { rows } of parts) for (const { user, item } of rows as readonly InteractionRow[]) (items.get(user) ?? items.set(user, new Set()).get(user)!).add(item)
  return items
}
