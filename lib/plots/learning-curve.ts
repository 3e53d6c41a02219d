// How the result grows with the amount of data, and what more of it would bring.
import { PlotError } from './errors.js'
import { makeFigure, type Figure, type PlotlyObject } from './figure.js'
import { formatCount, formatNumber } from './format.js'
import { faded, ink, meaning } from './theme.js'

export interface LearningCurveRecord {
  metric: string
  /** One measurement (or the mean of some) at each number of training rows. */
  points: readonly { rows: number; value: number; interval?: readonly [number, number] | undefined }[]
  /** The fitted law beyond the last point, drawn dashed. */
  forecast?: readonly { rows: number; value: number; interval?: readonly [number, number] | undefined }[] | undefined
}

/**
 * The metric over the number of rows (logarithmic), with its interval as a band, and the forecast dashed.
 *
 * @throws PlotError without points, or with rows that are not above 0
 * @example learningCurvePlot({ metric: 'accuracy', points: [{ rows: 50, value: .7 }, { rows: 100, value: .78 }], forecast: [{ rows: 400, value: .85 }] })
 */
export function learningCurvePlot({ metric, points, forecast = [] }: LearningCurveRecord): Figure {
  const wrong = [...points, ...forecast].find(({ rows }) => !(rows > 0))
  if (!points.length || wrong) throw new PlotError(`Cannot draw the learning curve: it needs at least one point, each with rows above 0; got ${wrong ? `rows ${wrong.rows}` : 'none'}.`)
  const measured = points.toSorted((a, b) => a.rows - b.rows), last = measured.at(-1)!
  const ahead = forecast.length ? [last, ...forecast.filter(({ rows }) => rows > last.rows).toSorted((a, b) => a.rows - b.rows)] : []
  const far = ahead.at(-1)
  return makeFigure([
    ...band(measured, meaning.training), ...band(ahead, meaning.validation),
    { type: 'scatter', mode: 'lines+markers', name: 'measured', x: measured.map(({ rows }) => rows), y: measured.map(({ value }) => value), line: { color: meaning.training, width: 2 }, marker: { size: 8 }, hovertemplate: '%{x} rows: %{y:.4g}<extra></extra>' },
    ...(ahead.length > 1 ? [{ type: 'scatter', mode: 'lines', name: 'forecast', x: ahead.map(({ rows }) => rows), y: ahead.map(({ value }) => value), line: { color: meaning.validation, width: 2, dash: 'dash' }, hovertemplate: '%{x} rows: %{y:.4g} expected<extra></extra>' }] : []),
  ], {
    title: { text: 'How much would more data help?', subtitle: { text: far && far !== last ? `${formatCount(last.rows)} rows: ${formatNumber(last.value)}; ${formatCount(far.rows)} rows: about ${formatNumber(far.value)}` : '' } },
    xaxis: { type: 'log', title: { text: 'training rows' }, dtick: 'D1', tickfont: { color: ink } }, yaxis: { title: { text: metric } },
    legend: { x: 0.98, xanchor: 'right', y: 0.03, yanchor: 'bottom' }, margin: { t: 72 },
  }, `Learning curve: ${measured.map(({ rows, value }) => `${formatCount(rows)} rows ${formatNumber(value)}`).join(', ')}`)
}

function band(points: LearningCurveRecord['points'], colour: string): PlotlyObject[] {
  const known = points.filter(({ interval }) => interval)
  if (known.length < 2) return []
  const x = known.map(({ rows }) => rows)
  return [{ type: 'scatter', mode: 'lines', x: [...x, ...x.toReversed()], y: [...known.map(({ interval }) => interval![1]), ...known.toReversed().map(({ interval }) => interval![0])], fill: 'toself', fillcolor: faded(colour, 0.16), line: { width: 0 }, hoverinfo: 'skip', showlegend: false }]
}
