// The connection file, and the five sockets that it names.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
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

/** What the kernel binds to: loopback unless the file says otherwise. */
function address({ transport, ip }: ConnectionInfo, port: number): string {
  return transport === 'ipc' ? `ipc://${ip}-${port}` : `tcp://${ip.includes(':') ? `[${ip}]` : ip}:${port}`
}

export type RequestChannel = 'shell' | 'control' | 'stdin'
export type Channel = RequestChannel | 'iopub'

export interface ConnectionEvents {
  log(text: string): void
  /** More output waits than should (true), and so little again that more may come (false). */
  onPressure(full: boolean): void
}

/** Messages that ZeroMQ keeps for each subscriber of iopub; what is more waits in the outbox, where it is merged. */
const HIGH_WATER = 128
/** How long a front end may take nothing before the others go on without it, how long a wait is then (ms), and how many messages go out between two. */
const PATIENCE = 10_000, IMPATIENCE = 20, UNHEEDED = HIGH_WATER / 2
/** How soon it is tried again (ms). ZeroMQ's own wait ends at once: it takes a publisher for writable at any time. */
const AGAIN = 1
/** After so many messages that all took at once, nobody counts as left behind any more. */
const TRUSTED = 1000

/** The kernel's side of a connection: requests come in by `listen`, messages go out by `send`, in order on each channel. */
export class Connection {
  readonly codec: Codec
  private readonly routers: Record<RequestChannel | 'heartbeat', Router>
  private readonly iopub: XPublisher
  private readonly outboxes = {} as Record<Channel, Outbox>
  /** Messages until the next wait, and messages that all front ends took since one was left behind. */
  private unheeded = 0
  private taken = 0
  private patience = PATIENCE

  private constructor(readonly info: ConnectionInfo, private readonly events: ConnectionEvents) {
    this.codec = new Codec(info.key, info.signature_scheme.replace('hmac-', ''))
    const ipv6 = info.ip.includes(':')
    const router = (): Router => new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 1000, handover: true, ipv6 })
    this.routers = { shell: router(), control: router(), stdin: router(), heartbeat: router() }
    this.iopub = new XPublisher({ sendHighWaterMark: HIGH_WATER, linger: 1000, ipv6, noDrop: true, sendTimeout: 0 })
    this.iopub.verbosity = 'allSubs'
    const encode = (message: Message) => this.codec.encode(message)
    const onError = (error: unknown, { header }: Message): void => events.log(`cannot send ${header.msg_type}: ${String(error)}`)
    for (const channel of ['shell', 'control', 'stdin'] as const) this.outboxes[channel] = new Outbox({ encode, onError, send: (frames) => this.routers[channel].send(frames) })
    this.outboxes.iopub = new Outbox({ encode, onError, send: (frames) => this.broadcast(frames), onPressure: events.onPressure })
  }

  /**
   * Binds all five sockets. They answer nothing yet, except the heartbeat.
   *
   * @throws when a port is taken, as with the connection file of a kernel that still runs
   */
  static async bind(info: ConnectionInfo, events: ConnectionEvents): Promise<Connection> {
    const connection = new Connection(info, events)
    const { shell, control, stdin, heartbeat } = connection.routers
    const bind = async (socket: Router | XPublisher, name: keyof ConnectionInfo): Promise<void> => {
      const at = address(info, info[name] as number)
      try {
        await socket.bind(at)
      } catch (error) {
        throw new Error(`Cannot start the kernel: ${at}, its ${name}, cannot be used (${(error as Error).message}). The connection file may be an old one; let Jupyter start the kernel with a new one.`)
      }
    }
    void connection.welcome()
    await Promise.all([bind(shell, 'shell_port'), bind(control, 'control_port'), bind(stdin, 'stdin_port'), bind(heartbeat, 'hb_port')])
    await bind(connection.iopub, 'iopub_port')
    void connection.beat(heartbeat)
    return connection
  }

  /** Hands on every honest request of a channel; a refused one is dropped with a word in the log. */
  async listen(channel: RequestChannel, onRequest: (message: Message) => void): Promise<void> {
    for await (const frames of this.routers[channel]) {
      try {
        onRequest(this.codec.decode(frames))
      } catch (error) {
        this.events.log(error instanceof RefusedMessage ? `refused a message on ${channel}: ${error.message}` : `failed on ${channel}: ${(error as Error).stack}`)
      }
    }
  }

  send(channel: Channel, message: Message): void {
    this.outboxes[channel].put(message)
  }

  async flushed(): Promise<void> {
    await Promise.all(Object.values(this.outboxes).map((outbox) => outbox.flushed()))
  }

  close(): void {
    for (const socket of [...Object.values(this.routers), this.iopub]) socket.close()
  }

  /**
   * Waits for slow front ends. One that takes nothing for long is left behind, so that it cannot hold up the others: from then on
   * there is one short wait in `UNHEEDED` messages, in which the others empty their queues.
   */
  private async broadcast(frames: Uint8Array[]): Promise<void> {
    const { iopub } = this
    if (this.unheeded > 0) {
      if (--this.unheeded === 0) iopub.noDrop = true
      return iopub.send(frames)
    }
    for (const start = performance.now(); ; await sleep(AGAIN)) {
      try {
        await iopub.send(frames)
        if (this.patience !== PATIENCE && ++this.taken > TRUSTED) this.patience = PATIENCE
        return
      } catch (error) {
        if ((error as { code?: string }).code !== 'EAGAIN') throw error
        if (performance.now() - start >= this.patience) break
      }
    }
    if (this.patience === PATIENCE) this.events.log(`a front end took no output for ${PATIENCE / 1000} s and is left behind`)
    this.patience = IMPATIENCE
    this.unheeded = UNHEEDED
    this.taken = 0
    iopub.noDrop = false
    await iopub.send(frames)
  }

  private async beat(heartbeat: Router): Promise<void> {
    for await (const frames of heartbeat) await heartbeat.send(frames).catch(() => {})
  }

  /** iopub_welcome (protocol 5.4): tells each new subscriber that its subscription is in effect, in front of all that waits. */
  private async welcome(): Promise<void> {
    for await (const [frame] of this.iopub) {
      if (frame?.[0] !== 1) continue
      const topic = frame.subarray(1)
      this.outboxes.iopub.putFirst({ identities: [topic], header: this.codec.header('iopub_welcome'), parent: {}, metadata: {}, content: { subscription: topic.toString('utf8') }, buffers: [] })
    }
  }
}
