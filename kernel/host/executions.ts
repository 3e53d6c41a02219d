// The queue of cells: one at a time, each checked by TypeScript, run by the session, answered before its idle status.
// Not here: how a cell is evaluated (kernel/session) or checked (type-check.ts), nor where its output goes (outputs.ts).
import { setTimeout as sleep } from 'node:timers/promises'
import { type LanguageService, readMagics } from '../language/index.js'
import type { DoneMessage, ErrorReport, HostMessage } from '../session/messages.js'
import { cellEnded } from '../session/small-heap.js'
import type { Message } from '../wire/index.js'
import { type ExecuteRequest, readExecuteRequest } from './execute-request.js'
import { helpPage, helpRequest } from './help.js'
import type { History } from './history.js'
import { asError, type Outputs } from './outputs.js'
import type { Publisher } from './publisher.js'
import { TypeCheck } from './type-check.js'

export interface SessionLike {
  /** Rejects when no session can be started. */
  whenReady(): Promise<void>
  /** Reads on (false) where the session's output was left in its pipes. */
  hold(held: boolean): void
  send(message: HostMessage): void
  /** Ctrl-C for what the session's code started. */
  interruptChildren(): void
}

interface Running { cell: number; message: Message; sent: boolean; stops: number; stopped(): void; done(message: DoneMessage): void }

/** When a cell that was stopped twice still runs after so long (ms), native code holds it. */
const UNSTOPPABLE = 2000
const BLOCKED = 'This cell is in native code, which cannot be stopped half way: it ends when that returns. Restart the kernel to end it now; its variables are lost then.\n'

/** How long after an error requests that are on their way may still arrive to be aborted (ms). */
const ON_THEIR_WAY = 15

export class Executions {
  private readonly queue: Message[] = []
  private readonly types: TypeCheck
  private running: Running | undefined
  private cell = 0
  private count = 0

  constructor(
    private readonly session: SessionLike, private readonly language: Promise<LanguageService | undefined>,
    private readonly publisher: Publisher, private readonly outputs: Outputs, private readonly history: History,
  ) {
    this.types = new TypeCheck(language)
  }

  /** The request whose cell runs now. */
  get current(): Message | undefined { return this.running?.message }

  add(message: Message): void {
    this.queue.push(message)
    if (this.queue.length === 1) void this.work()
  }

  /**
   * Stop: the running cell is told to; where none runs, those that left something going whose library listens. From the second time on what its code started hears it too:
   * a cell that waits for `execSync` cannot.
   */
  interrupt(): void {
    const { running } = this
    if (!running) return this.session.send({ type: 'interrupt', cell: 0 })
    running.stopped()
    if (!running.sent) return
    this.session.hold(false) // who waits to write hears no Stop
    this.session.send({ type: 'interrupt', cell: running.cell })
    if (++running.stops === 1) return
    this.session.interruptChildren()
    if (running.stops === 2) setTimeout(() => { if (this.running === running) this.outputs.note(BLOCKED) }, UNSTOPPABLE).unref()
  }

  /** The session's last word on a cell. */
  hearDone(message: DoneMessage): void {
    if (message.cell === this.running?.cell) this.running.done(message)
  }

  /** The session died: the running cell ends with an error that says so. */
  fail(why: string): void {
    const text = `The session ended: ${why}. Its variables are gone; a new session is ready.`
    const { running } = this
    if (!running?.sent) return this.outputs.note(`${text}\n`)
    running.done(failed(running.cell, { name: 'SessionEnded', value: why, traceback: [text] }, this.outputs))
  }

  private async work(): Promise<void> {
    for (let message = this.queue[0]; message; message = this.queue[0]) {
      const stop = await this.answer(message)
      this.queue.shift()
      if (stop) for (const aborted of this.queue.splice(0)) this.abort(aborted)
    }
  }

  private abort(message: Message): void {
    this.publisher.status('busy', message.header)
    this.publisher.reply('shell', message, 'execute_reply', { status: 'aborted', execution_count: this.count, user_expressions: {}, payload: [] })
    this.publisher.status('idle', message.header)
  }

