// The process that Jupyter talks to: takes each request to whoever answers it. It runs no user code, so it answers at any time.
import { setTimeout as sleep } from 'node:timers/promises'
import { isComplete, LanguageService, LONGEST } from '../language/index.js'
import type { SessionMessage } from '../session/messages.js'
import { Connection, type ConnectionInfo, type Message, type RequestChannel } from '../wire/index.js'
import { Comms } from './comms.js'
import { Debugger } from './debugger.js'
import { Executions } from './executions.js'
import { History } from './history.js'
import type { Journal } from './journal.js'
import { kernelInfo } from './kernel-info.js'
import { watchMemory } from './memory-watch.js'
import { Outputs } from './outputs.js'
import { descendants, signal } from './process-tree.js'
import { Publisher } from './publisher.js'
import { SessionSlot } from './session-slot.js'
import { Stdin } from './stdin.js'

export interface HostOptions {
  /** The notebook's folder. Default: the process's own. */
  cwd?: string
  /** The notebook's file name, where the front end tells. */
  notebook?: string
  /** Keeps what is sent, for those who come back later. */
  journal?: Journal
  log?(text: string): void
  /** Called when everything has ended. */
  onEnd?(): void
}

/** How long the end of the session and of the language server, and the last messages, may take (ms). */
const END = 400

type Handler = (request: Message, channel: RequestChannel) => void | Promise<void>

export class Host {
  private readonly publisher: Publisher
  private readonly session: SessionSlot
  private readonly language: Promise<LanguageService | undefined>
  private readonly history = new History()
  private readonly comms: Comms
  private readonly outputs: Outputs
  private readonly stdin: Stdin
  private readonly debugger: Debugger
  private readonly executions: Executions
  private readonly unwatch: () => void
  private readonly log: (text: string) => void
  private ended = false

  private readonly handlers: Record<string, Handler> = {
    kernel_info_request: (request, channel) => this.publisher.reply(channel, request, 'kernel_info_reply', kernelInfo()),
    execute_request: (request) => this.executions.add(request),
    complete_request: async (request, channel) => {
      const { code, cursor } = place(request)
      const { matches, start, end, metadata } = await (await this.language)?.complete(code, cursor) ?? { matches: [], start: cursor, end: cursor, metadata: {} }
      this.publisher.reply(channel, request, 'complete_reply', { status: 'ok', matches, cursor_start: start, cursor_end: end, metadata })
    },
    inspect_request: async (request, channel) => {
      const { code, cursor } = place(request)
      const answer = await (await this.language)?.inspect(code, cursor, Number(request.content['detail_level'] ?? 0)) ?? { found: false, data: {}, metadata: {} }
      this.publisher.reply(channel, request, 'inspect_reply', { status: 'ok', ...answer })
    },
    is_complete_request: (request, channel) => this.publisher.reply(channel, request, 'is_complete_reply', isComplete(String(request.content['code'] ?? ''))),
    history_request: (request, channel) => this.publisher.reply(channel, request, 'history_reply', { status: 'ok', history: this.history.answer(request.content) }),
    comm_info_request: (request, channel) => this.publisher.reply(channel, request, 'comm_info_reply', this.comms.info(request.content['target_name'])),
    debug_request: async (request, channel) => this.publisher.reply(channel, request, 'debug_reply', await this.debugger.ask(request)),
    comm_open: (request) => this.comms.fromFrontEnd(request),
    comm_msg: (request) => this.comms.fromFrontEnd(request),
    comm_close: (request) => this.comms.fromFrontEnd(request),
    interrupt_request: (request, channel) => {
      this.executions.interrupt()
      this.publisher.reply(channel, request, 'interrupt_reply', { status: 'ok' })
    },
    shutdown_request: async (request, channel) => {
      const reply = { status: 'ok', restart: request.content['restart'] === true }
      await this.endWork()
      this.publisher.reply(channel, request, 'shutdown_reply', reply)
      this.publisher.publish('shutdown_reply', reply, request.header)
    },
  }

