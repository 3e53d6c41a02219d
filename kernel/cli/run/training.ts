// What a terminal line can say about a training that runs in a cell, read from the display updates that carry its
// events. Reads only what it needs of an event and mistrusts the rest: it comes from a notebook.
import type { MimeData } from './notebook.js'

export const TRAIN_EVENT = 'application/vnd.afinar.train-event+json'

/** Where a training stands, as the library's live view carries it beside its picture. */
interface Progress { epoch?: number; epochs?: number; step?: number; steps?: number; loss?: number; metric?: string; train?: Record<string, number>; validation?: Record<string, number>; losses?: number[]; examplesPerSecond?: number; verdict?: string; end?: string }
interface Event { type?: string; epoch?: number; step?: number; loss?: number; train?: Record<string, number>; validation?: Record<string, number>; run?: { epochs?: number; stepsPerEpoch?: number; metric?: string }; verdict?: { verdict?: string }; seconds?: number; examplesPerSecond?: number }

/** Lines of blocks, from the room of plots; loaded while the kernel starts, so that no run waits for it. */
let sparkline = (_values: readonly number[], _width: number): string => ''

export async function loadSparkline(): Promise<void> {
  sparkline = (await import('../../../lib/plots/index.js')).sparkline
}

/** Follows one cell's trainings. */
export class TrainingFollower {
  #losses: number[] = []
  #epochs: number | undefined
  #stepsPerEpoch: number | undefined
  #metric = 'accuracy'
  #epochsSeen = 0
  #step: number | undefined
  #line = ''
  #verdict = ''

  /** Takes in a display's data. Returns lines that should stay: one per finished epoch. */
  take(data: MimeData): string[] {
    const value = data[TRAIN_EVENT]
    return isProgress(value) ? this.#stands(value) : events(value).flatMap(event => this.#one(event))
  }

  /** The present state in one line; '' where nothing trains. */
  get line(): string { return this.#line }

  #stands(at: Progress): string[] {
    const losses = (at.losses ?? []).filter(loss => typeof loss === 'number'), lines: string[] = []
    this.#epochs = at.epochs
    this.#metric = at.metric ?? this.#metric
    if (losses.length < this.#epochsSeen) this.#epochsSeen = 0 // another training
    for (let epoch = this.#epochsSeen + 1; epoch <= losses.length; epoch++) {
      const latest = epoch === losses.length
      lines.push([this.#epoch(epoch), `loss ${figure(losses[epoch - 1])}`, ...(latest ? this.#metrics({ ...(at.train ? { train: at.train } : {}), ...(at.validation ? { validation: at.validation } : {}) }) : []), sparkline(losses.slice(0, epoch), 16)].filter(part => part !== '').join('  '))
    }
    this.#epochsSeen = losses.length
    if (at.verdict !== undefined && at.verdict !== this.#verdict) lines.push(`verdict: ${this.#verdict = at.verdict}`)
    if (at.end !== undefined) this.#line = ''
    else if (at.epoch !== undefined && at.epoch > 0) {
      if (at.loss !== undefined && at.step !== this.#step) this.#losses.push(at.loss)
      this.#step = at.step
      this.#line = `${this.#epoch(at.epoch)}${at.step !== undefined && at.steps ? ` step ${at.step}/${at.steps}` : ''}  loss ${figure(at.loss)} ${sparkline(this.#losses, 24)}${at.examplesPerSecond === undefined ? '' : `  ${at.examplesPerSecond.toFixed(0)}/s`}`
    }
    return lines
  }

  #one(event: Event): string[] {
    if (event.type === 'start') {
      this.#epochs = event.run?.epochs
      this.#stepsPerEpoch = event.run?.stepsPerEpoch
      this.#metric = event.run?.metric ?? this.#metric
      this.#losses = []
      this.#epochsSeen = 0
    } else if (event.type === 'step' && event.epoch !== undefined) {
      if (event.loss !== undefined) this.#losses.push(event.loss)
      const step = this.#stepsPerEpoch === undefined || event.step === undefined ? '' : ` step ${(event.step - 1) % this.#stepsPerEpoch + 1}/${this.#stepsPerEpoch}`
      const speed = event.examplesPerSecond === undefined ? '' : `  ${event.examplesPerSecond.toFixed(0)}/s`
      this.#line = `${this.#epoch(event.epoch)}${step}  loss ${figure(event.loss)} ${sparkline(this.#losses, 24)}${speed}`
    } else if (event.type === 'epoch' && event.epoch !== undefined && event.epoch > this.#epochsSeen) {
      this.#epochsSeen = event.epoch
      const loss = event.train?.loss
      if (this.#losses.length === 0 && loss !== undefined) this.#losses.push(loss)
      const parts = [this.#epoch(event.epoch), `loss ${figure(loss)}`, ...this.#metrics(event), sparkline(this.#losses, 16), event.seconds === undefined ? '' : `${event.seconds.toFixed(1)} s`]
      return [parts.filter(part => part !== '').join('  ')]
    } else if (event.type === 'verdict' && event.verdict?.verdict !== undefined && event.verdict.verdict !== this.#verdict) {
      this.#verdict = event.verdict.verdict
      return [`verdict: ${this.#verdict}`]
    } else if (event.type === 'end') this.#line = ''
    return []
  }

  #epoch(epoch: number): string { return `epoch ${epoch}${this.#epochs === undefined ? '' : `/${this.#epochs}`}` }

  #metrics(event: Event): string[] {
    const of = (name: string, values: Record<string, number> | undefined, metric: string): string[] => values?.[metric] === undefined ? [] : [`${name}${metric} ${figure(values[metric])}`]
    return [...of('', event.train, this.#metric), ...of('val ', event.validation, 'loss'), ...of('val ', event.validation, this.#metric)]
  }
}

const isProgress = (value: unknown): value is Progress => typeof value === 'object' && value !== null && 'epochs' in value && 'step' in value && !('type' in value)

function events(value: unknown): Event[] {
  if (Array.isArray(value)) return value.filter((each): each is Event => typeof each === 'object' && each !== null)
  if (typeof value !== 'object' || value === null) return []
  const { events: list } = value as { events?: unknown }
  return Array.isArray(list) ? events(list) : [value]
}

function figure(value: number | undefined): string {
  return value === undefined ? '–' : Number.isFinite(value) ? value.toPrecision(3) : String(value)
}
