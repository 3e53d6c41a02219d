// New users of a recommender: their vectors from few of their ratings, everything else untouched.
import * as tf from '@tensorflow/tfjs'
import type { InteractionRow, Split } from '../data/index.js'
import { addUsers, type Model } from '../models/index.js'
import { TrainError } from '../train/index.js'
import { foreseer, type Foresee, type Rated, type Tastes } from './foresee-tastes.js'
import { solvePositive, spreadOf } from './normal.js'

export interface AdaptUsersOptions {
  /**
   * How much what is usual counts against a user's own ratings: the larger, the nearer to the mean user. For ratings: how much noise one of them
   * holds, in times of what tastes explain, default 4. For rankings: the weight of the vectors' log density, default 0.5.
   */
  prior?: number
  /**
   * Ratings of users whom the model knows, such as the data that it was trained on. With them, *which* items somebody rated tells of their taste
   * too, before *how* is looked at. Only for ratings: a ranking learns from choices as it is. Default: only how.
   */
  known?: Pick<Split<any>, 'rows' | 'name'>
}

const usualPrior = { ratings: 4, ranking: 0.5 }

/**
 * A copy of a recommender that knows new users: each gets the likeliest vector, given their few ratings and how the vectors of the users
 * that the model knows already are spread (maximum a posteriori, these being normally distributed: for ratings a ridge regression in closed
 * form, for rankings a convex problem that Newton's method solves). No other weight changes, and the given model stays as it is.
 * Users of `ratings` that the model knows are learned anew, from these ratings alone.
 *
 * @param ratings a split of interactions, such as `newcomers.train`; those of items that the model does not know are left out
 * @throws TrainError when the model is no recommender, has layers behind its users' vectors, or knows fewer than two other users
 * @example
 * const wider = await adaptUsers(model, newcomers.train)
 * const [forAnna] = await recommend(wider, ['anna'], { without: newcomers.train })
 */
export async function adaptUsers(model: Model, ratings: Pick<Split<any>, 'rows' | 'name'>, o: AdaptUsersOptions = {}): Promise<Model> {
  const { preprocessing: p } = model, weights = model.weights(), ranking = model.loss === 'ranking', title = `Cannot adapt users of ${model.family}`
  if (p.kind !== 'interaction' || !weights[vectorsOf('users')]) throw new TrainError(`${title}: it is no recommender. Build one, such as buildModel('two-tower', { preprocessing: interactions.preprocessing(data) }).`)
  if (Object.keys(weights).some((name) => name.includes('.layers.'))) throw new TrainError(`${title}: layers follow its users' vectors. Fine-tune these step by step: fineTune(addUsers(model, users), ratings, { freeze: ['items'] }).`)
  const prior = o.prior ?? usualPrior[ranking ? 'ranking' : 'ratings']
  if (!(prior > 0 && prior < Infinity)) throw new TrainError(`${title}: prior is ${String(prior)} and must be a number above 0, such as ${usualPrior[ranking ? 'ranking' : 'ratings']}.`)
  if (o.known && ranking) throw new TrainError(`${title}: known is for models of ratings, and this one ranks: which items somebody chose is what it learns from already. Leave known out.`)
  const theirs = byUser(ratings, p.items), known = p.users.map((_, place) => place).filter((place) => !theirs.has(p.users[place]!))
  if (theirs.size === 0) throw new TrainError(`${title}: "${ratings.name}" has no rows.`)
  if (known.length < 2) throw new TrainError(`${title}: it knows ${known.length} other ${known.length === 1 ? 'user' : 'users'}, and what is usual is learned from at least two. Train it on more users first.`)

  const users = tableOf(weights, 'users'), usual = spreadOf(users.data, users.width, known), tastes = await tastesOf(model, known[0]!, users, usual)
  const vectors = new Map(known.map((place) => [p.users[place]!, users.data.subarray(place * users.width, (place + 1) * users.width)]))
  const foresee = o.known && foreseer(tastes, usual, vectors, byUser(o.known, p.items))
  if (o.known && !foresee) throw new TrainError(`${title}: "${o.known.name}" has no ratings of users whom it knows. Pass what it was trained on, or leave known out.`)
  const learned = ranking ? await rankers(tastes, theirs, p.relevant ?? 0, prior) : raters(tastes, theirs, prior, foresee)
  const wider = addUsers(model, [...theirs.keys()]), places = (wider.preprocessing as typeof p).users
  const after = tableOf(wider.weights(), 'users')
  for (const [user, z] of learned) {
    const row = places.indexOf(user) * users.width
    for (let i = 0; i < users.width; i++) {
      let value = usual.mean[i]!
      for (let j = 0; j <= i; j++) value += usual.factor[i * users.width + j]! * z[j]!
      after.data[row + i] = value
    }
  }
  write(wider, 'users', after)
  return wider
}

const vectorsOf = (side: 'users' | 'items') => `${side}.vectors.weight`, biasOf = (side: 'users' | 'items') => `${side}.bias.weight`

function byUser({ rows }: Pick<Split<any>, 'rows'>, items: readonly string[]): Map<string, Rated[]> {
  const places = new Map(items.map((item, place) => [item, place])), theirs = new Map<string, Rated[]>()
  for (const { user, item, rating } of rows as readonly InteractionRow[]) {
    const list = theirs.get(user) ?? theirs.set(user, []).get(user)!, place = places.get(item)
    if (place !== undefined) list.push({ item: place, rating })
  }
  return theirs
}

interface Table { data: Float32Array; width: number }

