// Debugging as Jupyter sees it: requests of the Debug Adapter Protocol come on the control channel and are answered by the session's
// debugger; its events go out on iopub. Not here: the debugger (kernel/session/debug).
import { readMagics } from '../language/index.js'
import type { DebugEvent, DebugRequest, DebugResponse } from '../session/debug/adapter.js'
import type { DebugMessage } from '../session/messages.js'
import type { Message } from '../wire/index.js'
import type { Parent, Publisher } from './publisher.js'

export class Debugger {
  readonly #pending = new Map<number, (response: DebugResponse) => void>()
  #next = 1
  #parent: Parent = {}

  constructor(private readonly publisher: Publisher, private readonly send: (message: DebugMessage) => void) {}

  /** The answer to a debug_request. */
  async ask({ content, header }: Message): Promise<DebugResponse> {
    const { seq, command, arguments: given } = content as { seq?: unknown; command?: unknown; arguments?: Record<string, unknown> }
    const refuse = (message: string): DebugResponse => ({ type: 'response', request_seq: Number(seq ?? 0), success: false, command: String(command), message, body: {} })
    if (!Number.isInteger(seq) || typeof command !== 'string') return refuse('a debug request needs a whole number as seq and a command')
    if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) return refuse('the arguments of a debug request are an object')
    this.#parent = header
    const number = this.#next++
    // a cell runs without its magics; its breakpoints are for what runs
    const extra = command === 'dumpCell' && typeof given?.['code'] === 'string' ? { text: readMagics(given['code']).code } : {}
    const answer = new Promise<DebugResponse>((resolve) => { this.#pending.set(number, resolve) })
    this.send({ type: 'debug', request: { type: 'request', seq: number, command, arguments: { ...given, ...extra } } satisfies DebugRequest })
    return { ...await answer, request_seq: seq as number }
  }

  hearResponse(response: DebugResponse): void {
    this.#pending.get(response.request_seq)?.(response)
    this.#pending.delete(response.request_seq)
  }

  hearEvent(event: DebugEvent): void {
    this.publisher.publish('debug_event', { seq: this.#next++, ...event }, this.#parent)
  }

  /** The session died: who waits hears of it. */
  fail(): void {
    for (const [number, resolve] of this.#pending) resolve({ type: 'response', request_seq: number, success: false, command: '', message: 'the session ended, and its debugger with it', body: {} })
    this.#pending.clear()
  }
}
