// Keeps a session alive: starts it, starts another when it dies, ends it with its whole process tree,
// and hears what native code and child processes write to fd 1 and 2.
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HostMessage, SessionMessage } from '../session/messages.js'
import { startSession, type SessionProcess } from '../session/start.js'
import { killTree } from './process-tree.js'

export interface SlotEvents {
  onMessage(message: SessionMessage): void
  /** Text that reached fd 1 or 2 without passing through JavaScript. */
  onNativeOutput(name: 'stdout' | 'stderr', text: string): void
  /** The session died by itself; a new one has been started. `why` is a clause such as "it was killed by SIGKILL". */
  onDeath(why: string): void
}

/** How long a session may take to end by itself before it is killed (ms). */
const GRACE = 300

export class SessionSlot {
  private session!: SessionProcess
  private ready!: Promise<void>
  private ending = false
  private bytesHeard = 0

  constructor(private readonly cwd: string, private readonly events: SlotEvents) {
    this.begin()
  }

  /** Resolves when the present session can run cells. */
  whenReady(): Promise<void> { return this.ready }

  get pid(): number | undefined { return this.session.process.pid }

  send(message: HostMessage): void { this.session.send(message) }

  /** Resolves when all that had reached the pipes has been heard: one turn of the event loop passes in silence. */
  async hearOut(): Promise<void> {
    for (let before = -1; before !== this.bytesHeard;) {
      before = this.bytesHeard
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Asks the session to end, then kills it and everything that it started. */
  async end(): Promise<void> {
    this.ending = true
    const { process: child } = this.session
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    const { pid } = child
    this.send({ type: 'shutdown' })
    await Promise.race([gone, sleep(GRACE)])
    if (pid !== undefined) killTree(pid)
  }

  private begin(): void {
    this.ready = new Promise((resolve) => {
      this.session = startSession({
        cwd: this.cwd,
        onMessage: (message) => { if (message.type === 'ready') resolve(); else this.events.onMessage(message) },
      })
    })
    const { process: child } = this.session
    this.hear(child.stdout!, 'stdout')
    this.hear(child.stderr!, 'stderr')
    child.once('exit', (code, signal) => {
      if (this.ending) return
      this.begin()
      this.events.onDeath(signal ? `it was ended by ${signal}${signal === 'SIGKILL' ? ', as the system does when memory runs out' : ''}` : `it ended with exit code ${code}`)
    })
  }

  private hear(stream: Readable, name: 'stdout' | 'stderr'): void {
    stream.setEncoding('utf8').on('data', (text: string) => {
      this.bytesHeard += text.length
      this.events.onNativeOutput(name, text)
    })
  }
}
