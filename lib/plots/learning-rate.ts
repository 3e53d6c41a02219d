// The learning-rate finder's curve with its suggestions marked.
import { PlotError, sameLength } from './errors.js'
import { makeFigure, type Figure } from './figure.js'
import { formatRate } from './format.js'
import { colours, ink, lineColour, meaning } from './theme.js'

export interface LearningRateRecord {
  rates: readonly number[] | Float32Array | Float64Array
  losses: readonly number[] | Float32Array | Float64Array
  suggestion: number
  valley?: number | undefined; steep?: number | undefined; minimum?: number | undefined; slide?: number | undefined
}

const rules = { valley: colours.green, steep: colours.orange, slide: colours.purple, minimum: colours.sky } as const

/**
 * Loss over the rate on a logarithmic axis; the chosen rate is a dashed line, the other rules' suggestions are dots on the curve.
 *
 * @param finder what findLearningRate gives: `rates` and `losses` of the same length, at least 1
 * @throws PlotError when they differ in length or a rate is not above 0
 * @example learningRateCurve(await findLearningRate(model, photos))
 */
export function learningRateCurve(finder: LearningRateRecord): Figure {
  sameLength('the learning-rate curve', { rates: finder.rates, losses: finder.losses })
  const rates = Array.from(finder.rates), losses = Array.from(finder.losses)
  const wrong = rates.findIndex((rate) => !(rate > 0))
  if (wrong >= 0) throw new PlotError(`Cannot draw the learning-rate curve: every rate must be above 0 on a logarithmic axis; rate ${wrong + 1} is ${rates[wrong]}.`)
  const finite = losses.filter(Number.isFinite)
  const low = Math.min(...finite), start = losses.find(Number.isFinite) ?? 1
  // where the loss explodes it would flatten everything else
  const top = Math.min(Math.max(...finite), start + 1.5 * Math.max(start - low, Math.abs(start) * 0.1))
  const lossAt = (rate: number) => losses[rates.reduce((nearest, candidate, i) => Math.abs(Math.log(candidate / rate)) < Math.abs(Math.log(rates[nearest]! / rate)) ? i : nearest, 0)]!
  const marks = Object.entries(rules).flatMap(([rule, colour]) => {
    const rate = finder[rule as keyof typeof rules]
    return rate !== undefined && rate > 0 ? [{ rule, rate, colour }] : []
  })
  const pad = (top - low || 1) * 0.08
  return makeFigure([
    { type: 'scatter', mode: 'lines', name: 'loss', x: rates, y: losses, line: { color: meaning.training, width: 2 }, showlegend: false, hovertemplate: 'rate %{x:.2e}<br>loss %{y:.4g}<extra></extra>' },
    ...marks.map(({ rule, rate, colour }) => ({ type: 'scatter', mode: 'markers', name: `${rule} ${formatRate(rate)}`, x: [rate], y: [lossAt(rate)], marker: { color: colour, size: 10 }, hovertemplate: `${rule} %{x:.2e}<extra></extra>` })),
  ], {
    title: { text: `Learning rate: ${formatRate(finder.suggestion)} suggested`, subtitle: { text: 'Loss while the rate grows step by step: choose where it falls steadily, well before it turns.' } },
    xaxis: { type: 'log', title: { text: 'learning rate' }, exponentformat: 'power', dtick: 1 },
    yaxis: { title: { text: 'smoothed loss' }, range: [low - pad, top + pad] },
    shapes: [{ type: 'line', xref: 'x', yref: 'y domain', x0: finder.suggestion, x1: finder.suggestion, y0: 0, y1: 1, line: { color: lineColour, width: 2, dash: 'dash' } }],
    annotations: [{ text: 'suggestion', xref: 'x', yref: 'y domain', x: Math.log10(finder.suggestion), y: 1, xanchor: 'right', yanchor: 'top', xshift: -4, showarrow: false, font: { size: 12, color: ink } }],
    margin: { t: 76 },
  }, `Learning-rate finder: suggestion ${formatRate(finder.suggestion)}${marks.map(({ rule, rate }) => `, ${rule} ${formatRate(rate)}`).join('')}`)
}
