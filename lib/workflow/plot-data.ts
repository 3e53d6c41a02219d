// plotData: a data set as figures, to look at before training: rows by class and part, and how large the rows are.
import type { Dataset } from '../data/index.js'
import { classBalance, sizeHistogram, type Figure } from '../plots/index.js'

/**
 * Plotly figures by name: 'classes' where there are some, and one for each thing that the kind measures ('characters', 'seconds', 'width (pixels)'), where it differs among rows.
 *
 * @example (await plotData(photos)).classes
 */
export async function plotData(data: Dataset<any>): Promise<Record<string, Figure>> {
  const { classes, splits, sizes } = await data.describe()
  const balance: [string, Figure][] = classes.length === 0 ? [] : [['classes', classBalance({ classes, splits: Object.fromEntries(splits.map(({ name, byClass }) => [name, classes.map((label) => byClass[label]!)])) })]]
  const histograms = Object.entries(sizes).filter(([, { smallest, largest }]) => largest > smallest).map(([measure, { histogram, median, largest }]): [string, Figure] => [measure, sizeHistogram({ measure, ...histogram, median, largest })])
  return Object.fromEntries([...balance, ...histograms])
}
