// Does 80 % sure mean right in 80 of 100 cases?
import { PlotError } from './errors.js'
import { makeFigure, type Figure } from './figure.js'
import { formatNumber } from './format.js'
import { faded, lineColour, meaning } from './theme.js'

export interface ReliabilityBin { confidence: number; accuracy: number; count: number }
export interface ReliabilityRecord {
  /** Mean confidence, share right and number of rows in each bin; empty bins may be left out. */
  bins: readonly ReliabilityBin[]
  /** Expected calibration error, shown when given. */
  ece?: number | undefined
  /** The same after temperature scaling, drawn beside it. */
  scaled?: { bins: readonly ReliabilityBin[]; ece?: number | undefined; temperature?: number | undefined } | undefined
}

/**
 * Share right over confidence, the dashed diagonal being perfect; below it how many rows fall into each bin.
 *
 * @throws PlotError without bins
 * @example reliability({ bins: [{ confidence: .55, accuracy: .5, count: 10 }, { confidence: .93, accuracy: .8, count: 90 }], ece: .12 })
 */
export function reliability({ bins, ece, scaled }: ReliabilityRecord): Figure {
  if (!bins.length) throw new PlotError('Cannot draw reliability: there must be at least one bin of predictions; got none.')
  const curve = (list: readonly ReliabilityBin[], name: string, colour: string) => {
    const filled = list.filter(({ count }) => count > 0).toSorted((a, b) => a.confidence - b.confidence)
    return { type: 'scatter', mode: 'lines+markers', name, x: filled.map(({ confidence }) => confidence), y: filled.map(({ accuracy }) => accuracy), line: { color: colour, width: 2 }, marker: { size: 7 }, hovertemplate: 'confidence %{x:.2f}<br>right %{y:.2f}<extra></extra>' }
  }
  const named = (name: string, error: number | undefined) => error === undefined ? name : `${name}, ECE ${formatNumber(error)}`
  return makeFigure([
    { type: 'scatter', mode: 'lines', x: [0, 1], y: [0, 1], name: 'perfect', line: { color: lineColour, width: 1.5, dash: 'dash' }, hoverinfo: 'skip' },
    curve(bins, named(scaled ? 'as trained' : 'model', ece), meaning.training),
    ...(scaled ? [curve(scaled.bins, named(scaled.temperature === undefined ? 'scaled' : `temperature ${formatNumber(scaled.temperature)}`, scaled.ece), meaning.validation)] : []),
    { type: 'bar', x: bins.map(({ confidence }) => confidence), y: bins.map(({ count }) => count), xaxis: 'x', yaxis: 'y2', showlegend: false, width: 0.03, marker: { color: faded(meaning.training, 0.6) }, hovertemplate: '%{y} rows<extra></extra>' },
  ], {
    width: 560, height: 500,
    title: { text: 'Reliability', subtitle: { text: 'Below the dashed line the model is surer than it should be.' } },
    xaxis: { title: { text: 'confidence' }, range: [0, 1.02], anchor: 'y2' }, yaxis: { title: { text: 'share right' }, range: [0, 1.02], domain: [0.3, 1] },
    yaxis2: { title: { text: 'rows' }, domain: [0, 0.2], nticks: 3 }, legend: { x: 0.02, y: 0.99 }, margin: { t: 70 },
  }, `Reliability: ${bins.map(({ confidence, accuracy }) => `${formatNumber(accuracy)} right at ${formatNumber(confidence)}`).join(', ')}`)
}
