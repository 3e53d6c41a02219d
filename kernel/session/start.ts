// How the host starts a session: the fork with the right flags and pipes, and the messages both ways.
// Not here: what the session does (index.ts) or what the host makes of its messages.
import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Socket } from 'node:net'
import { FrameReader, messageDescriptor } from './frames.js'
import { InOrder } from './in-order.js'
import { MARK_KEY } from './marks.js'
import type { HostMessage, SessionMessage } from './messages.js'

export interface SessionOptions {
  /** The notebook's folder: `process.cwd()` of cells and the base of their imports. */
  cwd: string
  /** The notebook's file name where it is known; `import.meta.url` of cells. */
  notebook?: string
  env?: NodeJS.ProcessEnv
  /** More flags for Node, e.g. `--max-old-space-size=8192`. */
  execArgv?: string[]
  /** The session's compiled program; the one beside this file unless given. */
  program?: URL
  onMessage(message: SessionMessage): void
  /** Text that reached fd 1 or 2 without passing through JavaScript, in its place among the messages. */
  onNative?(name: 'stdout' | 'stderr', text: string): void
}

export interface SessionProcess {
  readonly process: ChildProcess
  /** Leaves the session's output in its pipes (true), so that whoever writes waits, or reads on (false). */
  hold(held: boolean): void
  /** Never throws: a message to a session that has gone is dropped. */
  send(message: HostMessage): void
}

/** Where a thread of the session reads Stop and typed input while the main thread is busy: one JSON record a line. */
export const controlDescriptor = 4

/**
 * Starts a session process; `onMessage` gets `ready` when cells can run.
 *
 *     const session = startSession({ cwd: '/home/me/notebooks', onMessage: message => console.log(message) })
 *     session.send({ type: 'execute', cell: 1, count: 1, code: '1 + 1', silent: false, userExpressions: {}, allowStdin: false })
 */
export function startSession(options: SessionOptions): SessionProcess {
  const key = randomBytes(8).toString('hex')
  const child = fork(fileURLToPath(options.program ?? new URL('./index.js', import.meta.url)), [], {
    cwd: options.cwd,
    env: { ...(options.env ?? process.env), [MARK_KEY]: key, ...(options.notebook ? { AFINAR_NOTEBOOK: options.notebook } : {}) },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe', 'pipe'],
    // Node checks that asynchronous scopes nest; a terminated cell leaves one open, which is no reason to abort
    // what libraries do with Node is no news to whoever uses them: experimental parts, `process.binding`, the old `punycode`
    execArgv: ['--no-force-async-hooks-checks', '--disable-warning=ExperimentalWarning', '--disable-warning=DEP0111', '--disable-warning=DEP0040', ...(options.execArgv ?? [])],
  })
  const control = child.stdio[controlDescriptor] as Socket
  control.on('error', () => {})
  const order = new InOrder(key, { onMessage: message => options.onMessage(message), onNative: (name, text) => options.onNative?.(name, text) })
  const messages = (child.stdio as unknown[])[messageDescriptor] as Socket, frames = new FrameReader((mark, message) => order.take(mark, message))
  messages.on('data', (chunk: Buffer) => frames.hear(chunk)).on('error', () => {})
  child.stdout?.on('data', (chunk: Buffer) => order.hear('stdout', chunk))
  child.stderr?.on('data', (chunk: Buffer) => order.hear('stderr', chunk))
  child.once('close', () => order.end())
  readLines(control, message => options.onMessage(message))
  return {
    process: child,
    hold(held) {
      order.held = held
      for (const pipe of [child.stdout, child.stderr, messages]) if (held) pipe?.pause(); else pipe?.resume()
    },
    send(message) {
      if (message.type === 'interrupt' || message.type === 'input-reply' || message.type === 'debug') { if (control.writable) control.write(JSON.stringify(message) + '\n') }
      else if (child.connected) child.send(message, () => {})
    },
  }
}

function readLines(socket: Socket, onMessage: (message: SessionMessage) => void) {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onMessage(JSON.parse(line) as SessionMessage)
  })
}
