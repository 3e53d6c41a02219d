// The connection file, and the five sockets that it names.
import { readFileSync } from 'node:fs'
import { Router, XPublisher } from 'zeromq'
import { Codec, type Message, RefusedMessage } from './message.js'
import { Outbox } from './outbox.js'

export interface ConnectionInfo {
  transport: 'tcp' | 'ipc'
  ip: string
  shell_port: number
  iopub_port: number
  stdin_port: number
  control_port: number
  hb_port: number
  key: string
  signature_scheme: string
}

/** Reads and checks a connection file. */
export function readConnectionFile(file: string): ConnectionInfo {
  let info: Partial<ConnectionInfo>
  try {
    info = JSON.parse(readFileSync(file, 'utf8')) as Partial<ConnectionInfo>
  } catch (error) {
    throw new Error(`Cannot start the kernel: its connection file ${file} cannot be read (${(error as Error).message}). Let Jupyter start it, or run \`afinar lab\`.`)
  }
  for (const port of ['shell_port', 'iopub_port', 'stdin_port', 'control_port', 'hb_port'] as const) {
    const value = info[port]
    if (!Number.isInteger(value) || value! < 0 || value! > 65535) throw new Error(`Cannot start the kernel: the connection file ${file} must give a port as ${port} and gives ${JSON.stringify(value)}.`)
  }
  const scheme = info.signature_scheme || 'hmac-sha256'
  if (!/^hmac-(sha256|sha384|sha512|sha1|md5)$/.test(scheme)) throw new Error(`Cannot start the kernel: the connection file ${file} asks for the signature scheme ${scheme}; known are hmac-sha256, hmac-sha384, hmac-sha512.`)
  return { transport: info.transport ?? 'tcp', ip: info.ip ?? '127.0.0.1', key: info.key ?? '', ...info, signature_scheme: scheme } as ConnectionInfo
}

export type RequestChannel = 'shell' | 'control' | 'stdin'
export type Channel = RequestChannel | 'iopub'

/** The kernel's side of a connection: requests come in by `onRequest`, messages go out by `send`, in order on each channel. */
export class Connection {
  readonly codec: Codec
  private readonly routers: Record<RequestChannel | 'heartbeat', Router>
  private readonly iopub = new XPublisher({ sendHighWaterMark: 0, linger: 1000, verbosity: 'allSubs' })
  private readonly outboxes = {} as Record<Channel, Outbox>

  private constructor(readonly info: ConnectionInfo) {
    this.codec = new Codec(info.key, info.signature_scheme.replace('hmac-', ''))
    const router = (): Router => new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 1000, mandatory: false, handover: true })
    this.routers = { shell: router(), control: router(), stdin: router(), heartbeat: router() }
    const encode = (message: Message) => this.codec.encode(message)
    for (const channel of ['shell', 'control', 'stdin'] as const) this.outboxes[channel] = new Outbox(this.routers[channel], encode)
    this.outboxes.iopub = new Outbox(this.iopub, encode)
  }

  /** Binds all five sockets. They answer nothing yet, except the heartbeat. */
  static async bind(info: ConnectionInfo): Promise<Connection> {
    const connection = new Connection(info)
    const { shell, control, stdin, heartbeat } = connection.routers
    const address = (port: number): string => info.transport === 'ipc' ? `ipc://${info.ip}-${port}` : `tcp://${info.ip}:${port}`
    await Promise.all([
      shell.bind(address(info.shell_port)), control.bind(address(info.control_port)), stdin.bind(address(info.stdin_port)),
      heartbeat.bind(address(info.hb_port)), connection.iopub.bind(address(info.iopub_port)),
    ])
    void connection.beat(heartbeat)
    void connection.welcome()
    return connection
  }

  /** Hands on every honest request of a channel; a refused one is dropped with a word in the log. */
  async listen(channel: RequestChannel, onRequest: (message: Message) => void, log: (text: string) => void): Promise<void> {
    for await (const frames of this.routers[channel]) {
      try {
        onRequest(this.codec.decode(frames))
      } catch (error) {
        log(error instanceof RefusedMessage ? `refused a message on ${channel}: ${error.message}` : `failed on ${channel}: ${(error as Error).stack}`)
      }
    }
  }

  send(channel: Channel, message: Message): void {
    this.outboxes[channel].put(message)
  }

  /** Characters of output that wait for ZeroMQ. */
  get pendingOutput(): number { return this.outboxes.iopub.pending }

  async flushed(): Promise<void> {
    await Promise.all(Object.values(this.outboxes).map((outbox) => outbox.flushed()))
  }

  close(): void {
    for (const socket of [...Object.values(this.routers), this.iopub]) socket.close()
  }

  private async beat(heartbeat: Router): Promise<void> {
    for await (const frames of heartbeat) await heartbeat.send(frames)
  }

  /** iopub_welcome (protocol 5.4): tells each new subscriber that its subscription is in effect. */
  private async welcome(): Promise<void> {
    for await (const [frame] of this.iopub) {
      if (frame?.[0] !== 1) continue
      const topic = frame.subarray(1)
      this.send('iopub', { identities: [topic], header: this.codec.header('iopub_welcome'), parent: {}, metadata: {}, content: { subscription: topic.toString('utf8') }, buffers: [] })
    }
  }
}
