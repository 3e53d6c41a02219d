// Few labels: pairs before the head, names of classes as examples, and a recipe chosen by cross-validation.
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { texts, tokenizerOf, trainTokenizer } from '../../lib/data/index.js'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel, type Model } from '../../lib/models/index.js'
import { forgetTrained, wasTrained } from '../../lib/train/index.js'
import { fewShot, fineTune, predict, saliency } from '../../lib/workflow/index.js'
import { foldsOf, withClassNames } from '../../lib/workflow/recipes.js'
import { stripes, tinyModel, valuesOf } from './support/stripes.js'

jest.setTimeout(180_000)
beforeAll(() => { startEngine() })

const good = ['fine', 'lovely', 'bright', 'warm', 'clever', 'moving'], bad = ['dull', 'grim', 'cold', 'flat', 'weak', 'empty'], things = ['film', 'story', 'song', 'scene', 'cast']
const review = (i: number, part: string) => { const list = i % 2 ? good : bad; return { text: `a ${list[(i >> 1) % 6]} ${things[i % 5]} and ${list[(i * 7 >> 1) % 6]} ${things[(i * 3) % 5]}`, label: i % 2 ? 'good' : 'bad', part } }
const rows = [...Array.from({ length: 16 }, (_, i) => review(i, 'train')), ...Array.from({ length: 40 }, (_, i) => review(i + 50, 'test'))]
const reviews = texts.fromRows(rows, { split: 'part', name: 'reviews', classes: ['bad', 'good'] }).assign((_, part) => part === 'validation' ? 'train' : part)
const tokenizer = trainTokenizer([...rows.map(({ text }) => text), 'This sentence is good', 'This sentence is bad'], { vocabularySize: 200 })
const encoder = (): Model => buildModel('bert', { classes: reviews.classes, preprocessing: { kind: 'text', tokenizer, maxLength: 24 }, seed: 3, config: { vocab_size: 200, hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 48, max_position_embeddings: 24 } })

test('after pairs, rows of one class are alike and others unlike; then the head is fitted on the features', async () => {
  const model = encoder(), before = valuesOf(model)
  const cosines = async () => {
    const { labels } = reviews.train
    for await (const { inputs } of reviews.train.batches({ batchSize: 16, preprocessing: model.preprocessing })) {
      const table = tf.tidy(() => { const f = model.features(inputs), unit = tf.div(f, tf.norm(f, 2, 1, true)) as tf.Tensor2D; return (tf.matMul(unit, unit, false, true) as tf.Tensor2D).arraySync() })
      const mean = (same: boolean) => { const values = table.flatMap((row, i) => row.filter((_, j) => j !== i && (labels[i] === labels[j]) === same)); return values.reduce((a, b) => a + b, 0) / values.length }
      return { same: mean(true), other: mean(false) }
    }
    throw new Error('no rows')
  }
  const first = await cosines()
  const run = fineTune(model, reviews, { live: false, pairEpochs: 30, learningRate: 3e-3 })
  const result = await run, last = await cosines()
  expect(first.same - first.other).toBeLessThan(0.3)
  expect(last.same).toBeGreaterThan(0.9)
  expect(last.other).toBeLessThan(0.3)
  expect(run.events.filter((event) => event.type === 'phase').map(({ name }) => name)).toEqual(['pairs', 'head only'])
  expect(run.events.filter((event) => event.type === 'epoch').slice(0, 30).every(({ best, train }) => !best && !('accuracy' in train))).toBe(true)
  expect(result.best.epoch).toBe(31)
  expect((await result.evaluate()).accuracy).toBeGreaterThan(0.9)
  expect(valuesOf(model)['head.weight']).not.toEqual(before['head.weight'])
  model.dispose()
})