  private constructor(private readonly connection: Connection, private readonly options: HostOptions) {
    const { cwd = process.cwd(), notebook } = options
    this.log = options.log ?? (() => {})
    this.publisher = new Publisher(connection, options.journal)
    this.outputs = new Outputs(this.publisher, this.history)
    this.session = new SessionSlot({ cwd, ...(notebook === undefined ? {} : { notebook }) }, {
      onMessage: (message) => this.hear(message),
      onNativeOutput: (name, text) => this.outputs.hearNative(name, text),
      onDeath: (why) => {
        this.comms.closeAll(this.outputs.parentOf(undefined))
        this.stdin.forget()
        this.debugger.fail()
        void this.language.then((language) => language?.reset())
        this.executions.fail(why)
      },
    })
    this.language = LanguageService.start({ cwd, log: this.log }).catch((error: unknown) => { this.log(`no language service: ${String(error)}`); return undefined })
    this.comms = new Comms(this.publisher, (message) => this.session.send(message))
    this.stdin = new Stdin(connection, (message) => this.session.send(message))
    this.debugger = new Debugger(this.publisher, (message) => this.session.send(message))
    this.executions = new Executions(this.session, this.language, this.publisher, this.outputs, this.history)
    this.unwatch = watchMemory(() => this.session.pid, (text) => this.outputs.note(`${text}\n`))
  }

  /** Binds the sockets and starts the session and the language server side by side; resolves when requests are answered. */
  static async start(info: ConnectionInfo, options: HostOptions = {}): Promise<Host> {
    let host: Host | undefined
    const connection = await Connection.bind(info, { log: options.log ?? (() => {}), onPressure: (full) => host?.session.hold(full) })
    const started = host = new Host(connection, options)
    for (const channel of ['shell', 'control'] as const) void connection.listen(channel, (request) => void started.handle(request, channel))
    void connection.listen('stdin', (reply) => started.stdin.answer(reply))
    await new Promise((resolve) => setImmediate(resolve)) // who has subscribed already is welcomed first
    host.publisher.status('starting', {})
    return host
  }

  /** Ends the session's process tree, the language server and the sockets. */
  async end(): Promise<void> {
    await this.endWork()
    this.finish()
  }

  private async endWork(): Promise<void> {
    if (this.ended) return
    this.ended = true
    this.unwatch()
    this.options.journal?.remove()
    const language = await Promise.race([this.language, sleep(1)])
    const server = language?.pid === undefined ? [] : [language.pid, ...descendants(language.pid)]
    await Promise.race([Promise.all([this.session.end(), language?.stop()]), sleep(END)])
    signal(server, 'SIGKILL')
  }

  private finish(): void {
    void Promise.race([this.connection.flushed(), sleep(END)]).then(() => { this.connection.close(); this.options.onEnd?.() })
  }

  private async handle(request: Message, channel: RequestChannel): Promise<void> {
    const type = request.header.msg_type, handler = this.handlers[type]
    if (!handler) {
      this.log(`unknown request ${type} on ${channel}`)
      if (type.endsWith('_request')) this.publisher.reply(channel, request, type.replace(/request$/, 'reply'), { status: 'error', ename: 'UnknownRequest', evalue: `this kernel does not know ${type}`, traceback: [] })
      return
    }
    if (type === 'execute_request') { void handler(request, channel); return } // its own status messages frame its outputs
    this.publisher.status('busy', request.header)
    try {
      await handler(request, channel)
    } catch (error) {
      this.log(`${type} failed: ${(error as Error).stack}`)
      this.publisher.reply(channel, request, type.replace(/request$/, 'reply'), { status: 'error', ename: (error as Error).name, evalue: (error as Error).message, traceback: [] })
    }
    this.publisher.status('idle', request.header)
    // front ends show the latest status, whoever caused it: while a cell runs that is busy
    if (this.executions.current) this.publisher.status('busy', this.executions.current.header)
    if (type === 'shutdown_request') this.finish()
  }

  private hear(message: SessionMessage): void {
    if (message.type === 'debug-response') this.debugger.hearResponse(message.response)
    else if (message.type === 'debug-event') this.debugger.hearEvent(message.event)
    else if (message.type === 'comm') this.comms.fromSession(message, this.outputs.parentOf(message.cell))
    else if (message.type === 'done') {
      this.stdin.forget()
      this.executions.hearDone(message)
    } else if (message.type === 'input-request') {
      if (this.executions.current) this.stdin.ask(message, this.executions.current)
    } else this.outputs.hear(message)
  }
}

/** What complete_request and inspect_request ask about. Without a cursor the end is meant. */
function place({ content }: Message): { code: string; cursor: number } {
  const code = typeof content['code'] === 'string' && content['code'].length <= LONGEST ? content['code'] : ''
  const cursor = Number.isInteger(content['cursor_pos']) ? content['cursor_pos'] as number : Infinity
  return { code, cursor: Math.max(0, Math.min(cursor, [...code].length)) }
}
