// The figure of a training run: loss and metric for training and validation, the best epoch, the onset of overfitting, the phases.
// Not here: the cheap picture while it runs (curves-svg.ts).
import type { TrainEvent } from '../train/events.js'
import { makeFigure, type Figure, type PlotlyObject } from './figure.js'
import { formatNumber, shortName, wrapped } from './format.js'
import { TrainingRecord } from './record.js'
import { faded, ink, meaning } from './theme.js'
import { curvePanels, overfittingStretch, type CurveOptions, type CurvePanel } from './training-panels.js'
import { verdictHeading, verdictMark } from './verdict-text.js'

/**
 * Loss and metric over the epochs, side by side. Training is a plain line over its single steps, validation has dots; a star
 * and a dotted line mark the best epoch, the shade the epochs from which the run overfits, the grey bands the phases.
 * The verdict stands under the title.
 *
 * @param events a run's events in their order, or a TrainingRecord of them
 * @param o `learningRate`, `gradNorm`: true adds that panel
 * @returns a Plotly figure, 760 pixels wide (1,100 with three panels), that displays itself
 * @example trainingCurves(result.events, { learningRate: true })
 */
export function trainingCurves(events: Iterable<TrainEvent> | TrainingRecord, o: CurveOptions = {}): Figure {
  const record = TrainingRecord.from(events)
  const panels = curvePanels(record, o)
  const gap = 0.09, share = (1 - gap * (panels.length - 1)) / panels.length
  const data: PlotlyObject[] = [], annotations: PlotlyObject[] = [], layout: PlotlyObject = {}
  panels.forEach((panel, index) => {
    const suffix = index ? String(index + 1) : ''
    const left = index * (share + gap)
    data.push(...traces(panel, suffix, index === 0))
    annotations.push(heading(panel.name, left), ...bestLabel(panel, suffix))
    layout[`xaxis${suffix}`] = { domain: [left, left + share], anchor: `y${suffix}`, range: [0, record.extent * 1.02], title: { text: record.unit }, ...ticksFor(record.extent) }
    layout[`yaxis${suffix}`] = { anchor: `x${suffix}`, ...(panel.logarithmic ? { type: 'log' } : { range: padded(panel.range) }), nticks: 6 }
    if (index === 0) annotations.push(...phaseLabels(record, suffix))
  })
  const width = panels.length < 3 ? 760 : 370 * panels.length
  const [name, ...detail] = titleOf(record, Math.floor(width / 7))
  return makeFigure(data, {
    ...layout, annotations, width, height: 370 + 20 * detail.length,
    shapes: panels.flatMap((_, index) => [...phaseBands(record, index), ...marks(record, index)]),
    title: { text: [name, ...detail.map((line) => `<span style="font-size:12px">${line}</span>`)].join('<br>'), y: detail.length > 1 ? 0.955 : 0.97 },
    margin: { t: 66 + 20 * detail.length, b: 84 },
    legend: { orientation: 'h', x: 0, y: -0.24, yanchor: 'top' },
  }, describe(record))
}

const axes = (suffix: string) => ({ xaxis: `x${suffix}`, yaxis: `y${suffix}` })

function traces(panel: CurvePanel, suffix: string, legend: boolean): PlotlyObject[] {
  const common = { type: 'scatter', ...axes(suffix) }
  const list: PlotlyObject[] = []
  const rate = panel.name === 'learning rate'
  if (panel.steps.x.length) list.push({ ...common, ...panel.steps, mode: panel.steps.x.length < 2 ? 'markers' : 'lines', name: 'training, step by step', legendgroup: 'steps', showlegend: legend, line: { color: faded(meaning.training, 0.5), width: 1 }, hovertemplate: `%{y:.4g}<extra>step</extra>` })
  if (panel.training.x.length) {
    const markers = !rate && panel.training.x.length < 2
    list.push({ ...common, ...panel.training, mode: markers ? 'lines+markers' : 'lines', name: 'training', legendgroup: 'training', showlegend: legend, line: { color: rate ? meaning.rate : meaning.training, width: 2 }, marker: { size: 6 }, hovertemplate: `%{y:.4g}<extra>${rate ? 'learning rate' : 'training'}</extra>` })
  }
  if (panel.validation.x.length) list.push({ ...common, ...panel.validation, mode: 'lines+markers', name: 'validation', legendgroup: 'validation', showlegend: legend, line: { color: meaning.validation, width: 2 }, marker: { size: 6 }, hovertemplate: '%{y:.4g}<extra>validation</extra>' })
  if (panel.best) list.push({ ...common, x: [panel.best.epoch], y: [panel.best.value], mode: 'markers', name: 'best epoch', legendgroup: 'best', showlegend: legend, marker: { symbol: 'star', size: 13, color: meaning.best, line: { width: 0 } }, hovertemplate: `%{y:.4g}<extra>best epoch</extra>` })
  return list
}