test('pairs resume to the same weights, to the bit', async () => {
  const { mkdtempSync } = await import('node:fs'), { join } = await import('node:path'), folder = mkdtempSync(join((await import('node:os')).tmpdir(), 'afinar-pairs-'))
  const options = { live: false, pairEpochs: 3, learningRate: 1e-3 } as const, whole = encoder(), stopped = encoder(), fresh = encoder()
  await fineTune(whole, reviews, options)
  const run = fineTune(stopped, reviews, { ...options, checkpoints: folder })
  for await (const event of run) if (event.type === 'epoch' && event.epoch === 2) run.stop()
  expect((await run).reason).toBe('stopped')
  await fineTune(fresh, reviews, { ...options, resume: folder })
  expect(valuesOf(fresh)).toEqual(valuesOf(whole))
  for (const model of [whole, stopped, fresh]) model.dispose()
})

test('names of classes stand among the training rows, and nowhere else', async () => {
  const model = encoder(), named = (await withClassNames(model, reviews, 'This sentence is {}'))!
  expect(named.train.rows.filter(({ text }: { text: string }) => text.startsWith('This sentence is')).map(({ label }: { label: string }) => label)).toEqual([...Array.from({ length: 8 }, () => 'bad'), ...Array.from({ length: 8 }, () => 'good')])
  expect([named.test!.size, named.validation]).toEqual([40, undefined])
  expect(named.test!.rows.map(({ text }: { text: string }) => text)).toEqual(reviews.test!.rows.map(({ text }) => text))
  const two = texts.fromRows(rows.map((row) => ({ ...row, answer: 'yes it is' })), { split: 'part', second: 'answer' })
  expect(await withClassNames(model, two, 'This sentence is {}')).toBeUndefined()
  model.dispose()
})

test('a prediction for a text rests on the words that decide it, and each weight is what leaving the word out costs', async () => {
  const model = encoder()
  await fineTune(model, reviews, { live: false, epochs: 30, frozenEpochs: 0, learningRate: 3e-3, batchSize: 16 })
  const found = await saliency(model, reviews.test!, 0), text = (reviews.test!.rows[0] as { text: string }).text
  expect(found.tokens!.join('').replaceAll(' ', '').replaceAll('##', '')).toBe(text.replaceAll(' ', ''))
  expect(found.weights).toHaveLength(found.tokens!.length)
  const strongest = found.tokens![found.weights.indexOf(Math.max(...found.weights))]!.trim()
  expect([...good, ...bad].some((word) => word.includes(strongest.replace('##', '')))).toBe(true)
  expect(found.confidence).toBeGreaterThan(0.8)
  // By hand: the same text with one token hidden.
  for await (const { inputs } of reviews.test!.take([0]).batches({ batchSize: 1, preprocessing: model.preprocessing })) {
    const probability = (hidden?: number) => tf.tidy(() => {
      const mask = [...inputs['attention_mask']!.dataSync()].map((on, i) => i === hidden ? 0 : on)
      return tf.softmax(model.forward({ ...inputs, attention_mask: tf.tensor2d([mask], undefined, 'int32') }, { training: false })).dataSync()[model.classes.indexOf(found.label)]!
    })
    expect(found.confidence).toBeCloseTo(probability(), 5)
    const at = [...inputs['input_ids']!.dataSync()].flatMap((id, i) => tokenizerOf(tokenizer).special.has(id) ? [] : [i])
    found.weights.forEach((weight, i) => expect(weight).toBeCloseTo(probability() - probability(at[i]), 4))
  }
  expect(String(found)).toContain('rests most on')
  model.dispose()
})

test('the recipe is chosen on rows that it had not seen; the model has what it learned of all of them', async () => {
  const model = encoder(), tensors = tf.memory().numTensors
  const few = await fewShot(model, reviews, { live: false, folds: 4 })
  expect(few.rows.map(({ recipe }) => recipe).toSorted()).toEqual(['frozen features', 'frozen features, class names', 'pairs, class names'])
  expect(few.rows.map(({ brier }) => brier)).toEqual(few.rows.map(({ brier }) => brier).toSorted((a, b) => a - b))
  expect(few.judged).toBe('16 training rows, 4 folds')
  expect(few.model).toBe(model)
  expect((await few.result.evaluate()).accuracy).toBeGreaterThan(0.8)
  expect(String(few)).toContain(few.best)
  expect(few.plot().data.length).toBeGreaterThan(0)
  expect(tf.memory().numTensors - tensors).toBeLessThanOrEqual(0)
  model.dispose()
})

