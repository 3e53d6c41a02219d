// Recommenders from end to end: ratings predicted, items ranked, new users fine-tuned alone, all saved and loaded.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { interactions } from '../../lib/data/index.js'
import { startEngine } from '../../lib/engine/index.js'
import { addUsers, buildModel, loadModel } from '../../lib/models/index.js'
import { adaptUsers, Evaluation, fineTune, predictRatings, recommend } from '../../lib/workflow/index.js'

jest.setTimeout(240_000)
beforeAll(() => { startEngine() })

// Two tastes: users of even number like items of even number.
let state = 5
const random = () => (state = (state * 16807) % 2147483647) / 2147483647
const row = (user: number, item: number, prefix = 'u') => ({ user: `${prefix}${user}`, item: `i${item}`, rating: (user + item) % 2 === 0 ? 4 + Math.round(random()) : 1 + Math.round(random()) })
const part = () => { const n = random(); return n < 0.7 ? 'train' : n < 0.85 ? 'validation' : 'test' }
const rows = Array.from({ length: 40 }, (_, user) => Array.from({ length: 30 }, (_unused, item) => ({ ...row(user, item), split: part() }))).flat()
const data = interactions.fromRows(rows, { split: 'split' })
const preprocessing = interactions.preprocessing(data)
const quick = { live: false, epochs: 20, batchSize: 64, learningRate: 2e-2 } as const

test('matrix factorization predicts ratings; a new user is learned from a few of theirs', async () => {
  expect(preprocessing).toMatchObject({ relevant: 4, mean: expect.closeTo(3, 0) })
  const model = buildModel('matrix-factorization', { preprocessing, config: { width: 8, dropout: 0.1 } })
  const result = await fineTune(model, data, quick)
  expect(result.best.metric).toBe('rmse')
  const evaluation = await result.evaluate()
  expect(evaluation.rmse).toBeLessThan(0.8)
  const folder = join(mkdtempSync(join(tmpdir(), 'afinar-')), 'ratings')
  await result.save(folder)
  const loaded = await loadModel(folder)
  expect((await Evaluation.of(loaded, data.test!)).rmse).toBe(evaluation.rmse)

  const newcomers = interactions.fromRows(Array.from({ length: 30 }, (_, item) => ({ ...row(1, item, 'new'), split: item < 8 ? 'train' : 'test' })), { split: 'split' })
  await expect(Evaluation.of(loaded, newcomers.test!)).rejects.toThrow('knows none of their users')
  const wider = addUsers(loaded, ['new1']), items = tf.tidy(() => wider.weights()['items.vectors.weight']!.clone())
  const unadapted = await Evaluation.of(wider, newcomers.test!)
  const adapted = await fineTune(wider, newcomers, { live: false, epochs: 60, batchSize: 4, learningRate: 0.1, freeze: ['items'] })
  expect((await adapted.evaluate()).rmse).toBeLessThan(0.75 * unadapted.rmse)
  expect(tf.tidy(() => tf.max(tf.abs(tf.sub(wider.weights()['items.vectors.weight']!, items))).dataSync()[0])).toBe(0)
  items.dispose()
  for (const one of [model, loaded, wider]) one.dispose()
})

test('two towers rank what a user likes first, without what they know', async () => {
  const model = buildModel('two-tower', { preprocessing, config: { width: 8, dropout: 0 } }), tensors = tf.memory().numTensors
  const result = await fineTune(model, data, quick)
  expect(result.best.metric).toBe('loss')
  const evaluation = await result.evaluate()
  // Of 30 items 15 are liked, two or three of them in the test part; the others are known already.
  expect(evaluation.ndcg).toBeGreaterThan(0.85)
  expect(evaluation.recall).toBeGreaterThan(0.9)
  const [list] = await recommend(model, ['u4'], { k: 5, without: data.train })
  const seen = new Set(data.train.rows.filter(({ user }) => user === 'u4').map(({ item }) => item))
  expect(list!.length).toBe(5)
  expect(list!.every(({ item, score }, i) => !seen.has(item) && (i === 0 || score <= list![i - 1]!.score))).toBe(true)
  expect(list!.slice(0, 3).every(({ item }) => Number(item.slice(1)) % 2 === 0)).toBe(true)
  await expect(recommend(model, ['nobody'])).rejects.toThrow('Add users with addUsers')
  expect(tf.memory().numTensors).toBe(tensors)
  model.dispose()
})

