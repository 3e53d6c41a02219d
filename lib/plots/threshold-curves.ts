// What changes with the decision threshold: ROC and precision–recall curves.
import { PlotError, sameLength } from './errors.js'
import { makeFigure, type Figure } from './figure.js'
import { formatNumber } from './format.js'
import { lineColour, seriesColour } from './theme.js'

export interface RocRecord { name?: string | undefined; falsePositiveRate: readonly number[]; truePositiveRate: readonly number[]; auc?: number | undefined }
export interface PrecisionRecallRecord { name?: string | undefined; recall: readonly number[]; precision: readonly number[]; averagePrecision?: number | undefined }

/**
 * One or several ROC curves; the dashed diagonal is guessing.
 *
 * @throws PlotError without curves, or when the two rates differ in length
 * @example rocCurve({ falsePositiveRate: [0, .1, 1], truePositiveRate: [0, .9, 1], auc: .9 })
 */
export function rocCurve(curves: RocRecord | readonly RocRecord[]): Figure {
  const list = listOf(curves, 'a ROC curve')
  for (const { falsePositiveRate, truePositiveRate } of list) sameLength('the ROC curve', { falsePositiveRate, truePositiveRate })
  return makeFigure([
    { type: 'scatter', mode: 'lines', x: [0, 1], y: [0, 1], name: 'guessing', line: { color: lineColour, width: 1.5, dash: 'dash' }, hoverinfo: 'skip' },
    ...list.map(({ name, falsePositiveRate, truePositiveRate, auc }, i) => ({ type: 'scatter', mode: 'lines', x: falsePositiveRate, y: truePositiveRate, name: label(name, 'AUC', auc), line: { color: seriesColour(i), width: 2, shape: 'hv' }, hovertemplate: 'false positives %{x:.1%}<br>found %{y:.1%}<extra></extra>' })),
  ], square('ROC curve', 'false positive rate', 'true positive rate', { x: 0.98, y: 0.03, xanchor: 'right', yanchor: 'bottom' }), `ROC curve: ${list.map(({ name, auc }) => label(name, 'AUC', auc)).join('; ')}`)
}

/**
 * One or several precision–recall curves.
 *
 * @param prevalence share of positive rows, drawn as the line of guessing
 * @throws PlotError without curves, or when recall and precision differ in length
 */
export function precisionRecall(curves: PrecisionRecallRecord | readonly PrecisionRecallRecord[], { prevalence }: { prevalence?: number } = {}): Figure {
  const list = listOf(curves, 'a precision–recall curve')
  for (const { recall, precision } of list) sameLength('the precision–recall curve', { recall, precision })
  return makeFigure([
    ...(prevalence === undefined ? [] : [{ type: 'scatter', mode: 'lines', x: [0, 1], y: [prevalence, prevalence], name: 'guessing', line: { color: lineColour, width: 1.5, dash: 'dash' }, hoverinfo: 'skip' }]),
    ...list.map(({ name, recall, precision, averagePrecision }, i) => ({ type: 'scatter', mode: 'lines', x: recall, y: precision, name: label(name, 'AP', averagePrecision), line: { color: seriesColour(i), width: 2, shape: 'vh' }, hovertemplate: 'recall %{x:.1%}<br>precision %{y:.1%}<extra></extra>' })),
  ], square('Precision and recall', 'recall', 'precision', { x: 0.02, y: 0.03, yanchor: 'bottom' }), `Precision–recall curve: ${list.map(({ name, averagePrecision }) => label(name, 'AP', averagePrecision)).join('; ')}`)
}

function listOf<Curve extends object>(curves: Curve | readonly Curve[], what: string): readonly Curve[] {
  const list = Array.isArray(curves) ? curves as readonly Curve[] : [curves as Curve]
  if (!list.length) throw new PlotError(`Cannot draw ${what}: there must be at least one curve; got none.`)
  return list
}

const label = (name: string | undefined, figure: string, value: number | undefined) => [name ?? (value === undefined ? 'model' : ''), value === undefined ? '' : `${figure} ${formatNumber(value)}`].filter(Boolean).join(', ')

const square = (title: string, x: string, y: string, legend: Record<string, unknown>) => ({
  width: 520, height: 500, title: { text: title }, xaxis: { title: { text: x }, range: [-0.01, 1.01] }, yaxis: { title: { text: y }, range: [-0.01, 1.03] }, legend, margin: { t: 48 },
})
