// Models of several classes, of numbers and of tags, from data to predictions; their figures against scikit-learn and seqeval.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import { texts, trainTokenizer, type Dataset } from '../../lib/data/index.js'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel, loadModel, type Model } from '../../lib/models/index.js'
import { entityCounts, entityScores, labelAgreement, labelAUC, labelAveragePrecision, labelF1, labelScores } from '../../lib/train/index.js'
import { fewShot, findLearningRate, fineTune, learningCurve, predict, rankModels } from '../../lib/workflow/index.js'

jest.setTimeout(240_000)
beforeAll(() => { startEngine() })

const judged = JSON.parse(readFileSync('tests/fixtures/labels.json', 'utf8'))

test('figures of several classes equal scikit-learn\'s', () => {
  const { truth, logits, precision, recall, f1, support, macroF1, microF1, accuracy, exact, auc, averagePrecision } = judged.labels
  const marks = { truth: truth.flat(), logits: logits.flat(), width: 4 }, scores = labelScores(marks)
  for (const [key, wanted] of Object.entries({ precision, recall, f1, support })) expect(scores.map((one) => one[key as 'f1'])).toEqual((wanted as number[]).map((value) => expect.closeTo(value, 10)))
  expect(labelF1(marks)).toBeCloseTo(macroF1, 10)
  expect(labelAgreement(marks)).toEqual({ accuracy: expect.closeTo(accuracy, 10), exact: expect.closeTo(exact, 10), microF1: expect.closeTo(microF1, 10) })
  expect([labelAUC(marks), labelAveragePrecision(marks)]).toEqual([expect.closeTo(auc, 10), expect.closeTo(averagePrecision, 10)])
})

test('entities are counted as seqeval counts them', () => {
  const { truth, said, precision, recall, f1 } = judged.tags
  expect(entityScores(truth.map((row: string[], i: number) => entityCounts(row, said[i])))).toEqual({ precision: expect.closeTo(precision, 10), recall: expect.closeTo(recall, 10), f1: expect.closeTo(f1, 10) })
})

const people = ['ada', 'kay', 'grace', 'alan', 'edsger', 'donald'], places = ['lisbon', 'oslo', 'quito', 'cairo'], verbs = ['left', 'saw', 'liked']
const pick = <T>(list: readonly T[], i: number) => list[i % list.length]!
const sentences = Array.from({ length: 160 }, (_, i) => {
  const place = i % 3 !== 0, second = i % 4 === 0
  const words = [pick(people, i * 5), ...(second ? ['hopper'] : []), pick(verbs, i), ...(place ? [pick(places, i * 3)] : ['it']), `${i}`]
  return { words, tags: ['B-person', ...(second ? ['I-person'] : []), 'O', place ? 'B-place' : 'O', 'O'], text: words.join(' '), about: [...(place ? ['place'] : []), ...(second ? ['surname'] : [])], stars: 1 + (place ? 2 : 0) + (second ? 1 : 0) }
})
const tokenizer = trainTokenizer(sentences.map(({ text }) => text), { vocabularySize: 120, least: 1 })

