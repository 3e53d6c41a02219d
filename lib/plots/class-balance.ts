// How many rows each class has, split by split.
import { PlotError } from './errors.js'
import { makeFigure, type Figure } from './figure.js'
import { formatNumber } from './format.js'
import { seriesColour } from './theme.js'

export interface BalanceRecord {
  classes: readonly string[]
  /** Rows by class, for each split: { train: [120, 98], test: [30, 24] } */
  splits: Readonly<Record<string, readonly number[]>>
}

/**
 * Horizontal bars, classes in their own order, so that long names stay readable.
 *
 * @throws PlotError when a split doesn't count every class
 * @example classBalance({ classes: ['ant', 'bee'], splits: { train: [123, 121], validation: [70, 83] } })
 */
export function classBalance({ classes, splits }: BalanceRecord): Figure {
  const names = Object.keys(splits)
  for (const name of names) if (splits[name]!.length !== classes.length) throw new PlotError(`Cannot draw the class balance: split "${name}" must count each of the ${classes.length} classes; it has ${splits[name]!.length} counts.`)
  const totals = classes.map((_, i) => names.reduce((sum, name) => sum + splits[name]![i]!, 0))
  const largest = Math.max(...totals), smallest = Math.min(...totals)
  const height = Math.max(240, 130 + classes.length * (12 + 13 * names.length))
  return makeFigure(names.map((name, i) => ({
    type: 'bar', orientation: 'h', name, y: classes, x: splits[name], marker: { color: seriesColour(i) }, text: splits[name]!.map(String), textposition: 'outside', cliponaxis: false, textfont: { size: 11 },
    hovertemplate: `%{y}: %{x}<extra>${name}</extra>`,
  })), {
    height, bargap: 0.25,
    title: { text: 'Rows by class', subtitle: { text: classes.length < 2 ? '' : smallest === largest ? 'perfectly balanced' : smallest === 0 ? `"${classes[totals.indexOf(0)]}" has no rows` : `the largest class has ${formatNumber(largest / smallest)} times the rows of the smallest` } },
    xaxis: { title: { text: 'rows' }, rangemode: 'tozero' }, yaxis: { type: 'category', autorange: 'reversed', showgrid: false, ticks: '' },
    legend: { traceorder: 'normal' }, margin: { t: 70 },
  }, `Rows by class: ${classes.map((name, i) => `${name} ${totals[i]}`).join(', ')}`)
}
