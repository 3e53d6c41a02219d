// The live picture of a training run: loss and metric as a small SVG drawn by hand, under a millisecond, without any JavaScript in the page.
// The full figure is training-curves.ts; both draw the same panels.
import { formatNumber } from './format.js'
import type { TrainingRecord } from './record.js'
import { fontFamily, ink, meaning } from './theme.js'
import { niceTicks } from './ticks.js'
import { curvePanels, overfittingStretch, type CurveOptions, type CurvePanel, type Line } from './training-panels.js'

const width = 760, height = 250
const top = 26, bottom = 40, left = 52, gap = 60, right = 12

interface Scale { x(at: number): number; y(value: number): number; from: number; to: number }

/** 760 × 250 pixels; all text in one grey, set once on the root, which a page may replace by its own colour. */
export function curvesSVG(record: TrainingRecord, o: CurveOptions = {}): string {
  const panels = curvePanels(record, o)
  const room = (width - left - right - gap * (panels.length - 1)) / panels.length
  const parts = panels.map((panel, index) => drawPanel(record, panel, left + index * (room + gap), room))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${fontFamily.replaceAll('"', '\'')}" font-size="11" fill="${ink}" role="img"><title>Training curves</title>${parts.join('')}${legend(record.unit)}</svg>`
}

function drawPanel(record: TrainingRecord, panel: CurvePanel, from: number, room: number): string {
  const ticks = niceTicks(...panel.range)
  const low = ticks[0]!, high = ticks.at(-1)!, epochs = record.extent
  const scale: Scale = {
    from, to: from + room,
    x: (at) => from + Math.min(at, epochs) / epochs * room,
    y: (value) => height - bottom - (Math.min(Math.max(value, low), high) - low) / (high - low) * (height - top - bottom),
  }
  return [
    `<text x="${from}" y="${top - 11}" font-size="12" font-weight="600">${panel.name}</text>`,
    phases(record, scale, panel.name === 'loss'), shade(record, scale), grid(ticks, epochs, scale),
    path(panel.steps, scale, meaning.training, 1, ' stroke-opacity="0.5"'), panel.steps.x.length === 1 ? dot(panel.steps.x[0]!, panel.steps.y[0]!, scale, meaning.training) : '',
    path(panel.training, scale, panel.name === 'learning rate' ? meaning.rate : meaning.training, 2), path(panel.validation, scale, meaning.validation, 2),
    dots(panel.validation, scale), panel.training.x.length === 1 ? dot(panel.training.x[0]!, panel.training.y[0]!, scale, meaning.training) : '',
    best(panel, scale),
  ].join('')
}

const round = (value: number) => Math.round(value * 10) / 10

function grid(ticks: readonly number[], epochs: number, { x, y, from, to }: Scale): string {
  const lines = ticks.map((tick) => `M${round(from)},${round(y(tick))}H${round(to)}`).join('')
  const values = ticks.map((tick) => `<text x="${round(from) - 6}" y="${round(y(tick)) + 4}" text-anchor="end">${Math.abs(tick) >= 1e-3 || tick === 0 ? Number(tick.toPrecision(4)) : formatNumber(tick)}</text>`)
  const every = Math.max(1, Math.ceil(epochs / 8))
  const numbers = Array.from({ length: Math.floor(epochs / every) + 1 }, (_, i) => i * every)
    .map((epoch) => `<text x="${round(x(epoch))}" y="${height - bottom + 15}" text-anchor="middle">${epoch}</text>`)
  return `<path d="${lines}" fill="none" stroke="#808080" stroke-opacity="0.25"/>${values.join('')}${numbers.join('')}`
}

function path({ x: at, y: values }: Line, { x, y }: Scale, colour: string, thickness: number, extra = ''): string {
  if (at.length < 2) return ''
  const d = at.map((position, i) => `${round(x(position))},${round(y(values[i]!))}`).join('L')
  return `<path d="M${d}" fill="none" stroke="${colour}" stroke-width="${thickness}" stroke-linejoin="round"${extra}/>`
}

const dot = (at: number, value: number, { x, y }: Scale, colour: string) => `<circle cx="${round(x(at))}" cy="${round(y(value))}" r="3" fill="${colour}"/>`
const dots = ({ x, y }: Line, scale: Scale) => x.length > 60 ? '' : x.map((at, i) => dot(at, y[i]!, scale, meaning.validation)).join('')

function best({ best: mark }: CurvePanel, { x, y }: Scale): string {
  return mark ? star(round(x(mark.epoch)), round(y(mark.value)), 7) : ''
}

function star(x: number, y: number, radius: number): string {
  const points = Array.from({ length: 10 }, (_, i) => {
    const reach = i % 2 ? radius * 0.42 : radius, angle = Math.PI * i / 5
    return `${round(x + reach * Math.sin(angle))},${round(y - reach * Math.cos(angle))}`
  })
  return `<path d="M${points.join('L')}Z" fill="${meaning.best}"/>`
}

function phases({ phases: list, extent }: TrainingRecord, { x }: Scale, labelled: boolean): string {
  if (list.length < 2) return ''
  return list.map(({ name, from }, i) => {
    const start = x(from), end = x(list[i + 1]?.from ?? extent)
    const band = i % 2 ? '' : `<rect x="${round(start)}" y="${top}" width="${round(end - start)}" height="${height - top - bottom}" fill="#808080" fill-opacity="0.1"/>`
    return band + (labelled && end - start > name.length * 5.5 + 12 ? `<text x="${round(start) + 4}" y="${top + 12}" font-size="10.5">${name}</text>` : '')
  }).join('')
}

function shade(record: TrainingRecord, { x, to }: Scale): string {
  const stretch = overfittingStretch(record)
  if (!stretch) return ''
  const onset = round(x(stretch.onset))
  return `<rect x="${onset}" y="${top}" width="${round(to - onset)}" height="${height - top - bottom}" fill="${meaning.overfitting}" fill-opacity="0.2"/>`
    + `<path d="M${onset},${top}V${height - bottom}" stroke="${meaning.overfitting}" stroke-width="1.5" stroke-dasharray="5 3"/>`
}

function legend(unit: string): string {
  const y = height - 8
  const line = (x: number, colour: string) => `<path d="M${x},${y - 4}h20" stroke="${colour}" stroke-width="2"/>`
  return `${line(left, meaning.training)}<text x="${left + 26}" y="${y}">training</text>${line(left + 90, meaning.validation)}<circle cx="${left + 100}" cy="${y - 4}" r="3" fill="${meaning.validation}"/><text x="${left + 116}" y="${y}">validation</text>`
    + `${star(left + 196, y - 4, 6)}<text x="${left + 208}" y="${y}">best epoch</text><text x="${width - right}" y="${y}" text-anchor="end">${unit}</text>`
}
