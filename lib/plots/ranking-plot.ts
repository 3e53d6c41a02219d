// Which pre-trained model promises most before any training, and what it costs.
import { PlotError } from './errors.js'
import { makeFigure, type Figure } from './figure.js'
import { formatNumber, formatSeconds, shortName } from './format.js'
import { colours, faded, ink, meaning } from './theme.js'

export interface RankingRow { name: string; score: number; interval?: readonly [number, number] | undefined; seconds?: number | undefined; parameters?: number | undefined }

/**
 * Scores best first, with intervals where there are some; the best stands out, cost stands beside the name.
 *
 * @param rows in any order
 * @throws PlotError without rows
 * @example rankingPlot([{ name: 'efficientnet-lite0', score: .86, interval: [.81, .9] }, { name: 'small-cnn', score: .71 }], { score: 'accuracy' })
 */
export function rankingPlot(rows: readonly RankingRow[], o: { score?: string; title?: string } = {}): Figure {
  if (!rows.length) throw new PlotError('Cannot draw the ranking: there must be at least one model with a score; got none.')
  const sorted = rows.toSorted((a, b) => b.score - a.score)
  const cost = ({ seconds, parameters }: RankingRow) => [parameters === undefined ? '' : `${parameters.toLocaleString('en-US', { notation: 'compact' })} weights`, seconds === undefined ? '' : formatSeconds(seconds)].filter(Boolean).join(', ')
  const labels = sorted.map((row) => `${shortName(row.name)}${cost(row) ? `<br><span style="font-size:10px">${cost(row)}</span>` : ''}`)
  const low = Math.min(0, ...sorted.map(({ score, interval }) => interval?.[0] ?? score))
  return makeFigure([{
    type: 'bar', orientation: 'h', y: labels, x: sorted.map(({ score }) => score), text: sorted.map(({ score }) => formatNumber(score)), textposition: low < 0 ? 'auto' : 'inside', insidetextanchor: 'start', textfont: { size: 12, color: '#ffffff' },
    marker: { color: sorted.map((_, i) => i === 0 ? meaning.best : faded(colours.blue, 0.85)) }, width: 0.55,
    error_x: { type: 'data', symmetric: false, color: ink, thickness: 1.5, width: 4, visible: sorted.some(({ interval }) => interval), array: sorted.map(({ score, interval }) => interval ? interval[1] - score : 0), arrayminus: sorted.map(({ score, interval }) => interval ? score - interval[0] : 0) },
    hovertemplate: '%{x:.4g}<extra></extra>',
  }], {
    height: 130 + 48 * sorted.length, title: { text: o.title ?? 'Models, best first' },
    xaxis: { title: { text: o.score ?? 'score' } }, yaxis: { type: 'category', autorange: 'reversed', ticks: '', showgrid: false }, margin: { t: 48 },
  }, `Models, best first: ${sorted.map(({ name, score }) => `${shortName(name)} ${formatNumber(score)}`).join(', ')}`)
}
