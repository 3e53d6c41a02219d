// The evidence for choosing a model, against NumPy and scikit-learn.
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { hScore, leep, linearProbe, logME } from '../../lib/models/index.js'
import { fitLogistic, probabilities } from '../../lib/models/ranking/logistic.js'
import { matrixOf } from '../../lib/models/ranking/eigen.js'
import { seeded } from './support.js'

interface Case { features: number[][]; labels: number[]; targets: number[]; expected: { logme: number; per_class: { evidence: number; alpha: number; beta: number }[]; logme_regression: number; h_score: number | null; leep_first6_softmax: number } }
const cases = JSON.parse(readFileSync('tests/fixtures/transferability.json', 'utf8')) as Record<string, Case>

test.each(Object.entries(cases))('LogME, H-score and LEEP on %s', (_, { features, labels, targets, expected }) => {
  const evidence = logME(features, labels)
  expect(Math.abs(evidence.value - expected.logme)).toBeLessThan(1e-5)
  evidence.perClass.forEach((mine, c) => {
    expect(Math.abs(mine.evidence - expected.per_class[c]!.evidence)).toBeLessThan(1e-5)
    expect(mine.alpha / expected.per_class[c]!.alpha).toBeCloseTo(1, 4)
    expect(mine.beta / expected.per_class[c]!.beta).toBeCloseTo(1, 4)
  })
  expect(Math.abs(logME(features, targets, { regression: true }).value - expected.logme_regression)).toBeLessThan(1e-5)
  const h = hScore(features, labels)
  if (expected.h_score === null) expect(h).toBeUndefined()
  else expect(Math.abs(h! - expected.h_score)).toBeLessThan(1e-5)
  const softmax = features.map((row) => { const e = row.slice(0, 6).map(Math.exp), sum = e.reduce((a, b) => a + b); return e.map((v) => v / sum) })
  expect(Math.abs(leep(softmax, labels) - expected.leep_first6_softmax)).toBeLessThan(1e-5)
})

const judged = JSON.parse(readFileSync('tests/fixtures/logistic.json', 'utf8')) as Record<string, { data: string; strength: number; coefficients: number[][]; intercepts: number[]; probabilities: number[][] }>

test.each(Object.entries(judged))('logistic regression equals scikit-learn’s: %s', (_, { data, strength, coefficients, probabilities: expected }) => {
  const { features, labels } = cases[data]!, x = matrixOf(features)
  const model = fitLogistic(x, labels, 3, { strength, tolerance: 1e-9, iterations: 2000 })
  const p = probabilities(model, x)
  expect(Math.max(...expected.flatMap((row, i) => row.map((value, c) => Math.abs(value - p[i * 3 + c]!))))).toBeLessThan(1e-5)
  expect(Math.max(...coefficients.flatMap((row, c) => row.map((value, j) => Math.abs(value - model.weights[c * (x.columns + 1) + j]!))))).toBeLessThan(1e-4)
})

test('the probe tells features that separate from features that do not', () => {
  const random = seeded(3), normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const labels = Array.from({ length: 120 }, (_, i) => i % 3)
  const make = (gap: number) => labels.map((label) => Array.from({ length: 300 }, (_, j) => normal() + (j % 3 === label ? gap : 0)))
  const good = linearProbe(make(0.5), labels), none = linearProbe(make(0), labels)
  expect(good.accuracy).toBeGreaterThan(0.9)
  expect(none.accuracy).toBeLessThan(0.5)
  expect(good.folds.length).toBe(5)
  expect(good.logLoss).toBeLessThan(none.logLoss)
  expect(linearProbe(make(0.5), labels, { seed: 1 }).accuracy).toBeGreaterThan(0.85)
  expect(logME(make(0.5), labels).value).toBeGreaterThan(logME(make(0), labels).value)
}, 30_000)

test.each([
  ['no rows', () => logME([], []), '0 rows'],
  ['ragged rows', () => logME([[1, 2], [1]], [0, 1]), 'row 1 has 1 and row 0 has 2'],
  ['NaN', () => hScore([[1, NaN], [1, 2]], [0, 1]), 'row 0, feature 1 is NaN'],
  ['too few labels', () => leep([[1], [1]], [0]), '2 rows of features with 1 labels'],
  ['a label of 0.5', () => logME([[1], [2]], [0, 0.5]), 'label 0.5'],
  ['one class', () => linearProbe([[1], [2]], [0, 0]), 'two classes with two rows each'],
  ['one row in a class', () => linearProbe([[1], [2], [3]], [0, 0, 1]), 'the smallest with 1 row'],
  ['half a fold', () => linearProbe([[1], [2], [3], [4]], [0, 0, 1, 1], { folds: 0.5 }), '0.5 folds'],
])('refuses %s', (_, act, message) => { expect(act).toThrow(message) })

test('features that depend on each other say what the few behind them say', () => {
  const random = seeded(5), rows = 300, width = 256, few = 40
  const behind = Array.from({ length: rows }, () => Array.from({ length: few }, (_, k) => random() * 0.5 ** k)), labels = behind.map(([first], i) => Number(first! + 0.1 * Math.sin(i) > 0))
  // the first rows of a reflection: orthonormal, so that nothing but the width changes
  const v = Float64Array.from({ length: width }, () => random() - 0.5), length = v.reduce((sum, value) => sum + value * value, 0)
  const wide = behind.map((row) => Array.from({ length: width }, (_, j) => row.reduce((sum, value, k) => sum + value * (Number(j === k) - 2 * v[k]! * v[j]! / length), 0)))
  expect(logME(wide, labels).value).toBeCloseTo(logME(behind, labels).value, 6)
})
