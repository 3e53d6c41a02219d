// How large the rows are: lengths of texts, seconds of recordings, sides of pictures.
import { PlotError } from './errors.js'
import { makeFigure, type Figure } from './figure.js'
import { formatNumber } from './format.js'
import { seriesColour } from './theme.js'

export interface HistogramRecord {
  /** What is measured, with its unit: 'seconds', 'width (pixels)'. */
  measure: string
  /** Rows in equal steps between these; what lies beyond `to` counts in the last. */
  from: number
  to: number
  counts: readonly number[]
  median?: number | undefined
  largest?: number | undefined
}

/**
 * Bars over the measure; a dashed line at the median.
 *
 * @throws PlotError without counts, or with a range that is none
 * @example sizeHistogram({ measure: 'seconds', from: 0.2, to: 1.1, counts: [3, 8, 12, 4], median: 0.6 })
 */
export function sizeHistogram({ measure, from, to, counts, median, largest }: HistogramRecord): Figure {
  if (counts.length === 0 || !Number.isFinite(from) || !Number.isFinite(to) || to < from) throw new PlotError(`Cannot draw the histogram of "${measure}": it needs counts and a range from low to high, got ${counts.length} counts from ${from} to ${to}.`)
  const width = to > from ? (to - from) / counts.length : Math.max(1, Math.abs(from)) / 10
  const centre = counts.map((_, i) => to > from ? from + (i + 0.5) * width : from)
  const rows = counts.reduce((a, b) => a + b, 0)
  return makeFigure([{
    type: 'bar', x: centre, y: counts, width, marker: { color: seriesColour(0) }, customdata: counts.map((_, i) => `${formatNumber(from + i * width)} to ${formatNumber(from + (i + 1) * width)}`), hovertemplate: '%{customdata}: %{y} rows<extra></extra>',
  }], {
    height: 300, bargap: 0.04, showlegend: false,
    title: { text: `Rows by ${measure}`, subtitle: { text: `${formatNumber(from)} to ${formatNumber(largest ?? to)}${median === undefined ? '' : `, median ${formatNumber(median)}`}` } },
    xaxis: { title: { text: measure } }, yaxis: { title: { text: 'rows' }, rangemode: 'tozero' }, margin: { t: 70 },
    shapes: median === undefined ? [] : [{ type: 'line', x0: median, x1: median, yref: 'paper', y0: 0, y1: 1, line: { dash: 'dash', width: 1.5, color: seriesColour(1) } }],
  }, `${rows} rows by ${measure}: ${formatNumber(from)} to ${formatNumber(largest ?? to)}${median === undefined ? '' : `, median ${formatNumber(median)}`}`)
}
