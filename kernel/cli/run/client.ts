// A Jupyter client: the other end of a kernel's sockets. Sends requests, hands on what comes back.
// Not here: the kernel's process (launch.ts) and what outputs become (outputs.ts).
import { Dealer, Subscriber } from 'zeromq'
import { Codec, type ConnectionInfo, type Message } from '../../wire/index.js'

export interface ExecuteReply { status: 'ok' | 'error' | 'aborted'; ename?: string; evalue?: string; traceback?: string[]; execution_count?: number | null }

/** A kernel that says that it is idle late, or never, is not waited for longer than this after its reply (ms). */
const IDLE_WAIT = 4000

export class KernelClient {
  readonly #codec: Codec
  readonly #shell = new Dealer({ linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 })
  readonly #control = new Dealer({ linger: 200, sendHighWaterMark: 0, receiveHighWaterMark: 0 })
  readonly #iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 })
  readonly #replies = new Map<string, (message: Message) => void>()
  /** Who hears what a request causes; kept, because timers and trainings publish after their cell is done. */
  readonly #hearers = new Map<string, (message: Message) => void>()
  #answers = false
  #failed: (error: Error) => void = () => {}
  #failure: Promise<never>

  constructor(info: ConnectionInfo) {
    this.#codec = new Codec(info.key, info.signature_scheme.replace('hmac-', ''))
    const address = (port: number): string => info.transport === 'ipc' ? `ipc://${info.ip}-${port}` : `tcp://${info.ip}:${port}`
    this.#iopub.connect(address(info.iopub_port))
    this.#iopub.subscribe()
    this.#shell.connect(address(info.shell_port))
    this.#control.connect(address(info.control_port))
    this.#failure = new Promise((_resolve, reject) => { this.#failed = reject })
    this.#failure.catch(() => {})
    for (const socket of [this.#shell, this.#control]) void this.#listen(socket, message => this.#replies.get(message.parent.msg_id ?? '')?.(message))
    void this.#listen(this.#iopub, message => {
      this.#answers = true
      this.#hearers.get(message.parent.msg_id ?? '')?.(message)
    })
  }

  /** Ends whatever is being waited for: the kernel died. */
  fail(error: Error): void { this.#failed(error) }

  /** Waits until the kernel answers on both its shell and its iopub socket, so that nothing it publishes is missed. */
  async ready(limit: number): Promise<Record<string, unknown>> {
    const until = Date.now() + limit
    for (let info: Message | undefined; ;) {
      info = await this.#within(this.#request(this.#shell, 'kernel_info_request', {}), Math.min(1000, until - Date.now())) ?? info
      for (let wait = 0; info !== undefined && !this.#answers && wait < 10; wait++) await new Promise(resolve => setTimeout(resolve, 5 * (wait + 1)))
      if (info !== undefined && this.#answers) return info.content
      if (Date.now() > until) throw new Error(`Cannot run the notebook: the kernel does not answer after ${limit / 1000} s.`)
    }
  }

  /** Runs code; resolves when the kernel has replied and published everything. Rejects when the kernel dies. */
  async execute(code: string, published: (message: Message) => void, stopOnError: boolean): Promise<ExecuteReply> {
    const message = this.#message('execute_request', { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: stopOnError })
    const isIdle = new Promise<void>(resolve => this.#hearers.set(message.header.msg_id, heard => {
      published(heard)
      if (heard.header.msg_type === 'status' && heard.content.execution_state === 'idle') resolve()
    }))
    const reply = await this.#send(this.#shell, message)
    await this.#within(isIdle, IDLE_WAIT)
    return reply.content as unknown as ExecuteReply
  }

  async interrupt(): Promise<void> { await this.#within(this.#request(this.#control, 'interrupt_request', {}), 2000) }

  async shutdown(): Promise<void> { await this.#within(this.#request(this.#control, 'shutdown_request', { restart: false }), 2000) }

  close(): void {
    for (const socket of [this.#shell, this.#control, this.#iopub]) if (!socket.closed) socket.close()
  }

  #message(type: string, content: Record<string, unknown>): Message {
    return { identities: [], header: { ...this.#codec.header(type), username: 'afinar' }, parent: {}, metadata: {}, content, buffers: [] }
  }

  #request(socket: Dealer, type: string, content: Record<string, unknown>): Promise<Message> {
    return this.#send(socket, this.#message(type, content))
  }

  async #send(socket: Dealer, message: Message): Promise<Message> {
    const id = message.header.msg_id
    const reply = new Promise<Message>(resolve => this.#replies.set(id, resolve))
    try {
      await socket.send(this.#codec.encode(message))
      return await Promise.race([reply, this.#failure])
    } finally {
      this.#replies.delete(id)
    }
  }

  /** The result, or undefined after `limit` ms. */
  async #within<Result>(result: Promise<Result>, limit: number): Promise<Result | undefined> {
    let timer: NodeJS.Timeout | undefined
    try {
      return await Promise.race([result, this.#failure, new Promise<undefined>(resolve => { timer = setTimeout(resolve, Math.max(0, limit), undefined) })])
    } finally {
      clearTimeout(timer)
      result.catch(() => {})
    }
  }

  async #listen(socket: Dealer | Subscriber, heard: (message: Message) => void): Promise<void> {
    try {
      for await (const frames of socket) {
        let message: Message
        try {
          message = this.#codec.decode(frames)
        } catch { continue } // a message of another key, or broken: not for us
        heard(message)
      }
    } catch { /* the socket was closed */ }
  }
}