test('for pictures the small network from scratch may win, and the model that was given stays as it was', async () => {
  const data = stripes({ train: 24, validation: 60, noise: 0.5 }), model = tinyModel(), before = valuesOf(model)
  const few = await fewShot(model, data, { live: false, recipes: ['frozen features', 'small network from scratch'] })
  expect(few.judged).toBe('60 validation rows')
  expect(few.best).toBe('small network from scratch')
  expect(few.model).not.toBe(model)
  expect(valuesOf(model)).toEqual(before)
  expect(wasTrained(model)).toBe(false)
  expect((await few.result.evaluate()).accuracy).toBeGreaterThan(0.8)
  few.model.dispose()
  model.dispose()
})

test('what makes no sense is refused, and a stop leaves the model as it was', async () => {
  const model = encoder(), pictures = tinyModel(), before = valuesOf(model)
  await expect(fewShot(pictures, stripes(), { recipes: ['pairs, class names'] })).rejects.toThrow("Cannot try the recipe 'pairs, class names' with small-cnn: it is for texts")
  await expect(fewShot(model, reviews, { recipes: ['magic' as 'pairs'] })).rejects.toThrow('Cannot try the recipe "magic"')
  await expect(fewShot(model, reviews, { template: 'It is' })).rejects.toThrow('must hold {}')
  await expect(fewShot(model, reviews, { folds: 1 })).rejects.toThrow('folds must be a whole number of at least 2')
  let kept = 0
  await expect(fewShot(model, reviews.filter(({ label }, part) => part !== 'train' || label === 'bad' || kept++ < 1))).rejects.toThrow('has 1 training row, and two are the least')
  await expect(fewShot(model, reviews, { signal: AbortSignal.abort() })).rejects.toThrow('it was stopped')
  expect(valuesOf(model)).toEqual(before)
  expect(() => fineTune(model, reviews, { live: false, pairEpochs: 2, freeze: 'backbone' })).toThrow('what would learn from pairs is frozen')
  expect(() => fineTune(model, reviews, { live: false, pairEpochs: -1 })).toThrow('pairEpochs must be a whole number of at least 0')
  forgetTrained(model)
  for (const one of [model, pictures]) one.dispose()
})

test('folds hold every row once and each class evenly', () => {
  const labels = Int32Array.from({ length: 23 }, (_, i) => i % 3), folds = foldsOf(labels, 4, 1)
  expect(folds.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, i) => i))
  for (const fold of folds) for (let label = 0; label < 3; label++) expect(Math.abs(fold.filter((row) => labels[row] === label).length - 2)).toBeLessThanOrEqual(1)
})

test('rows without labels set the border: each class gets as much of them as it should', async () => {
  const model = encoder(), rows = reviews.test!, mean = async () => (await predict(model, rows)).reduce((sum, { probabilities }) => sum + probabilities!['good']! / rows.size, 0)
  const few = await fewShot(model, reviews, { live: false, recipes: ['frozen features'], unlabelled: { rows, shares: { bad: 2, good: 6 } } })
  expect(await mean()).toBeCloseTo(0.75, 3)
  expect(few.judged).toContain('shares met on 40 rows without labels')
  await fewShot(model, reviews, { live: false, recipes: ['frozen features'], unlabelled: { rows } }) // as in training: half and half
  expect(await mean()).toBeCloseTo(0.5, 3)
  await expect(fewShot(model, reviews, { live: false, unlabelled: { rows, shares: { bad: 1 } } })).rejects.toThrow('each of the classes "bad", "good" needs a number above 0')
  await expect(fewShot(model, reviews, { live: false, unlabelled: { rows, shares: { bad: 1, good: 1, ugly: 1 } } })).rejects.toThrow('there is no class "ugly"')
  model.dispose()
})
