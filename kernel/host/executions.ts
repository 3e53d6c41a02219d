// The queue of cells: one at a time, each checked by TypeScript, run by the session, answered before its idle status.
// Not here: how a cell is evaluated (kernel/session) or checked (kernel/language).
import { setTimeout as sleep } from 'node:timers/promises'
import { formatDiagnostics, type LanguageService, readMagics, type TypesMode } from '../language/index.js'
import type { DoneMessage, ErrorReport, HostMessage, SessionMessage } from '../session/messages.js'
import type { Header, Message } from '../wire/index.js'
import type { History } from './history.js'
import type { Publisher } from './publisher.js'

export interface SessionLike {
  whenReady(): Promise<void>
  hearOut(): Promise<void>
  send(message: HostMessage): void
}

interface Running { cell: number; request: Message; silent: boolean; interrupted: boolean; sent: boolean; done(message: DoneMessage): void }

/** Parents of so many cells are remembered: a timer of an older one prints into the latest. */
const REMEMBERED = 10_000
/** How long the first type check may hold a cell up, while TypeScript still reads its own types (ms). */
const PATIENCE = 10_000

export class Executions {
  private readonly queue: Message[] = []
  private readonly parents = new Map<number, Header>()
  private running: Running | undefined
  private cell = 0
  private count = 0
  private types: TypesMode = 'error'

  constructor(
    private readonly session: SessionLike, private readonly language: Promise<LanguageService | undefined>,
    private readonly publisher: Publisher, private readonly history: History,
  ) {}

  /** The request whose cell runs now. */
  get current(): Message | undefined { return this.running?.request }

  /** The header of the request that started a cell; the latest cell's where it is not known. */
  parentOf(cell: number | undefined): Header | Record<string, never> {
    return (cell === undefined ? undefined : this.parents.get(cell)) ?? this.parents.get(this.cell) ?? {}
  }

  add(request: Message): void {
    this.queue.push(request)
    if (!this.running && this.queue.length === 1) void this.work()
  }

  /** Stop: the running cell is told to; nothing happens where none runs. */
  interrupt(): void {
    if (!this.running) return
    this.running.interrupted = true
    if (this.running.sent) this.session.send({ type: 'interrupt', cell: this.running.cell })
  }

  /** An answer of the session that concerns a cell. */
  hear(message: SessionMessage): void {
    switch (message.type) {
      case 'stream': this.publisher.publish('stream', { name: message.name, text: message.text }, this.parentOf(message.cell)); break
      case 'display': this.publisher.publish(message.update ? 'update_display_data' : 'display_data', { data: message.data, metadata: message.metadata, transient: message.transient ?? {} }, this.parentOf(message.cell)); break
      case 'clear-output': this.publisher.publish('clear_output', { wait: message.wait }, this.parentOf(message.cell)); break
      case 'result':
        this.publisher.publish('execute_result', { execution_count: this.count, data: message.data, metadata: message.metadata }, this.parentOf(message.cell))
        this.history.result(this.count, String(message.data['text/plain'] ?? ''))
        break
      case 'error': this.publisher.publish('error', asError(message), this.parentOf(message.cell)); break
      case 'done': if (message.cell === this.running?.cell) this.running.done(message); break
      default: break
    }
  }

  /** Output that came past JavaScript belongs to the cell that runs, or ran last. */
  hearNative(name: 'stdout' | 'stderr', text: string): void {
    this.publisher.publish('stream', { name, text }, this.parentOf(this.running?.cell))
  }

  /** The session died: the running cell ends with an error that says so. */
  fail(why: string): void {
    const traceback = `The session ended: ${why}. Its variables are gone; a new session is ready.`
    const running = this.running
    if (!running?.sent) {
      this.publisher.publish('stream', { name: 'stderr', text: `${traceback}\n` }, this.parentOf(undefined))
      return
    }
    const error = { name: 'SessionEnded', value: why, traceback: [traceback] }
    this.publisher.publish('error', asError(error), running.request.header)
    running.done({ type: 'done', cell: running.cell, status: 'error', userExpressions: {}, error })
  }