/** Vectors with the users' biases as one more column, where users have some; items have 1 there. */
function tableOf(weights: ReturnType<Model['weights']>, side: 'users' | 'items'): Table {
  const vectors = weights[vectorsOf(side)]!
  return tf.tidy(() => {
    const bias = !weights[biasOf('users')] ? [] : side === 'users' ? [weights[biasOf('users')]! as tf.Tensor] : [tf.ones([vectors.shape[0]!, 1])]
    const whole = tf.concat([vectors, ...bias], 1)
    return { data: (whole.dataSync() as Float32Array).slice(), width: whole.shape[1]! }
  })
}

function write(model: Model, side: 'users', { data, width }: Table): void {
  const weights = model.weights(), vectors = weights[vectorsOf(side)]!, columns = vectors.shape[1]!
  tf.tidy(() => {
    const whole = tf.tensor2d(data, [vectors.shape[0]!, width]), split = (from: number, size: number) => tf.slice(whole, [0, from], [-1, size])
    model.setWeights({ [vectorsOf(side)]: split(0, columns), ...(width > columns ? { [biasOf(side)]: split(columns, 1) } : {}) })
  })
}

/** What the model says of a user whom it knows, less what that user's vector says, is what it says of anyone. */
async function tastesOf(model: Model, someone: number, users: Table, usual: { mean: Float64Array; factor: Float64Array }): Promise<Tastes> {
  const items = tableOf(model.weights(), 'items'), { width } = users, count = items.data.length / width
  const [base, rows] = tf.tidy(() => {
    const scores = model.forward({ user: tf.fill([count], someone, 'int32'), item: tf.range(0, count, 1, 'int32') }, { training: false }).reshape([count])
    const all = tf.tensor2d(items.data, [count, width])
    const from = Float32Array.from(usual.mean, (mean, i) => mean - users.data[someone * width + i]!)
    return [scores.add(tf.matMul(all, tf.tensor2d(from, [width, 1])).reshape([count])), tf.matMul(all, tf.tensor2d(Float32Array.from(usual.factor), [width, width]))]
  })
  try { return { count, width, base: (await base!.data() as Float32Array).slice(), rows: (await rows!.data() as Float32Array).slice() } } finally { tf.dispose([base!, rows!]) }
}

/** Least squares with noise in the ratings: (RᵀR / noise + 1) z = Rᵀ(ratings − base) / noise + what is foreseen. */
function raters({ count, width, base, rows }: Tastes, theirs: Map<string, Rated[]>, prior: number, foresee?: Foresee): Map<string, Float64Array> {
  const noise = prior * rows.reduce((sum, value) => sum + value * value, 0) / count
  return new Map([...theirs].map(([user, rated]) => {
    const matrix = new Float64Array(width * width), b = foresee?.(rated) ?? new Float64Array(width)
    for (let i = 0; i < width; i++) matrix[i * width + i] = 1
    for (const { item, rating } of rated) for (let i = 0; i < width; i++) {
      const value = rows[item * width + i]! / noise
      b[i]! += value * (rating - base[item]!)
      for (let j = 0; j < width; j++) matrix[i * width + j]! += value * rows[item * width + j]!
    }
    return [user, solvePositive(matrix, b)]
  }))
}

/** Most steps of Newton's method; five or so are usual. */
const rounds = 30

/** Σ log p(liked item | z) − prior · |z|² / 2 at its highest. */
async function rankers({ count, width, base, rows }: Tastes, theirs: Map<string, Rated[]>, relevant: number, prior: number): Promise<Map<string, Float64Array>> {
  const all = tf.tensor2d(rows, [count, width]), start = tf.tensor1d(base), learned = new Map<string, Float64Array>()
  try {
    for (const [user, rated] of theirs) {
      const liked = rated.filter(({ rating }) => rating >= relevant).map(({ item }) => item), n = liked.length
      const at = async (z: Float64Array) => {
        const logP = tf.tidy(() => tf.logSoftmax(start.add(tf.matMul(all, tf.tensor2d(Float32Array.from(z), [width, 1])).reshape([count]))))
        const values = await logP.data()
        return { logP, height: liked.reduce((sum, item) => sum + values[item]!, 0) - prior * z.reduce((sum, value) => sum + value * value, 0) / 2 }
      }
      let z: Float64Array = new Float64Array(width), here = await at(z)
      for (let round = 0; n > 0 && round < rounds; round++) {
        const [mean, square] = tf.tidy(() => { const weighted = all.mul(tf.exp(here.logP).expandDims(1)); return [tf.sum(weighted, 0), tf.matMul(all, weighted as tf.Tensor2D, true)] })
        const [m, s] = await Promise.all([mean!.data(), square!.data()])
        tf.dispose([mean!, square!])
        const matrix = Float64Array.from({ length: width * width }, (_, at) => { const i = Math.floor(at / width), j = at % width; return n * (s[at]! - m[i]! * m[j]!) + (i === j ? prior : 0) })
        const step = solvePositive(matrix, Float64Array.from({ length: width }, (_, i) => liked.reduce((sum, item) => sum + rows[item * width + i]!, 0) - n * m[i]! - prior * z[i]!))
        let length = 1, next = z, there = here
        for (; length > 1e-3; length /= 2) {
          next = z.map((value, i) => value + length * step[i]!)
          there = await at(next)
          if (there.height > here.height) break
          there.logP.dispose()
          there = here
        }
        if (there === here) break // nothing higher that float32 could tell
        here.logP.dispose()
        const gained = there.height - here.height
        ;[z, here] = [next, there]
        if (gained < 1e-4) break
      }
      here.logP.dispose()
      learned.set(user, z)
    }
    return learned
  } finally { tf.dispose([all, start]) }
}
