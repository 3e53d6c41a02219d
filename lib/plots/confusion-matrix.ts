// Which class is taken for which.
import { PlotError } from './errors.js'
import { makeFigure, type Figure } from './figure.js'
import { formatPercent } from './format.js'
import { inkOnScale, lineColour, sequentialScale } from './theme.js'

export interface ConfusionRecord {
  classes: readonly string[]
  /** counts[true][predicted], classes × classes */
  counts: readonly (readonly number[])[]
}

/**
 * Rows are true classes, columns predictions; the shade is the share of the row, the number the count. Rows and columns of
 * more than 30 classes go without numbers.
 *
 * @throws PlotError when counts isn't classes × classes
 * @example confusionMatrix({ classes: ['ant', 'bee'], counts: [[70, 3], [5, 75]] })
 */
export function confusionMatrix({ classes, counts }: ConfusionRecord): Figure {
  const size = classes.length
  if (!size || counts.length !== size || counts.some((row) => row.length !== size)) {
    throw new PlotError(`Cannot draw the confusion matrix: counts must be ${size} × ${size}, one row and one column for each class; got ${counts.length} × ${[...new Set(counts.map((row) => row.length))].join(' or ')}.`)
  }
  const shares = counts.map((row) => { const total = row.reduce((sum, count) => sum + count, 0); return row.map((count) => total ? count / total : 0) })
  const right = counts.reduce((sum, row, i) => sum + row[i]!, 0), all = counts.flat().reduce((sum, count) => sum + count, 0)
  const cells = counts.flatMap((row, i) => row.map((count, j) => ({ x: classes[j]!, y: classes[i]!, count, share: shares[i]![j]! })))
  const side = Math.min(760, Math.max(300, size * (size > 12 ? 26 : 56) + 60))
  const text = size <= 30 ? [{
    type: 'scatter', mode: 'text', x: cells.map(({ x }) => x), y: cells.map(({ y }) => y), text: cells.map(({ count }) => count ? String(count) : '·'), hoverinfo: 'skip', showlegend: false,
    textfont: { size: size > 12 ? 10 : 13, color: cells.map(({ share }) => inkOnScale(share)) },
  }] : []
  return makeFigure([{
    type: 'heatmap', x: classes, y: classes, z: shares, zmin: 0, zmax: 1, colorscale: sequentialScale, xgap: 2, ygap: 2, showscale: false,
    customdata: counts.map((row) => [...row]), hovertemplate: 'true %{y}<br>predicted %{x}<br>%{customdata} (%{z:.0%} of the row)<extra></extra>',
  }, ...text], {
    width: side + 130, height: side + 110,
    title: { text: 'Confusion matrix', subtitle: { text: all ? `${right} of ${all} right (${formatPercent(right / all)}); shade: share of the true class` : 'no rows' } },
    xaxis: { title: { text: 'predicted' }, type: 'category', constrain: 'domain', showgrid: false, showline: false, ticks: '', tickangle: size > 6 ? -45 : 0 },
    yaxis: { title: { text: 'true' }, type: 'category', autorange: 'reversed', scaleanchor: 'x', constrain: 'domain', showgrid: false, showline: false, ticks: '' },
    shapes: cells.length <= 900 ? [] : [{ type: 'rect', xref: 'paper', yref: 'paper', x0: 0, x1: 1, y0: 0, y1: 1, line: { color: lineColour, width: 1 } }],
    margin: { t: 70 },
  }, `Confusion matrix of ${size} classes: ${right} of ${all} right`)
}
