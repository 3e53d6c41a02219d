// Some figures of merit beside each other, with the intervals that say which differences count.
import { PlotError } from './errors.js'
import { makeFigure, type Figure } from './figure.js'
import { formatNumber } from './format.js'
import { colours, ink, lineColour, meaning, seriesColour } from './theme.js'

export interface ComparisonRow {
  name: string
  value: number
  /** For example a 95 % bootstrap interval. */
  interval?: readonly [number, number] | undefined
  group?: string | undefined
}

export interface ComparisonOptions {
  title?: string; subtitle?: string
  /** What the values are, e.g. 'accuracy on the test split'. */
  metric?: string
  /** A line to compare with: chance, or a published figure. */
  baseline?: { value: number; name: string }
  /** This row stands out. */
  highlight?: string
}

/**
 * One dot a row with its interval (a bar would have to start at zero); rows of one `group` share a colour.
 *
 * @throws PlotError without rows
 * @example barComparison([{ name: 'fine-tuned', value: .83, interval: [.79, .87] }, { name: 'from scratch', value: .69 }], { metric: 'accuracy' })
 */
export function barComparison(rows: readonly ComparisonRow[], o: ComparisonOptions = {}): Figure {
  if (!rows.length) throw new PlotError('Cannot compare: there must be at least one row with a name and a value; got none.')
  const groups = [...new Set(rows.map(({ group }) => group ?? ''))]
  const values = rows.flatMap(({ value, interval }) => [value, ...(interval ?? [])]).concat(o.baseline?.value ?? [])
  const low = Math.min(...values), high = Math.max(...values), pad = (high - low || Math.abs(high) || 1) * 0.12
  const data = groups.map((group, i) => {
    const own = rows.filter((row) => (row.group ?? '') === group)
    return {
      type: 'scatter', mode: 'markers+text', name: group, showlegend: groups.length > 1, y: own.map(({ name }) => name), x: own.map(({ value }) => value),
      text: own.map(({ value }) => formatNumber(value)), textposition: 'top center', textfont: { size: 12 },
      marker: { size: 11, color: groups.length > 1 ? seriesColour(i) : own.map(({ name }) => o.highlight === undefined ? meaning.training : name === o.highlight ? meaning.best : colours.grey) },
      error_x: { type: 'data', symmetric: false, thickness: 2, width: 5, color: groups.length > 1 ? seriesColour(i) : lineColour, array: own.map(({ value, interval }) => interval ? interval[1] - value : 0), arrayminus: own.map(({ value, interval }) => interval ? value - interval[0] : 0), visible: own.some(({ interval }) => interval) },
      hovertemplate: '%{y}: %{x:.4g}<extra></extra>',
    }
  })
  const baseline = o.baseline
  return makeFigure(data, {
    height: 150 + 46 * rows.length,
    title: { text: o.title ?? 'Comparison', subtitle: { text: o.subtitle ?? '' } },
    xaxis: { title: { text: o.metric ?? '' }, range: [low - pad, high + pad] },
    yaxis: { type: 'category', categoryorder: 'array', categoryarray: rows.map(({ name }) => name).reverse(), ticks: '', range: [-0.5, rows.length - 0.4] },
    shapes: baseline ? [{ type: 'line', xref: 'x', yref: 'paper', x0: baseline.value, x1: baseline.value, y0: 0, y1: 1, line: { color: lineColour, width: 1.5, dash: 'dash' } }] : [],
    annotations: baseline ? [{ text: baseline.name, xref: 'x', yref: 'paper', x: baseline.value, y: 1, xanchor: 'left', yanchor: 'bottom', showarrow: false, font: { size: 11, color: ink } }] : [],
    margin: { t: o.subtitle ? 76 : 60 },
  }, `${o.title ?? 'Comparison'}: ${rows.map(({ name, value, interval }) => `${name} ${formatNumber(value)}${interval ? ` (${formatNumber(interval[0])}–${formatNumber(interval[1])})` : ''}`).join(', ')}`)
}
