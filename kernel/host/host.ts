// The process that Jupyter talks to: takes each request to whoever answers it. It runs no user code, so it answers at any time.
import { isComplete, LanguageService } from '../language/index.js'
import type { SessionMessage } from '../session/messages.js'
import { Connection, type ConnectionInfo, type Message, type RequestChannel } from '../wire/index.js'
import { Comms } from './comms.js'
import { Executions } from './executions.js'
import { History } from './history.js'
import { kernelInfo } from './kernel-info.js'
import { Publisher } from './publisher.js'
import { SessionSlot } from './session-slot.js'

export interface HostOptions {
  cwd?: string
  log?(text: string): void
  /** Called when everything has ended. */
  onEnd?(): void
}

type Handler = (request: Message, channel: RequestChannel) => void | Promise<void>

export class Host {
  private readonly publisher: Publisher
  private readonly session: SessionSlot
  private readonly language: Promise<LanguageService | undefined>
  private readonly history = new History()
  private readonly comms: Comms
  private readonly executions: Executions
  private readonly log: (text: string) => void
  private ended = false

  private readonly handlers: Record<string, Handler> = {
    kernel_info_request: (request, channel) => this.publisher.reply(channel, request, 'kernel_info_reply', kernelInfo()),
    execute_request: (request) => this.executions.add(request),
    complete_request: async (request, channel) => {
      const { code, cursor_pos: cursor } = request.content as { code: string; cursor_pos: number }
      const { matches, start, end, metadata } = await (await this.language)?.complete(code, cursor) ?? { matches: [], start: cursor, end: cursor, metadata: {} }
      this.publisher.reply(channel, request, 'complete_reply', { status: 'ok', matches, cursor_start: start, cursor_end: end, metadata })
    },
    inspect_request: async (request, channel) => {
      const { code, cursor_pos: cursor, detail_level: detail = 0 } = request.content as { code: string; cursor_pos: number; detail_level?: number }
      const answer = await (await this.language)?.inspect(code, cursor, detail) ?? { found: false, data: {}, metadata: {} }
      this.publisher.reply(channel, request, 'inspect_reply', { status: 'ok', ...answer })
    },
    is_complete_request: (request, channel) => this.publisher.reply(channel, request, 'is_complete_reply', isComplete(String(request.content['code'] ?? ''))),
    history_request: (request, channel) => this.publisher.reply(channel, request, 'history_reply', { status: 'ok', history: this.history.answer(request.content) }),
    comm_info_request: (request, channel) => this.publisher.reply(channel, request, 'comm_info_reply', this.comms.info(request.content['target_name'])),
    comm_open: (request) => this.comms.fromFrontEnd(request),
    comm_msg: (request) => this.comms.fromFrontEnd(request),
    comm_close: (request) => this.comms.fromFrontEnd(request),
    interrupt_request: (request, channel) => {
      this.executions.interrupt()
      this.publisher.reply(channel, request, 'interrupt_reply', { status: 'ok' })
    },
    shutdown_request: async (request, channel) => {
      await this.endWork()
      this.publisher.reply(channel, request, 'shutdown_reply', { status: 'ok', restart: request.content['restart'] === true })
      this.publisher.publish('shutdown_reply', { status: 'ok', restart: request.content['restart'] === true }, request.header)
    },
  }

  private constructor(private readonly connection: Connection, { cwd = process.cwd(), log = () => {}, onEnd = () => {} }: HostOptions) {
    this.log = log
    this.onEnd = onEnd
    this.publisher = new Publisher(connection)
    this.language = LanguageService.start({ cwd, log }).catch((error: unknown) => { log(`no language service: ${String(error)}`); return undefined })
    this.session = new SessionSlot(cwd, {
      onMessage: (message) => this.hear(message),
      onNativeOutput: (name, text) => this.executions.hearNative(name, text),
      onDeath: (why) => {
        this.executions.fail(why)
        this.comms.closeAll(this.executions.parentOf(undefined))
        void this.language.then((language) => language?.reset())
      },
    })
    this.comms = new Comms(this.publisher, (message) => this.session.send(message))
    this.executions = new Executions(this.session, this.language, this.publisher, this.history)
  }

  private readonly onEnd: () => void

  /** Binds the sockets and starts the session and the language server side by side; resolves when requests are answered. */
  static async start(info: ConnectionInfo, options: HostOptions = {}): Promise<Host> {
    const connection = await Connection.bind(info)
    const host = new Host(connection, options)
    host.publisher.status('starting', {})
    for (const channel of ['shell', 'control'] as const) void connection.listen(channel, (request) => void host.handle(request, channel), host.log)
    void connection.listen('stdin', (reply) => {
      if (reply.header.msg_type === 'input_reply') host.session.send({ type: 'input-reply', value: String(reply.content['value'] ?? '') })
    }, host.log)
    host.publisher.status('idle', {})
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
    await Promise.all([this.session.end(), this.language.then((language) => language?.stop())])
  }

  private finish(): void {
    void this.connection.flushed().then(() => { this.connection.close(); this.onEnd() })
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
    if (message.type === 'comm') this.comms.fromSession(message, this.executions.parentOf(message.cell))
    else if (message.type === 'input-request') {
      const { current } = this.executions
      if (current) this.connection.send('stdin', { identities: current.identities, header: this.connection.codec.header('input_request'), parent: current.header, metadata: {}, content: { prompt: message.prompt, password: message.password }, buffers: [] })
    } else this.executions.hear(message)
  }
}
