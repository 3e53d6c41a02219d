// One ordered queue in front of a ZeroMQ socket: sends never overlap, nothing is dropped, and stream text that waits is merged.
import type { Message } from './message.js'

interface Sending { send(frames: Uint8Array[]): Promise<void> }

/** Text of one merged stream message at most; past it a new message starts, so that front ends draw as it comes. */
const MERGED_CHARACTERS = 1 << 20

export class Outbox {
  private readonly waiting: { message: Message; text?: string[]; length: number }[] = []
  private running: Promise<void> | undefined
  /** Characters of stream text and messages that wait: what back-pressure looks at. */
  private pendingCharacters = 0

  constructor(private readonly socket: Sending, private readonly encode: (message: Message) => Uint8Array[], private readonly onError: (error: unknown) => void = () => {}) {}

  /** Puts a message behind all that were put before it. */
  put(message: Message): void {
    const last = this.waiting.at(-1)
    const text = message.header.msg_type === 'stream' ? message.content['text'] as string : undefined
    if (text !== undefined && last?.text && last.length < MERGED_CHARACTERS && last.message.parent === message.parent && last.message.content['name'] === message.content['name']) {
      last.text.push(text)
      last.length += text.length
    } else {
      this.waiting.push({ message, length: text?.length ?? 0, ...(text === undefined ? {} : { text: [text] }) })
    }
    this.pendingCharacters += text?.length ?? 0
    this.running ??= this.work()
  }

  /** Resolves once all that was put before has been handed to ZeroMQ. */
  async flushed(): Promise<void> {
    while (this.running) await this.running
  }

  get pending(): number { return this.pendingCharacters }

  private async work(): Promise<void> {
    await undefined // what is put in the same turn of the event loop can still be merged
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      this.pendingCharacters -= next.length
      const { message, text } = next
      try {
        await this.socket.send(this.encode(text ? { ...message, content: { ...message.content, text: text.join('') } } : message))
      } catch (error) {
        this.onError(error)
      }
    }
    this.running = undefined
  }
}