const reader = (data: Dataset<any>, classes = data.classes): Model => buildModel('bert', {
  classes, task: data.task, preprocessing: { kind: 'text', tokenizer, maxLength: 24 },
  config: { vocab_size: 120, hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 64, max_position_embeddings: 24, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
})
const options = { epochs: 12, batchSize: 8, learningRate: 5e-3, live: false, clipNorm: 1 } as const

test('several classes: learned, measured, predicted with none where there is none', async () => {
  const data = texts.fromRows(sentences, { labels: 'about' }), model = reader(data)
  expect((await findLearningRate(model, data, { batchSize: 8, steps: 24 })).suggestion).toBeGreaterThan(0)
  const run = fineTune(model, data, options), result = await run
  expect(result.best).toEqual({ epoch: expect.any(Number), metric: 'f1', value: Math.max(...result.history.map(({ validation }) => validation!['f1']!)) })
  const evaluation = await result.evaluate()
  expect(evaluation.f1).toBeGreaterThan(0.95)
  expect(Object.keys(evaluation.figures)).toEqual(['accuracy', 'exact match', 'f1', 'micro f1', 'auc', 'average precision'])
  expect(evaluation.perClass.map(({ class: name }) => name)).toEqual(['place', 'surname'])
  expect(() => evaluation.confusionPlot()).toThrow(/rows of one class each/)
  const shown = await (evaluation as unknown as Record<symbol, () => Promise<Record<string, string>>>)[Symbol.for('Jupyter.display')]!()
  expect(shown['text/html']).toMatch(/surname/)
  const [first] = await result.predict('test')
  expect(first!.truth).toEqual(data.test!.rows[0]!.labels)
  const said = await predict(model, ['ada left it 18', 'edsger hopper liked lisbon 8'])
  expect(said.map(({ labels }) => labels)).toEqual([[], ['place', 'surname']])
  expect(said[0]).not.toHaveProperty('truth')
  const folder = mkdtempSync(join(tmpdir(), 'afinar-several-'))
  await result.save(folder)
  const again = await loadModel(folder)
  expect([again.task, again.classes]).toEqual(['multi-label', ['place', 'surname']])
  expect((await predict(again, ['edsger hopper liked lisbon 8']))[0]!.probabilities).toEqual(said[1]!.probabilities)
})

test('numbers: learned, measured, predicted', async () => {
  const data = texts.fromRows(sentences, { value: 'stars' }), model = reader(data, ['stars'])
  const result = await fineTune(model, data, options)
  expect((await result.evaluate()).rmse).toBeLessThan(0.4)
  expect(result.overfitting.verdict).not.toBe('underfitting')
  const said = await predict(model, ['ada left it 18', 'edsger hopper liked lisbon 8'])
  expect(said.map(({ value }) => Math.round(value!))).toEqual([1, 4])
})

test('tags: learned, measured by entities, predicted for words of new texts, saved as transformers keeps them', async () => {
  const data = await texts.fromTags(sentences.map(({ words, tags }) => ({ words, tags }))), model = reader(data)
  const result = await fineTune(model, data, options)
  expect(result.best).toEqual({ epoch: expect.any(Number), metric: 'entity f1', value: Math.max(...result.history.map(({ validation }) => validation!['entity f1']!)) })
  const evaluation = await result.evaluate()
  expect(evaluation.entityF1).toBeGreaterThan(0.95)
  expect(evaluation.confusion.flat().reduce((a, b) => a + b)).toBe(data.test!.rows.reduce((sum, { words }) => sum + words.length, 0))
  const [said] = await predict(model, ['kay hopper left oslo 8'])
  expect(said).toEqual({ row: 0, tags: ['B-person', 'I-person', 'O', 'B-place', 'O'], entities: [{ type: 'person', text: 'kay hopper', from: 0, to: 1 }, { type: 'place', text: 'oslo', from: 3, to: 3 }] })
  const folder = mkdtempSync(join(tmpdir(), 'afinar-tags-'))
  await result.save(folder)
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  expect([config.architectures, config.id2label['0']]).toEqual([['BertForTokenClassification'], data.classes[0]])
  expect(readFileSync(join(folder, 'model.safetensors'), 'latin1').slice(0, 8000)).toContain('"classifier.weight"')
  expect((await predict(await loadModel(folder), ['kay hopper left oslo 8']))[0]).toEqual(said)
  // as others publish such a model: its head is for tags, a new one for whatever is asked
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, afinar: undefined }))
  const [kept, begun] = [await loadModel(folder), await loadModel(folder, { classes: ['bad', 'good'] })]
  expect([kept.task, kept.classes, begun.task, begun.classes]).toEqual(['token', data.classes, 'classification', ['bad', 'good']])
})

test('a model of another task is refused with what to do', () => {
  const several = texts.fromRows(sentences, { labels: 'about' }), stars = texts.fromRows(sentences, { value: 'stars' })
  expect(() => fineTune(reader(stars, ['stars']), several, { live: false })).toThrow(/a model for regression \(a number each\), and the data are for multi-label \(any number of classes\). Load the model with { task: data.task, classes: data.classes }/)
  expect(() => fineTune(reader(several, ['place', 'name']), several, { live: false })).toThrow(/its classes are not the data's/)
  expect(() => fineTune(reader(several), several, { live: false, classWeights: [1, 2] })).toThrow(/classWeights: they are for rows of one class/)
  expect(() => fineTune(reader(stars, ['a', 'b']), stars, { live: false })).toThrow(/rows have one number, and the model gives 2/)
})

test('what is judged by one class a row says so', async () => {
  const several = texts.fromRows(sentences, { labels: 'about' }), model = reader(several)
  await expect(rankModels(several, ['scratch:bert'])).rejects.toThrow(/evidence is accuracy on rows of one class each, and the data are for multi-label. Compare them by fineTune/)
  await expect(learningCurve(model, several)).rejects.toThrow(/rows of one class each, and the data are for multi-label/)
  await expect(fewShot(model, several)).rejects.toThrow(/it is a model for multi-label/)
})

test('numbers that no text tells are said to be beyond the features, against what the mean costs', async () => {
  let state = 7
  const data = texts.fromRows(sentences.map((row) => ({ ...row, age: 40 + ((state = (state * 16807) % 2147483647) % 30) })), { value: 'age' })
  const { overfitting } = await fineTune(reader(data, ['age']), data, { freeze: 'backbone', live: false })
  expect(overfitting.verdict).toBe('underfitting')
  const ages = data.train.rows.map(({ value }) => value), mean = ages.reduce((a, b) => a + b) / ages.length
  expect(overfitting.evidence).toContain(`(guessing gives ${(ages.reduce((sum, age) => sum + (age - mean) ** 2, 0) / ages.length).toPrecision(3)})`)
})
