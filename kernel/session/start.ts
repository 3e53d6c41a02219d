// How the host starts a session: the fork with the right flags and pipes, and the messages both ways.
// Not here: what the session does (index.ts) or what the host makes of its messages.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Socket } from 'node:net'
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
}

export interface SessionProcess {
  /** Its `stdout` and `stderr` carry what native code and child processes write to fd 1 and 2. */
  readonly process: ChildProcess
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
  const child = fork(fileURLToPath(options.program ?? new URL('./index.js', import.meta.url)), [], {
    cwd: options.cwd,
    env: { ...(options.env ?? process.env), ...(options.notebook ? { AFINAR_NOTEBOOK: options.notebook } : {}) },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
    // Node checks that asynchronous scopes nest; a terminated cell leaves one open, which is no reason to abort
    execArgv: ['--no-force-async-hooks-checks', '--disable-warning=ExperimentalWarning', '--disable-warning=DEP0111', ...(options.execArgv ?? [])],
  })
  const control = child.stdio[controlDescriptor] as Socket
  control.on('error', () => {})
  child.on('message', message => options.onMessage(message as SessionMessage))
  readLines(control, message => options.onMessage(message))
  return {
    process: child,
    send(message) {
      if (message.type === 'interrupt' || message.type === 'input-reply') { if (control.writable) control.write(JSON.stringify(message) + '\n') }
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
