// The live view of a run as MIME bundles, cheap enough to be made five times a second. It shows; when to show is the caller's business.
import type { TrainEvent } from '../train/events.js'
import { curvesSVG } from './curves-svg.js'
import type { MimeBundle } from './figure.js'
import { TrainingRecord } from './record.js'
import type { CurveOptions } from './training-panels.js'
import { trainingCurves } from './training-curves.js'
import { panelHTML } from './training-panel.js'
import { ink } from './theme.js'
import { curvesText, panelText } from './training-text.js'

export interface TrainingView {
  /** The picture alone, to be replaced by `finishedCurves` at the end. */
  readonly curves: MimeBundle
  /** Bars, verdict and table. */
  readonly panel: MimeBundle
  /** Both in one, for front ends that show one bundle. */
  readonly whole: MimeBundle
}

/**
 * Pictures are hand-drawn SVG in the page's own text colour, without JavaScript: they update in place without flicker and
 * look the same in JupyterLab, VS Code and an exported page.
 *
 * @param events a run's events so far, or (cheaper, for views that follow a run) a TrainingRecord of them
 * @param o `stopped`: Stop was pressed and the run has not ended yet; `learningRate`, `gradNorm`: true adds that panel
 * @example display(trainingView(events).whole, { id: 'run' })
 */
export function trainingView(events: Iterable<TrainEvent> | TrainingRecord, o: CurveOptions & { stopped?: boolean } = {}): TrainingView {
  const record = TrainingRecord.from(events)
  const stopped = o.stopped ?? false
  // each is drawn when it is asked for: most front ends take either the whole or the two parts
  return {
    get curves() {
      const picture = curvesSVG(record, o)
      return { 'text/html': inPage(picture), 'image/svg+xml': picture, 'text/plain': curvesText(record, o) }
    },
    get panel() { return { 'text/html': panelHTML(record, stopped), 'text/plain': panelText(record, stopped) } },
    get whole() { return { 'text/html': inPage(curvesSVG(record, o)) + panelHTML(record, stopped), 'text/plain': `${panelText(record, stopped)}\n${curvesText(record, o)}` } },
  }
}

/**
 * What replaces the live curves once the run has ended: the interactive figure, with the hand-drawn picture for whoever has
 * no Plotly, so that nobody waits for one. (JupyterLab's renderer draws a Plotly output once and ignores later updates of it:
 * live curves cannot be Plotly there.)
 *
 * @example await live.close(finishedCurves(record))
 */
export function finishedCurves(events: Iterable<TrainEvent> | TrainingRecord, o: CurveOptions = {}): MimeBundle {
  const record = TrainingRecord.from(events)
  const { data, layout, config } = trainingCurves(record, o)
  return { 'application/vnd.plotly.v1+json': { data, layout, config }, 'image/svg+xml': curvesSVG(record, o), 'text/plain': curvesText(record, o) }
}

/** In a page the picture shrinks with the column and takes the colour of its text. */
const inPage = (svg: string) => `<div style="max-width:760px">${svg.replace(/width="\d+" height="\d+"/, 'style="width:100%;height:auto;display:block"').replace(`fill="${ink}"`, 'fill="currentColor"')}</div>`