  private async work(): Promise<void> {
    for (let request = this.queue[0]; request; request = this.queue[0]) {
      const failed = await this.run(request)
      this.queue.shift()
      if (!failed || request.content['stop_on_error'] === false) continue
      for (const aborted of this.queue.splice(0)) {
        this.publisher.status('busy', aborted.header)
        this.publisher.reply('shell', aborted, 'execute_reply', { status: 'aborted', execution_count: this.count })
        this.publisher.status('idle', aborted.header)
      }
    }
  }

  /** Runs one cell from busy to idle; true when it failed. */
  private async run(request: Message): Promise<boolean> {
    const { code = '', silent = false, store_history: store = !silent, user_expressions: expressions = {}, allow_stdin: stdin = true } = request.content as { code?: string; silent?: boolean; store_history?: boolean; user_expressions?: Record<string, string>; allow_stdin?: boolean }
    const cell = ++this.cell, parent = request.header
    this.parents.set(cell, parent)
    this.parents.delete(cell - REMEMBERED)
    const counted = !silent && store && code.trim() !== ''
    if (counted) this.count++
    if (counted) this.history.add(this.count, code)
    this.publisher.status('busy', parent)
    if (!silent) this.publisher.publish('execute_input', { code, execution_count: this.count }, parent)

    const running: Running = { cell, request, silent, interrupted: false, sent: false, done: () => {} }
    this.running = running
    const done = new Promise<DoneMessage>((resolve) => { running.done = resolve })
    const { code: clean, types, unknown } = readMagics(code)
    if (types) this.types = types
    const wrong = unknown.length > 0 ? { name: 'UnknownMagic', value: unknown.join(' '), traceback: unknown } : await this.check(code, parent)
    await this.session.whenReady()
    let answer: DoneMessage
    if (wrong || running.interrupted) {
      const error = wrong ?? { name: 'Interrupted', value: 'the cell was stopped before it ran', traceback: ['The cell was stopped before it ran.'] }
      if (!silent) this.publisher.publish('error', asError(error), parent)
      answer = { type: 'done', cell, status: 'error', userExpressions: {}, error }
    } else {
      running.sent = true
      this.session.send({ type: 'execute', cell, count: this.count, code: clean, silent, userExpressions: expressions, allowStdin: stdin })
      answer = await done
      if (!silent) void this.language.then((language) => language?.commit(code))
    }
    await this.session.hearOut()
    this.running = undefined
    const { status, userExpressions, error, payload } = answer
    this.publisher.reply('shell', request, 'execute_reply', status === 'ok'
      ? { status, execution_count: this.count, user_expressions: userExpressions, payload: payload ?? [] }
      : { status: 'error', execution_count: this.count, ...(error ? asError(error) : { ename: 'Interrupted', evalue: '', traceback: [] }), user_expressions: {}, payload: [] })
    this.publisher.status('idle', parent)
    return status !== 'ok'
  }

  /** TypeScript's findings: undefined when the cell may run. Warnings are printed. */
  private async check(code: string, parent: Header): Promise<ErrorReport | undefined> {
    if (this.types === 'off' || code.trim() === '') return undefined
    const patience = sleep(PATIENCE, undefined, { ref: false })
    const language = await Promise.race([this.language, patience])
    const found = await Promise.race([language?.check(code), patience]) ?? []
    const errors = found.filter(({ severity }) => severity === 'error')
    if (errors.length === 0) return undefined
    const traceback = formatDiagnostics(errors, { count: this.count })
    if (this.types === 'warn') {
      this.publisher.publish('stream', { name: 'stderr', text: `${traceback.join('\n')}\n` }, parent)
      return undefined
    }
    return { name: 'TypeError', value: errors[0]!.message, traceback }
  }
}

export const asError = ({ name, value, traceback }: ErrorReport): { ename: string; evalue: string; traceback: string[] } => ({ ename: name, evalue: value, traceback })