/** x of matrix · x = b by elimination: the judge of the closed form. */
function solved(matrix: number[][], b: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, b[i]!]), n = b.length
  for (let c = 0; c < n; c++) {
    const pivot = rows.slice(c).reduce((best, row, i) => Math.abs(row[c]!) > Math.abs(rows[best]![c]!) ? c + i : best, c)
    ;[rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!]
    for (let r = 0; r < n; r++) if (r !== c) { const factor = rows[r]![c]! / rows[c]![c]!; for (let j = c; j <= n; j++) rows[r]![j]! -= factor * rows[c]![j]! }
  }
  return rows.map((row, i) => row[n]! / row[i]!)
}

const newRows = Array.from({ length: 30 }, (_, item) => ({ ...row(1, item, 'new'), split: item < 6 ? 'train' : 'test' }))
const newcomers = interactions.fromRows([...newRows, { user: 'new2', item: 'i0', rating: 5, split: 'train' }], { split: 'split' })

test('new users get the likeliest vector in one call, and nothing else changes', async () => {
  const model = buildModel('matrix-factorization', { preprocessing, config: { width: 4, dropout: 0.1 }, seed: 1 })
  await fineTune(model, data, quick)
  const before = Object.fromEntries(Object.entries(model.weights()).map(([name, value]) => [name, Array.from(value.dataSync())]))
  const tensors = tf.memory().numTensors, adapted = await adaptUsers(model, newcomers.train, { prior: 2 }), after = adapted.weights()
  for (const [name, values] of Object.entries(before)) {
    expect(Array.from(model.weights()[name]!.dataSync())).toEqual(values)
    expect(Array.from(after[name]!.dataSync()).slice(0, values.length)).toEqual(values)
  }

  // The same by the formula as it stands in textbooks: m + (AᵀA / noise + C⁻¹)⁻¹ Aᵀ(y − A m) / noise.
  const d = 5, users = Array.from({ length: 40 }, (_, u) => [...before['users.vectors.weight']!.slice(u * 4, u * 4 + 4), before['users.bias.weight']![u]!])
  const items = preprocessing.items.map((_, i) => [...before['items.vectors.weight']!.slice(i * 4, i * 4 + 4), 1])
  const mean = Array.from({ length: d }, (_, j) => users.reduce((sum, u) => sum + u[j]!, 0) / 40)
  const covariance = mean.map((_, i) => mean.map((__, j) => users.reduce((sum, u) => sum + (u[i]! - mean[i]!) * (u[j]! - mean[j]!), 0) / 39))
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  const noise = 2 * items.reduce((sum, v) => sum + dot(v, covariance.map((c) => dot(c, v))), 0) / items.length
  const own = newcomers.train.rows.filter(({ user }) => user === 'new1'), a = own.map(({ item }) => items[preprocessing.items.indexOf(item)]!)
  const y = own.map(({ item, rating }, r) => rating - preprocessing.mean! - before['items.bias.weight']![preprocessing.items.indexOf(item)]! - dot(a[r]!, mean))
  // C (AᵀA/noise · C + 1)⁻¹ Aᵀy/noise, without inverting C
  const inner = mean.map((_, i) => mean.map((__, j) => (i === j ? 1 : 0) + a.reduce((sum, v) => sum + v[i]! * dot(v, covariance.map((c) => c[j]!)), 0) / noise))
  const x = solved(inner, mean.map((_, i) => a.reduce((sum, v, r) => sum + v[i]! * y[r]!, 0) / noise)), expected = mean.map((m, i) => m + dot(covariance[i]!, x))
  const place = (adapted.preprocessing as typeof preprocessing).users.indexOf('new1')
  const found = [...Array.from(after['users.vectors.weight']!.dataSync()).slice(place * 4, place * 4 + 4), after['users.bias.weight']!.dataSync()[place]!]
  found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 3))

  const truth = newcomers.test!.rows, squares = async (by: typeof model) => (await predictRatings(by, truth, { range: [1, 5] })).reduce((sum, value, i) => sum + (value - truth[i]!.rating) ** 2, 0) / truth.length
  const unadapted = addUsers(model, ['new1'])
  expect(await squares(adapted)).toBeLessThan(0.5 * await squares(unadapted))
  expect((await predictRatings(adapted, [{ user: 'new1', item: 'i0' }, { user: 'nobody', item: 'i0' }, { user: 'new1', item: 'nothing' }])).map(Number.isNaN)).toEqual([false, true, true])
  for (const one of [adapted, unadapted]) one.dispose()
  expect(tf.memory().numTensors).toBe(tensors)

  await expect(adaptUsers(model, newcomers.train, { prior: 0 })).rejects.toThrow('prior is 0')
  await expect(adaptUsers(model, data.train)).rejects.toThrow('knows 0 other users')
  model.dispose()
})

