// The host's end of a session's output: its messages, and what reached fd 1 and 2 without passing through JavaScript, in the order
// in which they left the session. Not here: the pipes themselves (start.ts).
import { StringDecoder } from 'node:string_decoder'
import { markLength, markStart, numberOf } from './marks.js'
import type { SessionMessage } from './messages.js'

type Name = 'stdout' | 'stderr'
interface Native { name: Name; text: string; /** Mark that it came behind. */ after: number }
interface Pipe { rest: Buffer; decoder: StringDecoder; passed: number; lost: boolean }

export interface InOrderEvents {
  onMessage(message: SessionMessage): void
  onNative(name: Name, text: string): void
}

/** How long one way waits for the other, which the user's code may have closed or cut short (ms). */
const PATIENCE = 500

export class InOrder {
  private readonly pipes: Record<Name, Pipe> = { stdout: newPipe(), stderr: newPipe() }
  private readonly natives: Native[] = []
  private readonly messages: { mark: number; message: SessionMessage }[] = []
  private delivered = 0
  private timer: NodeJS.Timeout | undefined
  /** Nothing is read from the pipes now, so nobody waits in vain. */
  held = false

  constructor(private readonly key: string, private readonly events: InOrderEvents) {}

  /** Bytes of fd 1 or 2. */
  hear(name: Name, chunk: Buffer): void {
    const pipe = this.pipes[name], start = Buffer.from(markStart(this.key)), length = markLength(this.key)
    let bytes = pipe.rest.length ? Buffer.concat([pipe.rest, chunk]) : chunk
    for (let at = bytes.indexOf(start); at >= 0 && at + length <= bytes.length; at = bytes.indexOf(start)) {
      this.keep(name, bytes.subarray(0, at))
      pipe.passed = Math.max(pipe.passed, numberOf(bytes.toString('latin1', at, at + length)))
      pipe.lost = false
      bytes = bytes.subarray(at + length)
    }
    const half = begins(bytes, start, length)
    pipe.rest = Buffer.from(bytes.subarray(half))
    this.keep(name, bytes.subarray(0, half))
    this.advance()
  }

  take(mark: number, message: SessionMessage): void {
    this.messages.push({ mark, message })
    this.advance()
  }

  /** The session has gone: all that is left is handed on. */
  end(): void {
    for (const name of ['stdout', 'stderr'] as const) {
      this.keep(name, this.pipes[name].rest)
      this.pipes[name].rest = Buffer.alloc(0)
      this.pipes[name].passed = Infinity
    }
    this.advance()
    this.natives.splice(0).forEach(({ name, text }) => this.events.onNative(name, text))
    clearTimeout(this.timer)
  }

  private keep(name: Name, bytes: Buffer): void {
    const { decoder, passed } = this.pipes[name], text = bytes.length ? decoder.write(bytes) : ''
    if (text) this.natives.push({ name, text, after: passed })
  }

  private advance(): void {
    const { stdout, stderr } = this.pipes
    clearTimeout(this.timer)
    for (let next = this.messages[0]; next && reached(stdout, next.mark) && reached(stderr, next.mark); next = this.messages[0]) {
      this.messages.shift()
      this.handOn(next.mark - 1)
      this.delivered = next.mark
      this.events.onMessage(next.message)
    }
    this.handOn(this.delivered)
    if (this.messages.length + this.natives.length > 0) this.timer = setTimeout(() => this.giveUp(), PATIENCE)
  }

  /** Native text that came behind no later mark than this. */
  private handOn(mark: number): void {
    while (this.natives[0] && this.natives[0].after <= mark) {
      const { name, text } = this.natives.shift()!
      this.events.onNative(name, text)
    }
  }

  private giveUp(): void {
    const next = this.messages[0]
    if (!this.held) {
      if (!next) this.delivered = Math.max(this.pipes.stdout.passed, this.pipes.stderr.passed)
      else for (const pipe of [this.pipes.stdout, this.pipes.stderr]) pipe.lost = pipe.lost || pipe.passed < next.mark
    }
    this.advance()
  }
}

const newPipe = (): Pipe => ({ rest: Buffer.alloc(0), decoder: new StringDecoder('utf8'), passed: 0, lost: false })

const reached = ({ passed, lost }: Pipe, mark: number): boolean => lost || passed >= mark

/** Where a mark begins that has not wholly arrived; the end where none does. */
function begins(bytes: Buffer, start: Buffer, length: number): number {
  for (let at = bytes.lastIndexOf(start[0]!); at >= 0 && at > bytes.length - length; at = at > 0 ? bytes.lastIndexOf(start[0]!, at - 1) : -1) {
    const known = Math.min(start.length, bytes.length - at)
    if (bytes.compare(start, 0, known, at, at + known) === 0) return at
  }
  return bytes.length
}
