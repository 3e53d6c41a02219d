// A built session to put cells into, and what came back for each. Not here: any expectation.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DoneMessage, ExecuteMessage, HostMessage, SessionMessage } from '../../../kernel/session/messages.js'
import { startSession } from '../../../kernel/session/start.js'

export interface CellRun {
  status: string
  /** Text of the result, of stdout, of stderr. */
  result: string | undefined; stdout: string; stderr: string
  /** The error as people read it, without colours. */
  error: string
  done: DoneMessage
  messages: SessionMessage[]
  milliseconds: number
}

export class TestSession {
  readonly folder = mkdtempSync(join(tmpdir(), 'afinar-session-'))
  readonly log: SessionMessage[] = []
  onMessage: (message: SessionMessage) => void = () => {}
  #cell = 0
  readonly #waiting = new Map<number, (done: DoneMessage) => void>()
  readonly #session
  readonly ready: Promise<void>
  native = ''

  constructor(options: { execArgv?: string[] } = {}) {
    let ready = () => {}
    this.ready = new Promise(resolve => { ready = resolve })
    this.#session = startSession({
      onNative: (_, text) => { this.native += text },
      cwd: this.folder, program: pathToFileURL(resolve('dist/kernel/session/index.js')), ...options,
      onMessage: message => {
        this.log.push(message)
        if (message.type === 'ready') ready()
        if (message.type === 'done') this.#waiting.get(message.cell)?.(message)
        this.onMessage(message)
      },
    })
  }

  get process() { return this.#session.process }
  send(message: HostMessage) { this.#session.send(message) }
  write(name: string, text: string) { writeFileSync(join(this.folder, name), text) }

  /** Runs a cell; with `stopAfter` (milliseconds, one per Stop) it is stopped. */
  async run(code: string, { stopAfter = [], ...options }: Partial<ExecuteMessage> & { stopAfter?: number[] } = {}): Promise<CellRun> {
    await this.ready
    const cell = ++this.#cell, from = this.log.length, begin = performance.now()
    const finished = new Promise<DoneMessage>((resolve, reject) => {
      this.#waiting.set(cell, resolve)
      this.process.once('exit', () => reject(new Error(`the session died: ${this.native}`)))
    })
    this.send({ type: 'execute', cell, count: cell, code, silent: false, userExpressions: {}, allowStdin: true, ...options })
    for (const time of stopAfter) setTimeout(() => this.send({ type: 'interrupt', cell }), time)
    const done = await finished
    this.process.removeAllListeners('exit')
    const messages = this.log.slice(from).filter(message => 'cell' in message && message.cell === cell)
    const stream = (name: string) => messages.map(m => m.type === 'stream' && m.name === name ? m.text : '').join('')
    const result = messages.find(m => m.type === 'result'), error = messages.find(m => m.type === 'error')
    return {
      status: done.status, done, messages, milliseconds: performance.now() - begin, stdout: stream('stdout'), stderr: stream('stderr'),
      result: result?.data['text/plain'] as string | undefined,
      error: plain(error?.traceback ?? []),
    }
  }

  close() {
    this.process.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export const plain = (lines: string[]) => lines.join('\n').replace(/\x1b\[\d+m/g, '')