test('with known ratings, which items somebody rated tells of their taste where the stars do not', async () => {
  // Who likes even items rates three of them for each odd one.
  const chosen = rows.filter(({ user, item }) => { const i = Number(item.slice(1)); return (Number(user.slice(1)) + i) % 2 === 0 || i % 6 < 2 }), some = interactions.fromRows(chosen, { split: 'split' })
  const model = buildModel('matrix-factorization', { preprocessing: interactions.preprocessing(some), config: { width: 4, dropout: 0.1 }, seed: 1 })
  await fineTune(model, some, quick)
  const lukewarm = interactions.fromRows([2, 4, 8, 10].map((i) => ({ user: 'new', item: `i${i}`, rating: 3 })), { split: false })
  const leaning = async (o: { known?: typeof some.train }) => {
    const tensors = tf.memory().numTensors, adapted = await adaptUsers(model, lukewarm.train, { ...o, prior: 1000 }) // stars count for next to nothing
    const even = await predictRatings(adapted, [14, 16, 20].map((i) => ({ user: 'new', item: `i${i}` }))), odd = await predictRatings(adapted, [15, 17, 21].map((i) => ({ user: 'new', item: `i${i}` })))
    adapted.dispose()
    expect(tf.memory().numTensors).toBe(tensors)
    return even.reduce((a, b) => a + b, 0) / 3 - odd.reduce((a, b) => a + b, 0) / 3
  }
  const [how, which] = [await leaning({}), await leaning({ known: some.train })]
  expect(Math.abs(how)).toBeLessThan(1)
  expect(which).toBeGreaterThan(how + 0.5)
  await expect(adaptUsers(model, lukewarm.train, { known: lukewarm.train })).rejects.toThrow('no ratings of users whom it knows')
  model.dispose()
  const ranking = buildModel('two-tower', { preprocessing, config: { width: 4 } })
  await expect(adaptUsers(ranking, newcomers.train, { known: data.train })).rejects.toThrow('Leave known out')
  ranking.dispose()
})

test('new users of a model that ranks: the gradient vanishes at their vector, and they get their kind of items', async () => {
  const model = buildModel('two-tower', { preprocessing, config: { width: 4, dropout: 0 }, seed: 2 })
  await fineTune(model, data, quick)
  const tensors = tf.memory().numTensors, prior = 0.5, adapted = await adaptUsers(model, newcomers.train, { prior })
  const [list] = await recommend(adapted, ['new1'], { k: 8, without: newcomers.train })
  expect(list!.filter(({ item }) => Number(item.slice(1)) % 2 === 1).length).toBe(8)

  // By small steps in any direction the penalized log-likelihood falls.
  const table = model.weights()['users.vectors.weight']!.arraySync() as number[][], mean = table[0]!.map((_, i) => table.reduce((sum, u) => sum + u[i]!, 0) / 40)
  const covariance = mean.map((m, i) => mean.map((n, j) => table.reduce((sum, u) => sum + (u[i]! - m) * (u[j]! - n), 0) / 39))
  const vectors = model.weights()['items.vectors.weight']!.arraySync() as number[][], bias = model.weights()['items.bias.weight']!.arraySync() as number[][]
  const liked = newcomers.train.rows.filter(({ user, rating }) => user === 'new1' && rating >= 4).map(({ item }) => preprocessing.items.indexOf(item))
  const height = (u: number[]) => {
    const scores = vectors.map((v, i) => v.reduce((sum, value, j) => sum + value * u[j]!, bias[i]![0]!)), total = Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0))
    const off = u.map((value, i) => value - mean[i]!), x = solved(covariance, off)
    return liked.reduce((sum, item) => sum + scores[item]! - total, 0) - prior / 2 * off.reduce((sum, value, i) => sum + value * x[i]!, 0)
  }
  const place = (adapted.preprocessing as typeof preprocessing).users.indexOf('new1'), learned = (adapted.weights()['users.vectors.weight']!.arraySync() as number[][])[place]!
  for (let i = 0; i < 4; i++) for (const step of [-0.05, 0.05]) expect(height(learned.map((value, j) => value + (i === j ? step : 0)))).toBeLessThan(height(learned) + 1e-4)
  expect(height(learned)).toBeGreaterThan(height(mean) + 0.1)
  adapted.dispose()
  expect(tf.memory().numTensors).toBe(tensors)
  await expect(predictRatings(model, data.train.rows)).rejects.toThrow('it ranks items')
  model.dispose()
  const deep = buildModel('two-tower', { preprocessing, config: { width: 4, layers: [4] } })
  await expect(adaptUsers(deep, newcomers.train)).rejects.toThrow('addUsers')
  deep.dispose()
})
