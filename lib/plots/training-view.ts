// The live view of a run as MIME bundles, cheap enough to be made five times a second. It shows; when to show is the caller's business.
import type { TrainEvent } from '../train/events.js'
import { curvesSVG } from './curves-svg.js'
import type { MimeBundle } from './figure.js'
import { TrainingRecord } from './record.js'
import { panelHTML } from './training-panel.js'
import { ink } from './theme.js'
import { curvesText, panelText } from './training-text.js'

export interface TrainingView {
  /** The picture alone, to be replaced by the interactive figure (`figureBundle(trainingCurves(events))`) at the end. */
  curves: MimeBundle
  /** Bars, verdict and table. */
  panel: MimeBundle
  /** Both in one, for front ends that show one bundle. */
  whole: MimeBundle
}

/**
 * Pictures are hand-drawn SVG in the page's own text colour, without JavaScript: they update in place without flicker and
 * look the same in JupyterLab, VS Code and an exported page.
 *
 * @param events a run's events so far, or (cheaper, for views that follow a run) a TrainingRecord of them
 * @param o `stopped`: Stop was pressed and the run has not ended yet
 * @example display(trainingView(events).whole, { id: 'run' })
 */
export function trainingView(events: Iterable<TrainEvent> | TrainingRecord, o: { stopped?: boolean } = {}): TrainingView {
  const record = TrainingRecord.from(events)
  const stopped = o.stopped ?? false
  const picture = curvesSVG(record)
  const curves = `<div style="max-width:760px">${inPage(picture)}</div>`
  const panel = panelHTML(record, stopped)
  const text = { curves: curvesText(record), panel: panelText(record, stopped) }
  return {
    curves: { 'text/html': curves, 'image/svg+xml': picture, 'text/plain': text.curves },
    panel: { 'text/html': panel, 'text/plain': text.panel },
    whole: { 'text/html': curves + panel, 'text/plain': `${text.panel}\n${text.curves}` },
  }
}

/** In a page the picture shrinks with the column and takes the colour of its text. */
const inPage = (svg: string) => svg.replace(/width="\d+" height="\d+"/, 'style="width:100%;height:auto;display:block"').replace(`fill="${ink}"`, 'fill="currentColor"')