const heading = (text: string, left: number): PlotlyObject => ({ text: `<b>${text}</b>`, xref: 'paper', yref: 'paper', x: left, y: 1, xanchor: 'left', yanchor: 'bottom', yshift: 6, showarrow: false, font: { size: 13, color: ink } })

function bestLabel(panel: CurvePanel, suffix: string): PlotlyObject[] {
  if (!panel.best || panel.name === 'loss') return []
  const last = panel.validation.x.at(-1) ?? panel.best.epoch, atEdge = last >= 3 && panel.best.epoch > 0.85 * last // where there is no room to the right of it
  return [{ text: formatNumber(panel.best.value), xref: `x${suffix}`, yref: `y${suffix}`, x: panel.best.epoch, y: panel.best.value, xanchor: atEdge ? 'right' : 'left', yanchor: 'top', xshift: atEdge ? -6 : 6, yshift: -6, showarrow: false, font: { size: 12, color: meaning.best } }]
}

function phaseBands({ phases, extent }: TrainingRecord, index: number): PlotlyObject[] {
  if (phases.length < 2) return []
  const suffix = index ? String(index + 1) : ''
  return phases.flatMap(({ from }, i) => i % 2 ? [] : [{ type: 'rect', layer: 'below', xref: `x${suffix}`, yref: `y${suffix} domain`, x0: from, x1: phases[i + 1]?.from ?? extent, y0: 0, y1: 1, fillcolor: faded('#808080', 0.1), line: { width: 0 } }])
}

function phaseLabels({ phases, extent }: TrainingRecord, suffix: string): PlotlyObject[] {
  if (phases.length < 2) return []
  return phases.flatMap(({ name, from }, i) => {
    const room = ((phases[i + 1]?.from ?? extent) - from) / extent * 300
    const narrow = name.length * 6 > room
    return room < 16 ? [] : { text: name, xref: `x${suffix}`, yref: `y${suffix} domain`, x: from, y: 1, xanchor: 'left', yanchor: 'top', textangle: narrow ? 90 : 0, xshift: 2, showarrow: false, font: { size: 11, color: ink } }
  })
}

function marks(record: TrainingRecord, index: number): PlotlyObject[] {
  const suffix = index ? String(index + 1) : ''
  const place = { layer: 'below', xref: `x${suffix}`, yref: `y${suffix} domain`, y0: 0, y1: 1 }
  const list: PlotlyObject[] = []
  const stretch = overfittingStretch(record)
  if (stretch) {
    list.push({ ...place, type: 'rect', x0: stretch.onset, x1: Math.max(record.extent, stretch.end), fillcolor: faded(meaning.overfitting, 0.18), line: { width: 0 } })
    if (stretch.to > stretch.from) list.push({ ...place, type: 'rect', x0: stretch.from, x1: stretch.to, fillcolor: faded(meaning.overfitting, 0.14), line: { width: 0 } })
    list.push({ ...place, type: 'line', x0: stretch.onset, x1: stretch.onset, line: { color: meaning.overfitting, width: 2, dash: 'dash' } })
  }
  if (record.best) list.push({ ...place, type: 'line', x0: record.best.epoch, x1: record.best.epoch, line: { color: meaning.best, width: 1.5, dash: 'dot' } })
  return list
}

function titleOf(record: TrainingRecord, width: number): string[] {
  const { run, verdict } = record
  const title = run ? `${shortName(run.model)} on ${shortName(run.data)}` : 'Training'
  return [title, ...(verdict ? wrapped(`${verdictMark(verdict.verdict)} ${verdictHeading(verdict)}: ${verdict.evidence}`, width).slice(0, 3) : [])]
}

const ticksFor = (length: number): PlotlyObject => ({ tick0: 0, dtick: Math.max(1, Math.ceil(length / 8)) })

function padded([low, high]: [number, number]): [number, number] {
  const pad = (high - low || Math.abs(high) || 1) * 0.08
  return [low === 0 ? 0 : low - pad, high + pad]
}

/** One line in words. */
export function describe(record: TrainingRecord): string {
  const last = record.epochs.at(-1), best = record.best, metric = record.metric
  const parts = [
    record.run ? `Training of ${shortName(record.run.model)} on ${shortName(record.run.data)}` : 'Training',
    last ? `${last.epoch} ${last.epoch === 1 ? 'epoch' : 'epochs'}` : undefined,
    last ? `training loss ${formatNumber(last.train.loss)}${last.validation?.loss === undefined ? '' : `, validation loss ${formatNumber(last.validation.loss)}`}` : undefined,
    best ? `best ${metric} ${formatNumber(best.validation?.[metric] ?? best.train[metric])} in epoch ${best.epoch}` : undefined,
    record.verdict ? verdictHeading(record.verdict) : undefined,
  ]
  return parts.filter(Boolean).join(', ')
}
