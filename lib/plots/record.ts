// A training run as its readers need it: the stream of events, summed up one event at a time. Draws nothing.
import type { OverfittingVerdict, RunFacts, TrainEvent } from '../train/events.js'

export interface EpochRow {
  epoch: number; train: Record<string, number>; validation: Record<string, number> | undefined
  seconds: number; learningRate: number; best: boolean; memory: number | undefined
}
/** Several steps in one: the mean of `loss`, at the place (in epochs, 1.5 = half through the second) of the last. */
export interface StepPoint { at: number; loss: number; learningRate: number; gradNorm: number }
export interface Phase { name: string; detail: string; from: number }

type StepEvent = Extract<TrainEvent, { type: 'step' }>
type EndEvent = Extract<TrainEvent, { type: 'end' }>

const mostPoints = 800

/**
 * Add events as they come; memory and the cost of drawing stay bounded however long the run is (neighbouring steps are
 * averaged once there are more than 800 points).
 *
 * @example const record = TrainingRecord.from(events); record.epochs.at(-1)?.validation?.accuracy
 */
export class TrainingRecord {
  run: RunFacts | undefined
  readonly phases: Phase[] = []
  readonly epochs: EpochRow[] = []
  readonly notes: { level: 'info' | 'warning'; text: string }[] = []
  verdict: OverfittingVerdict | undefined
  end: EndEvent | undefined
  lastStep: StepEvent | undefined
  /** Milliseconds since 1970 of the first and the latest event. */
  startTime: number | undefined
  time: number | undefined

  #points: StepPoint[] = []
  #stride = 1
  #pending: StepPoint[] = []
  #pace: { time: number; step: number } | undefined

  static from(events: Iterable<TrainEvent> | TrainingRecord): TrainingRecord {
    if (events instanceof TrainingRecord) return events
    const record = new TrainingRecord()
    for (const event of events) record.add(event)
    return record
  }

  add(event: TrainEvent): this {
    this.startTime ??= event.time
    this.time = event.time
    switch (event.type) {
      case 'start': this.run = event.run; this.#pace = { time: event.time, step: 0 }; break
      case 'phase':
        this.phases.push({ name: event.name, detail: event.detail, from: Math.max(0, event.epoch - 1) })
        this.#pace = { time: event.time, step: this.lastStep?.step ?? 0 }
        break
      case 'step': this.lastStep = event; this.#addStep(event); break
      case 'epoch': {
        const { epoch, train, validation, seconds, learningRate, best, memory } = event
        // a run that went back to a checkpoint repeats epochs: the later one counts
        while (this.epochs.length && this.epochs.at(-1)!.epoch >= epoch) this.epochs.pop()
        this.epochs.push({ epoch, train, validation, seconds, learningRate, best, memory })
        break
      }
      case 'note': this.notes.push({ level: event.level, text: event.text }); break
      case 'verdict': this.verdict = event.verdict; break
      case 'end': this.end = event; break
      case 'checkpoint': break
    }
    return this
  }

  #addStep({ epoch, step, loss, learningRate, gradNorm }: StepEvent): void {
    const perEpoch = this.run?.stepsPerEpoch
    const at = perEpoch ? step / perEpoch : epoch
    const before = this.#pending.at(-1) ?? this.#points.at(-1)
    if (before && at <= before.at) {
      this.#points = this.#points.filter((point) => point.at < at)
      this.#pending = []
    }
    this.#pending.push({ at, loss, learningRate, gradNorm })
    if (this.#pending.length < this.#stride) return
    this.#points.push(mean(this.#pending))
    this.#pending = []
    if (this.#points.length < mostPoints) return
    this.#points = Array.from({ length: this.#points.length / 2 }, (_, i) => mean(this.#points.slice(2 * i, 2 * i + 2)))
    this.#stride *= 2
  }

  /** What curves are drawn over: a run that ended within its first epoch has only steps. */
  get unit(): 'epoch' | 'step' { return this.end && this.epochs.length === 0 && this.run?.stepsPerEpoch ? 'step' : 'epoch' }

  /** The course of the steps, at most 800 points, each at its place in the unit. */
  get steps(): readonly StepPoint[] {
    const points = this.#pending.length ? [...this.#points, mean(this.#pending)] : this.#points
    return this.unit === 'step' ? points.map((point) => ({ ...point, at: Math.round(point.at * this.run!.stepsPerEpoch) })) : points
  }

  /** The metric that decides which epoch is best; 'loss' when the run names none. */
  get metric(): string { return this.run?.metric ?? this.end?.best.metric ?? 'loss' }

  /** What a picture has to hold, in the unit: what is planned while it runs, what came about once it has ended. */
  get extent(): number {
    const last = Math.max(this.epochs.at(-1)?.epoch ?? 0, Math.ceil(this.steps.at(-1)?.at ?? 0))
    return Math.max(1, last, this.end ? 0 : this.run?.epochs ?? 0)
  }

  get best(): EpochRow | undefined {
    const named = this.end?.best.epoch
    return (named !== undefined ? this.epochs.find(({ epoch }) => epoch === named) : undefined) ?? this.epochs.findLast(({ best }) => best)
  }

  /** Bytes that the training process held after its last epoch. */
  get memory(): number | undefined { return this.epochs.at(-1)?.memory }

  /** Steps done, of how many, and the seconds that the rest will take at the pace of this phase (undefined until three steps are timed). */
  get progress(): { done: number; total: number; secondsLeft: number | undefined } {
    const done = this.lastStep?.step ?? 0
    const total = Math.max(done, (this.run?.stepsPerEpoch ?? 0) * (this.run?.epochs ?? 0))
    const pace = this.#pace
    if (!pace || this.time === undefined || done - pace.step < 3 || this.end) return { done, total, secondsLeft: undefined }
    return { done, total, secondsLeft: (this.time - pace.time) / 1000 / (done - pace.step) * (total - done) }
  }
}

function mean(points: readonly StepPoint[]): StepPoint {
  const of = (key: keyof StepPoint) => points.reduce((sum, point) => sum + point[key], 0) / points.length
  return { at: points.at(-1)!.at, loss: of('loss'), learningRate: of('learningRate'), gradNorm: of('gradNorm') }
}
