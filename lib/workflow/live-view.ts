// The live view of a run: feeds the stream to the plots room and its bundles to the display room, at most five times a second.
import { liveDisplay, type LiveDisplay, type MimeBundle } from '../display/index.js'
import { finishedCurves, TrainingRecord, trainingView } from '../plots/index.js'
import type { EventStream, TrainEvent } from '../train/index.js'

/** What `afinar run` reads to show progress in a terminal. */
export const progressMime = 'application/vnd.afinar.train-event+json'

interface Panes { curves: LiveDisplay; panel: LiveDisplay }

export class RunView {
  readonly #record = new TrainingRecord()
  readonly #panes: Panes[] = []
  #stopping = false
  #ended = false

  constructor(stream: EventStream, readonly stop: () => void) {
    stream.listen((event) => this.#take(event))
  }

  /** Shows the run in the cell that runs now. */
  open(): void {
    const panes = { curves: liveDisplay(), panel: liveDisplay() }
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
    const { panel, curves } = trainingView(this.#record)
    await panes.curves.close(this.#record.epochs.length > 0 ? finishedCurves(this.#record) : curves)
    await panes.panel.close({ ...panel, [progressMime]: progress(this.#record) })
  }

  #take(event: TrainEvent): void {
    this.#record.add(event)
    for (const panes of this.#panes) this.#update(panes)
  }

  #update({ curves, panel }: Panes): void {
    curves.update((): MimeBundle => trainingView(this.#record, { stopped: this.#stopping }).curves)
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
