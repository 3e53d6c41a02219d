// New users of MovieLens 100K, known by their first 5, 10 and 20 ratings. Films are learned from the other users; of a new one only the vector is.
// Root mean squared error of predictions cut to 1 … 5 over all their other ratings; lists of ten out of all films but those k, judged by films with four stars or more.
import { readFileSync } from 'node:fs'
import { adaptUsers, addUsers, buildModel, fineTune, interactions, ndcg, predictRatings, rankedQueries, recallAtK, rmse, samples } from '../../../dist/lib/index.js'

const stars = [1, 5], liked = 4

export async function run({ seed, quick, record, timed }) {
  const { new_users: orders } = JSON.parse(readFileSync('notebooks/data/movielens-new-users.json', 'utf8'))
  const all = Object.values((await samples.movielens()).splits).flatMap(({ rows }) => [...rows]), byRow = new Map(all.map((row) => [row.row, row]))
  const { items } = interactions.preprocessing(interactions.fromRows(all, { split: false }))
  const known = all.filter(({ user }) => !orders[user])
  // One row in twenty watches; the settings were chosen with known users in the newcomers' place.
  const data = interactions.fromRows(known.map((row) => ({ ...row, split: row.row % 20 === seed % 20 ? 'validation' : 'train' })), { split: 'split' })
  const preprocessing = { ...interactions.preprocessing(data), items, relevant: liked }
  const choices = data.filter(({ rating }) => rating >= liked)

  const ratings = buildModel('matrix-factorization', { preprocessing, seed }), ranking = buildModel('two-tower', { preprocessing, config: { width: 128 }, seed })
  await timed('ratings, pre-trained', () => fineTune(ratings, data, { live: false, seed, weightDecay: 0.03, ...(quick ? { epochs: 3 } : {}) }))
  await timed('ranking, pre-trained', () => fineTune(ranking, choices, { live: false, seed, epochs: quick ? 2 : 30, learningRate: 0.01 }))

  for (const k of [5, 10, 20]) {
    const cut = (from, to) => ({ name: `k = ${k}`, rows: Object.values(orders).flatMap((rows) => rows.slice(from, to).map((row) => byRow.get(row))) })
    const train = cut(0, k), test = cut(k), users = Object.keys(orders), truth = test.rows.map(({ rating }) => rating)
    const expects = async (name, model) => record(`${name}, k = ${k}`, rmse(truth, await predictRatings(model, test.rows, { range: stars })), 'RMSE')
    const lists = (name, queries) => {
      record(`${name}, k = ${k}`, ndcg(queries, { k: 10 }), 'NDCG@10')
      record(`${name}, k = ${k}`, recallAtK(queries, { k: 10 }), 'recall@10')
    }
    const both = async (name, models) => {
      await expects(name, models[0])
      lists(name, await rankedQueries(models[1], test, [train]))
      for (const model of models) model.dispose()
    }
    if (seed === 0) {
      const sums = new Map()
      for (const { item, rating } of known) { const sum = sums.get(item) ?? [0, 0, 0]; sums.set(item, [sum[0] + rating, sum[1] + 1, sum[2] + (rating >= liked)]) }
      record(`item means, k = ${k}`, rmse(truth, test.rows.map(({ item }) => sums.has(item) ? sums.get(item)[0] / sums.get(item)[1] : preprocessing.mean)), 'RMSE')
      lists('popular items', users.map((user) => {
        const known = new Set(train.rows.filter((row) => row.user === user).map(({ item }) => item)), likes = new Set(test.rows.filter((row) => row.user === user && row.rating >= liked).map(({ item }) => item))
        const candidates = items.filter((item) => !known.has(item))
        return { scores: candidates.map((item) => sums.get(item)?.[2] ?? 0), relevance: candidates.map((item) => Number(likes.has(item))) }
      }).filter(({ relevance }) => relevance.includes(1)))
    }
    await both('not adapted', [addUsers(ratings, users), addUsers(ranking, users)])
    await both('vectors of new users', [await timed(`ratings, new users, k = ${k}`, () => adaptUsers(ratings, train, { known: { name: 'known people', rows: known } })), await timed(`ranking, new users, k = ${k}`, () => adaptUsers(ranking, train))])
    const few = interactions.fromRows(train.rows, { split: false }), own = { ...interactions.preprocessing(few), items, relevant: liked }
    const scratch = ['matrix-factorization', 'two-tower'].map((family) => buildModel(family, { preprocessing: own, seed }))
    for (const model of scratch) await fineTune(model, model.loss ? few.filter(({ rating }) => rating >= liked) : few, { live: false, seed, ...(quick ? { epochs: 2 } : {}) })
    await both('from scratch', scratch)
  }
  for (const model of [ratings, ranking]) model.dispose()
}
