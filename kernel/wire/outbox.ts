// One ordered queue in front of a ZeroMQ socket: sends never overlap, nothing is dropped, and stream text that waits is merged.
// Not here: what becomes of a front end that takes nothing any more (connection.ts).
import type { Message } from './message.js'

export interface OutboxOptions {
  encode(message: Message): Uint8Array[]
  send(frames: Uint8Array[]): Promise<void>
  /** A message that could not be sent; those behind it still are. */
  onError(error: unknown, message: Message): void
  /** More waits than should (true), and so little again that more may come (false). */
  onPressure?(full: boolean): void
}

interface Waiting { message: Message; text: string[] | undefined; weight: number }

/** Text of one merged stream message at most (UTF-16 units); past it a new message starts, so that front ends draw as it comes. */
const MERGED = 1 << 18
/** Time between two messages of text (ms), where nothing else waits. */
const PACE = 10
/** What may wait before the session is held up, and where it may go on (UTF-16 units and bytes). */
const FULL = 32 << 20, EASED = 8 << 20

export class Outbox {
  private waiting: Waiting[] = []
  private next = 0
  private running: Promise<void> | undefined
  private weight = 0
  private full = false
  private lastText = -Infinity
  private wake = (): void => {}

  constructor(private readonly options: OutboxOptions) {}

  /** Puts a message behind all that were put before it. */
  put(message: Message): void {
    const last = this.waiting.length > this.next ? this.waiting.at(-1) : undefined
    const text = message.header.msg_type === 'stream' ? message.content['text'] as string : undefined
    const weight = text?.length ?? weightOf(message)
    if (text !== undefined && last?.text && last.weight + weight <= MERGED && last.message.parent === message.parent && last.message.content['name'] === message.content['name']) {
      last.text.push(text)
      last.weight += weight
    } else {
      this.waiting.push({ message, weight, text: text === undefined ? undefined : [text] })
      this.wake()
    }
    this.press(weight)
    this.running ??= this.work()
  }

  /** Puts a message in front of all that wait. */
  putFirst(message: Message): void {
    const weight = weightOf(message)
    this.waiting.splice(this.next, 0, { message, weight, text: undefined })
    this.wake()
    this.press(weight)
    this.running ??= this.work()
  }

  /** Resolves once all that was put before has been handed to ZeroMQ. */
  async flushed(): Promise<void> {
    while (this.running) await this.running
  }

  private async work(): Promise<void> {
    // what is put in the same turn of the event loop can still be merged, and who subscribed meanwhile gets its welcome first
    await new Promise((resolve) => setImmediate(resolve))
    while (this.next < this.waiting.length) {
      if (this.waiting[this.next]!.text) await this.pace()
      const { message, text, weight } = this.waiting[this.next++]!
      if (this.next > 1024) { this.waiting = this.waiting.slice(this.next); this.next = 0 }
      try {
        await this.options.send(this.options.encode(text ? { ...message, content: { ...message.content, text: text.join('') } } : message))
      } catch (error) {
        this.options.onError(error, message)
      }
      this.press(-weight)
    }
    this.waiting = []
    this.next = 0
    this.running = undefined
  }

  /** Text that comes on the heels of other text waits a little, for more of it or for anything else. */
  private async pace(): Promise<void> {
    const wait = this.lastText + PACE - performance.now()
    if (wait > 0 && this.next + 1 === this.waiting.length) {
      await new Promise<void>((resolve) => { this.wake = resolve; setTimeout(resolve, wait) })
      this.wake = () => {}
    }
    this.lastText = performance.now()
  }

  private press(weight: number): void {
    this.weight += weight
    const full = this.weight > (this.full ? EASED : FULL)
    if (full === this.full) return
    this.full = full
    this.options.onPressure?.(full)
  }
}

/** Roughly what a message holds: its strings near the top, and its buffers. */
function weightOf({ content, buffers }: Message): number {
  let weight = 256
  for (const buffer of buffers) weight += buffer.byteLength
  const add = (value: unknown, depth: number): void => {
    if (typeof value === 'string') weight += value.length
    else if (depth > 0 && typeof value === 'object' && value !== null) for (const each of Object.values(value)) add(each, depth - 1)
  }
  add(content, 2)
  return weight
}
