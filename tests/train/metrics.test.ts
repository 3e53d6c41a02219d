// Every metric against scikit-learn, sacrebleu and jiwer.
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import * as metrics from '../../lib/train/metrics/index.js'

const fixture = JSON.parse(readFileSync('tests/fixtures/metrics.json', 'utf8'))
const near = (value: number, expected: number, tolerance = 1e-6) => expect(Math.abs(value - expected)).toBeLessThan(tolerance)

test('classification', () => {
  const { labels, logits, expected } = fixture.multiclass
  const probabilities = metrics.softmaxRows(logits.flat(), 4)
  const matrix = metrics.confusionMatrix(labels, probabilities.map(metrics.argmax), 4)
  expect(matrix).toEqual(expected.confusion_matrix_rows_true)
  near(metrics.accuracy(matrix), expected.accuracy)
  near(metrics.balancedAccuracy(matrix), expected.balanced_accuracy)
  near(metrics.f1Score(matrix), expected.f1_macro)
  near(metrics.f1Score(matrix, 'micro'), expected.f1_micro)
  near(metrics.f1Score(matrix, 'weighted'), expected.f1_weighted)
  near(metrics.precisionMacro(matrix), expected.precision_macro)
  near(metrics.recallMacro(matrix), expected.recall_macro)
  metrics.classScores(matrix).forEach(({ f1 }, c) => near(f1, expected.f1_per_class[c]))
  near(metrics.matthews(matrix), expected.mcc)
  near(metrics.cohenKappa(matrix), expected.cohen_kappa)
  near(metrics.logLoss(labels, probabilities), expected.log_loss)
  near(metrics.brierScore(labels, probabilities), expected.brier_sum_over_classes)
  near(metrics.calibrationError(labels, probabilities), expected.ece15)
  near(metrics.topKAccuracy(labels, probabilities, 2), expected.top2_accuracy)
  near(metrics.rocAUCMacro(labels, probabilities), expected.roc_auc_ovr_macro)
  near(metrics.rocAUCMacro(labels, probabilities, 'ovo'), expected.roc_auc_ovo_macro)
})

test('two classes whose scores tie', () => {
  const { labels, scores, expected } = fixture.binary_ties
  const probabilities = scores.map((score: number) => [1 - score, score])
  near(metrics.rocAUC(labels, scores), expected.roc_auc)
  near(metrics.averagePrecision(labels, scores), expected.average_precision)
  near(metrics.brierScore(labels, probabilities) / 2, expected.brier)
  near(metrics.logLoss(labels, probabilities), expected.log_loss)
  near(metrics.calibrationError(labels, probabilities, 10), expected.ece10_positive)
  const matrix = metrics.confusionMatrix(labels, scores.map((score: number) => score > 0.5 ? 1 : 0), 2)
  near(metrics.classScores(matrix)[1]!.f1, expected['f1_at_0.5'])
  const { falsePositiveRate, truePositiveRate } = metrics.rocCurve(labels, scores)
  expect(falsePositiveRate).toHaveLength(expected.roc_curve.fpr.length)
  falsePositiveRate.forEach((rate, i) => near(rate, expected.roc_curve.fpr[i]))
  truePositiveRate.forEach((rate, i) => near(rate, expected.roc_curve.tpr[i]))
})

test('a model that always says the same, and rows without a label', () => {
  const { labels, pred, expected } = fixture.degenerate
  const matrix = metrics.confusionMatrix(labels, pred, 2)
  near(metrics.f1Score(matrix), expected.f1_macro_zero_division_0)
  near(metrics.matthews(matrix), expected.mcc)
  expect(metrics.rocAUC([1, 1], [0.2, 0.3])).toBeNaN()
  expect(metrics.confusionMatrix([-1, 0], [1, 0], 2)).toEqual([[1, 0], [0, 0]])
  near(metrics.logLoss([-1, 0], [[0.5, 0.5], [1, 0]]), 0)
})

test('numbers', () => {
  const { true: truth, pred, expected } = fixture.regression
  for (const name of ['rmse', 'mae', 'r2', 'pearson', 'spearman'] as const) near(metrics[name](truth, pred), expected[name])
})

test('ranked lists', () => {
  const { relevance, scores, expected } = fixture.ranking
  const queries: metrics.RankedQuery[] = relevance.map((row: number[], i: number) => ({ relevance: row, scores: scores[i] }))
  near(metrics.ndcg(queries, { k: 10 }), expected.ndcg_at_10_linear_gain)
  near(metrics.ndcg(queries, { k: 10, gain: 'exponential' }), expected.ndcg_at_10_exp_gain)
  near(metrics.ndcg(queries), expected.ndcg_full)
  near(metrics.hitRateAtK(queries, { k: 10 }), expected.hit_at_10_rel_ge_1)
  near(metrics.mapAtK(queries, { k: 10, relevant: 2 }), expected.map_at_10_rel_ge_2)
  near(metrics.mrr(queries, { relevant: 2 }), expected.mrr_rel_ge_2)
  near(metrics.recallAtK(queries, { k: 10, relevant: 2 }), expected.recall_at_10_rel_ge_2)
})

test('translations', () => {
  const { hypotheses, references, references2, expected } = fixture.translation
  const score = metrics.bleu(hypotheses, references)
  near(score.score, expected.bleu_13a, 1e-4)
  score.precisions.forEach((precision, i) => near(precision, expected.precisions[i], 1e-4))
  near(score.brevityPenalty, expected.bp)
  expect([score.hypothesisLength, score.referenceLength]).toEqual([expected.sys_len, expected.ref_len])
  near(metrics.bleu(hypotheses, references, { lowercase: true }).score, expected.bleu_lowercase, 1e-4)
  near(metrics.bleu(hypotheses, references, { tokenize: 'none' }).score, expected.bleu_tok_none, 1e-4)
  near(metrics.bleu(hypotheses, references.map((text: string, i: number) => [text, references2[i]])).score, expected.bleu_two_refs, 1e-4)
  hypotheses.forEach((text: string, i: number) => near(metrics.sentenceBleu(text, references[i]).score, expected.sentence_bleu_exp[i], 1e-4))
  near(metrics.chrf(hypotheses, references), expected.chrf2, 1e-4)
  near(metrics.chrf(hypotheses, references, { wordOrder: 2 }), expected.chrf_pp, 1e-4)
})

test('transcripts', () => {
  const { references, hypotheses, expected } = fixture.speech
  const { rate, hits, substitutions, insertions, deletions } = metrics.wordErrorRate(references, hypotheses)
  near(rate, expected.wer)
  expect({ hits, substitutions, insertions, deletions }).toEqual({ hits: expected.hits, substitutions: expected.substitutions, insertions: expected.insertions, deletions: expected.deletions })
  near(metrics.characterErrorRate(references, hypotheses).rate, expected.cer)
})

test('the bootstrap interval of a mean is as wide as theory says', () => {
  const values = Array.from({ length: 400 }, (_, i) => i < 300 ? 1 : 0)
  const { low, high } = metrics.bootstrapInterval(400, (rows) => rows.reduce((sum, row) => sum + values[row]!, 0) / 400, { samples: 2000 })
  const halfWidth = 1.96 * Math.sqrt(0.75 * 0.25 / 400)
  near(low, 0.75 - halfWidth, 0.006)
  near(high, 0.75 + halfWidth, 0.006)
})
