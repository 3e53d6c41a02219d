// Trials of a sweep as lines across their parameters: which values go with which results.
import { PlotError } from './errors.js'
import { makeFigure, type Figure, type PlotlyObject } from './figure.js'
import { formatNumber } from './format.js'
import { colours, ink, lineColour } from './theme.js'

export type Value = string | number | boolean | null

export interface CoordinateTrial { params: Readonly<Record<string, Value>>; value: number; /** False for trials that were stopped early; they are drawn thin. Default true. */ whole?: boolean }

export type Coordinate = { name: string; values: readonly Value[] } | { name: string; from: number; to: number; log?: boolean; integer?: boolean }

const written = (value: Value): string => typeof value === 'number' ? Number.isInteger(value) ? String(value) : formatNumber(value) : String(value)

/** From the worst fifth of the trials to the best. */
const shades = ['#c9ced3', '#a9bccb', '#7fa9c6', '#4692c4', colours.vermillion]

/**
 * One line a trial from its first parameter to its value on the last axis; darker is better, the best fifth stands out.
 *
 * @throws PlotError without trials or parameters
 * @example parallelCoordinates(trials, { dimensions: [{ name: 'learningRate', from: 1e-5, to: 1e-2, log: true }, { name: 'batchSize', values: [8, 16, 32] }], goal: 'max' })
 */
export function parallelCoordinates(trials: readonly CoordinateTrial[], o: { dimensions: readonly Coordinate[]; goal: 'max' | 'min'; title?: string; metric?: string }): Figure {
  const known = trials.filter(({ value }) => Number.isFinite(value))
  if (!known.length || !o.dimensions.length) throw new PlotError(`Cannot draw the trials: there must be at least one trial with a value and one parameter; got ${known.length} and ${o.dimensions.length}.`)
  const values = known.map(({ value }) => value), low = Math.min(...values), high = Math.max(...values), last = o.dimensions.length
  const axes = [...o.dimensions.map((dimension) => ({ name: dimension.name, place: (trial: CoordinateTrial) => placeOf(dimension, trial.params[dimension.name] ?? null), ticks: ticksOf(dimension) })),
    { name: o.metric ?? 'value', place: ({ value }: CoordinateTrial) => high === low ? 0.5 : (value - low) / (high - low), ticks: [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, text: formatNumber(low + at * (high - low)) })) }]
  const sorted = known.toSorted((a, b) => o.goal === 'max' ? a.value - b.value : b.value - a.value)
  const rank = new Map(sorted.map((trial, i) => [trial, Math.min(shades.length - 1, Math.floor(i / sorted.length * shades.length))]))
  const best = sorted.at(-1)!
  const lines = shades.flatMap((color, shade) => [false, true].flatMap((whole): PlotlyObject[] => {
    const own = sorted.filter((trial) => rank.get(trial) === shade && (trial.whole ?? true) === whole && trial !== best)
    // One trace for all of a kind, its lines told apart by gaps.
    return own.length === 0 ? [] : [{ type: 'scatter', mode: 'lines', showlegend: false, hoverinfo: 'skip', line: { color, width: whole ? 1.4 : 0.7 }, x: own.flatMap(() => [...axes.keys(), null]), y: own.flatMap((trial) => [...axes.map(({ place }) => place(trial)), null]) }]
  }))
  const said = (trial: CoordinateTrial) => o.dimensions.map(({ name }) => `${name} ${written(trial.params[name] ?? null)}`).join(', ')
  return makeFigure([...lines, {
    type: 'scatter', mode: 'lines+markers', name: 'best', showlegend: false, x: [...axes.keys()], y: axes.map(({ place }) => place(best)), line: { color: colours.green, width: 3 }, marker: { size: 8, color: colours.green },
    text: axes.map(() => `${said(best)}: ${formatNumber(best.value)}`), hovertemplate: '%{text}<extra></extra>',
  }], {
    height: 400, title: { text: o.title ?? 'Trials', subtitle: { text: `best: ${formatNumber(best.value)} with ${said(best)}` } },
    xaxis: { tickvals: [...axes.keys()], ticktext: axes.map(({ name }) => name), range: [-0.3, last + 0.35], showgrid: false, showline: false, ticks: '', side: 'bottom', fixedrange: true },
    yaxis: { range: [-0.08, 1.08], showticklabels: false, ticks: '', showgrid: false, showline: false, fixedrange: true },
    shapes: axes.map((_, x) => ({ type: 'line', x0: x, x1: x, y0: 0, y1: 1, line: { color: lineColour, width: 1 } })),
    annotations: axes.flatMap(({ ticks }, x) => ticks.map(({ at, text }) => ({ x, y: at, text, xanchor: x === last ? 'left' : 'right', xshift: x === last ? 5 : -5, yanchor: 'middle', showarrow: false, font: { size: 10, color: ink } }))),
    margin: { t: 80, l: 60, r: 50 },
  }, `${known.length} trials; best ${formatNumber(best.value)} with ${said(best)}`)
}

function placeOf(dimension: Coordinate, value: Value): number {
  if ('values' in dimension) return dimension.values.length === 1 ? 0.5 : dimension.values.indexOf(value) / (dimension.values.length - 1)
  const { from, to, log } = dimension, x = value as number
  if (from === to) return 0.5
  return log ? Math.log(x / from) / Math.log(to / from) : (x - from) / (to - from)
}

function ticksOf(dimension: Coordinate): { at: number; text: string }[] {
  if ('values' in dimension) return dimension.values.map((value) => ({ at: placeOf(dimension, value), text: written(value) }))
  const { from, to, log, integer } = dimension
  const shares = from === to ? [0.5] : [0, 0.25, 0.5, 0.75, 1]
  const values = shares.map((at) => log ? from * (to / from) ** at : from + at * (to - from))
  return (integer ? [...new Set(values.map(Math.round))] : values).map((value) => ({ at: placeOf(dimension, value), text: integer ? String(value) : formatNumber(value) }))
}
