// The live view of a run: feeds the stream to the plots room and its bundles to the display room, at most five times a second.
import { liveDisplay, type LiveDisplay, type MimeBundle } from '../display/index.js'
import { finishedCurves, TrainingRecord, trainingView, type CurveOptions } from '../plots/index.js'
import type { EventStream, TrainEvent } from '../train/index.js'
import { runButtons, type RunActions, type RunButtons } from './run-buttons.js'

/** What `afinar run` reads to show progress in a terminal. */
export const progressMime = 'application/vnd.afinar.train-event+json'

interface Panes { curves: LiveDisplay; panel: LiveDisplay; buttons: RunButtons | undefined; options: CurveOptions }

/** The most of the time that drawing may take, of both together 1.2 %: sending and saving what was drawn costs about as much again, in other processes too. */
const curvesShare = 0.008, panelShare = 0.004

export class RunView {
  readonly #record = new TrainingRecord()
  readonly #panes: Panes[] = []
  #stopping = false
  #ended = false

  constructor(stream: EventStream, readonly actions: RunActions) {
    stream.listen((event) => this.#take(event))
  }

  /** Shows the run in the cell that runs now. */
  open(options: CurveOptions = {}): void {
    const curves = liveDisplay({ share: curvesShare }), panel = liveDisplay({ share: panelShare })
    const panes: Panes = { curves, panel, options, buttons: undefined }
    curves.update((): MimeBundle => trainingView(this.#record, options).curves)
    if (!this.#ended) panes.buttons = runButtons(this.actions)
    this.#update(panes)
    if (this.#ended) void this.#finish(panes)
    else this.#panes.push(panes)
  }

  stopping(): void {
    this.#stopping = true
    for (const panes of this.#panes) this.#update(panes)
  }

  /** The last picture, with the interactive figure in place of the quick one. */
  async finish(): Promise<void> {
    this.#ended = true
    await Promise.all(this.#panes.map((panes) => this.#finish(panes)))
  }

  async #finish(panes: Panes): Promise<void> {
    const { panel, curves } = trainingView(this.#record, panes.options)
    await panes.curves.close(this.#record.steps.length > 0 ? finishedCurves(this.#record, panes.options) : curves)
    await panes.buttons?.close()
    await panes.panel.close({ ...panel, [progressMime]: progress(this.#record) })
  }

  #take(event: TrainEvent): void {
    this.#record.add(event)
    for (const panes of this.#panes) this.#update(panes)
  }

  #update({ curves, panel, options }: Panes): void {
    curves.update((): MimeBundle => trainingView(this.#record, options).curves)
    panel.update((): MimeBundle => ({ ...trainingView(this.#record, { stopped: this.#stopping }).panel, [progressMime]: progress(this.#record) }))
  }
}

/** Plain figures of where the run stands. */
function progress(record: TrainingRecord): Record<string, unknown> {
  const { run, lastStep, epochs, end } = record, last = epochs.at(-1)
  const steps = (run?.epochs ?? 0) * (run?.stepsPerEpoch ?? 0)
  return {
    epoch: lastStep?.epoch ?? 0, epochs: run?.epochs ?? 0, step: lastStep?.step ?? 0, steps, loss: lastStep?.loss, metric: record.metric,
    ...(last ? { train: last.train, ...(last.validation ? { validation: last.validation } : {}) } : {}),
    losses: epochs.map(({ train }) => train['loss']), secondsLeft: record.progress.secondsLeft, examplesPerSecond: lastStep?.examplesPerSecond,
    verdict: record.verdict?.verdict, ...(end ? { end: end.reason } : {}),
  }
}