  /** Takes one request from busy to idle; true when those behind it must not run. */
  private async answer(message: Message): Promise<boolean> {
    this.publisher.status('busy', message.header)
    let stop = false
    try {
      const request = readExecuteRequest(message)
      const { status, userExpressions, error, payload = [] } = await this.run(request, message)
      stop = status !== 'ok' && request.stopOnError
      if (stop) await sleep(ON_THEIR_WAY)
      this.publisher.reply('shell', message, 'execute_reply', {
        status: status === 'ok' ? 'ok' : 'error', execution_count: this.count, user_expressions: userExpressions, payload,
        ...(status === 'ok' ? {} : asError(error ?? stoppedEarly)),
      })
    } catch (error) {
      const { name, message: value, stack } = error as Error
      this.publisher.reply('shell', message, 'execute_reply', { status: 'error', execution_count: this.count, ...asError({ name, value, traceback: [error instanceof TypeError ? value : stack ?? value] }) })
    }
    this.running = undefined
    this.publisher.status('idle', message.header)
    setImmediate(cellEnded) // when its last words are on their way
    return stop
  }

  private async run(request: ExecuteRequest, message: Message): Promise<DoneMessage> {
    const { code, silent } = request
    const cell = ++this.cell
    const counted = request.storeHistory && code.trim() !== ''
    if (counted) this.count++
    this.outputs.begin(cell, message.header, this.count)
    if (!silent) this.publisher.publish('execute_input', { code, execution_count: this.count }, message.header)

    const running: Running = { cell, message, sent: false, stops: 0, stopped: () => {}, done: () => {} }
    const done = new Promise<DoneMessage>((resolve) => { running.done = resolve })
    const stopped = new Promise<ErrorReport>((resolve) => { running.stopped = () => resolve(stoppedEarly) })
    this.running = running
    const obstacle = await Promise.race([stopped, this.prepare(request, cell)])
    running.sent = !obstacle
    if (!obstacle) this.session.send({ type: 'execute', cell, count: this.count, code: readMagics(code).code, silent, userExpressions: request.userExpressions, allowStdin: request.allowStdin })
    if (counted) this.history.add(this.count, code)
    if (obstacle && 'name' in obstacle) return failed(cell, obstacle, this.outputs)
    if (obstacle) return { type: 'done', cell, status: 'ok', userExpressions: {}, payload: [obstacle.page] }
    const answer = await done
    if (!silent) void this.language.then((language) => language?.commit(code))
    return answer
  }

  /** What stands in the way of running a cell: an error, or that it asks for a page of help. */
  private async prepare({ code, silent }: ExecuteRequest, cell: number): Promise<ErrorReport | { page: Record<string, unknown> } | undefined> {
    const name = helpRequest(code)
    if (name !== undefined) return { page: await helpPage(name, await this.language) }
    const { types, unknown } = readMagics(code)
    if (unknown.length > 0) return { name: 'UnknownMagic', value: unknown.join(' '), traceback: unknown }
    if (types) this.types.mode = types
    const verdict = silent ? { run: true as const } : await this.types.judge(code, this.count)
    if (!verdict.run) return verdict.error
    if (verdict.warning !== undefined) this.outputs.hear({ type: 'stream', cell, name: 'stderr', text: verdict.warning })
    try {
      await this.session.whenReady()
    } catch (error) {
      const value = (error as Error).message
      return { name: 'SessionFailed', value, traceback: [value] }
    }
    return undefined
  }
}

const stoppedEarly: ErrorReport = { name: 'Interrupted', value: 'the cell was stopped before it ran', traceback: ['Interrupted: the cell was stopped before it ran'] }

function failed(cell: number, error: ErrorReport, outputs: Outputs): DoneMessage {
  outputs.hear({ type: 'error', cell, ...error })
  return { type: 'done', cell, status: 'error', userExpressions: {}, error }
}
