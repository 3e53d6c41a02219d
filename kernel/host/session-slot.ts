// Keeps a session alive: starts it, starts another when it dies, ends it with its whole process tree.
import { setTimeout as sleep } from 'node:timers/promises'
import type { HostMessage, SessionMessage } from '../session/messages.js'
import { startSession, type SessionProcess } from '../session/start.js'
import { descendants, signal } from './process-tree.js'

export interface SlotEvents {
  onMessage(message: SessionMessage): void
  /** Text that reached fd 1 or 2 without passing through JavaScript. */
  onNativeOutput(name: 'stdout' | 'stderr', text: string): void
  /** The session died by itself; a new one is being started. `why` is a clause such as "it was killed by SIGKILL". */
  onDeath(why: string): void
}

/** How long a session may take to end by itself before it is killed (ms). */
const GRACE = 250
/** What is kept of the last words on stderr, to say why a session died (UTF-16 units). */
const LAST_WORDS = 4000

export class SessionSlot {
  private session!: SessionProcess
  private ready!: Promise<void>
  private ending = false
  private lastWords = ''

  constructor(private readonly options: { cwd: string; notebook?: string }, private readonly events: SlotEvents) {
    this.begin()
  }

  /** Resolves when the present session can run cells; starts one where the last could not. Rejects when that fails too. */
  whenReady(): Promise<void> {
    if (hasEnded(this.session)) this.begin()
    return this.ready
  }

  get pid(): number | undefined { return this.session.process.pid }

  send(message: HostMessage): void { this.session.send(message) }

  /** Ctrl-C for what the session's code started. */
  interruptChildren(): void { if (this.pid !== undefined) signal(descendants(this.pid), 'SIGINT') }

  /** Front ends don't keep up: the session's output waits in its pipes, and whoever writes to them waits too. */
  hold(full: boolean): void { this.session.hold(full) }

  /** Asks the session to end, then kills it and everything that it started. */
  async end(): Promise<void> {
    this.ending = true
    const { session } = this, { pid } = session.process
    if (pid === undefined) return
    const started = descendants(pid) // who outlives the session is nobody's child any more
    if (!hasEnded(session)) {
      const gone = new Promise((resolve) => session.process.once('exit', resolve))
      this.send({ type: 'shutdown' })
      await Promise.race([gone, sleep(GRACE)])
      signal([...descendants(pid), ...(hasEnded(session) ? [] : [pid])], 'SIGKILL')
    }
    signal(started, 'SIGKILL')
  }

  private begin(): void {
    let isReady = false
    this.lastWords = ''
    this.ready = new Promise((resolve, reject) => {
      this.session = startSession({
        ...this.options,
        onNative: (name, text) => {
          if (name === 'stderr') this.lastWords = (this.lastWords + text).slice(-LAST_WORDS)
          this.events.onNativeOutput(name, text)
        },
        onMessage: (message) => {
          if (message.type !== 'ready') return this.events.onMessage(message)
          isReady = true
          resolve()
        },
      })
      const { process: child } = this.session
      child.once('error', (error) => reject(new Error(`Cannot start a session: ${error.message}. Look at the memory and the processes of this machine, then run the cell again.`)))
      // 'close' comes when the pipes have been read to their end, so the last words are known
      child.once('close', (code, signalName) => {
        if (this.ending) return
        const why = causeOfDeath(code, signalName, this.lastWords)
        if (!isReady) return reject(new Error(`Cannot start a session: ${why}. ${this.lastWords.trim()}`))
        this.begin()
        this.events.onDeath(why)
      })
    })
    this.ready.catch(() => {}) // whoever waits for it hears of it
  }
}

const hasEnded = ({ process: { exitCode, signalCode } }: SessionProcess): boolean => exitCode !== null || signalCode !== null

function causeOfDeath(code: number | null, signalName: string | null, lastWords: string): string {
  if (/heap out of memory|Reached heap limit/.test(lastWords)) return 'JavaScript\'s heap was full. Let go of large arrays and objects, or give it more: NODE_OPTIONS=--max-old-space-size=8192 (MB)'
  if (signalName === 'SIGKILL') return 'it was killed (SIGKILL), as the system does when memory runs out'
  if (signalName) return /^SIG(SEGV|BUS|ILL|FPE|ABRT|TRAP|SYS)$/.test(signalName) ? `it crashed with ${signalName} in native code` : `it was ended by ${signalName}`
  return `it ended with exit code ${code}`
}
