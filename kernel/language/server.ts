// TypeScript's language server as a child process: JSON-RPC over its standard streams, the documents it has open, and
// a new process with the same documents when it dies. Not here: what is asked of it (service.ts).
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { SETTINGS, serverCommand } from './project.js'

/** The server died, or took longer than the time limit. */
export class ServerGone extends Error {}

interface Pending { resolve(result: unknown): void; reject(error: Error): void; timer: NodeJS.Timeout }
interface Message { id?: number | string; method?: string; params?: unknown; result?: unknown; error?: { message: string } }

const TIME_LIMIT = 10_000
const CAPABILITIES = {
  general: { positionEncodings: ['utf-16'] },
  workspace: { configuration: true, didChangeWatchedFiles: { dynamicRegistration: true, relativePatternSupport: true } },
  textDocument: {
    diagnostic: { relatedInformation: true },
    hover: { contentFormat: ['markdown', 'plaintext'] },
    signatureHelp: { contextSupport: true, signatureInformation: { documentationFormat: ['markdown', 'plaintext'], parameterInformation: { labelOffsetSupport: true } } },
    completion: { completionItem: { documentationFormat: ['markdown', 'plaintext'], snippetSupport: false, resolveSupport: { properties: ['detail', 'documentation'] } } },
  },
}

export class LanguageServer {
  readonly #cwd: string
  readonly #log: (line: string) => void
  readonly #documents = new Map<string, { text: string; version: number }>()
  readonly #pending = new Map<number, Pending>()
  #process: ChildProcessWithoutNullStreams | undefined
  #ready: Promise<void> = Promise.resolve()
  #received: Buffer[] = []
  #expected = -1
  #nextId = 1
  #deaths: number[] = []
  #stopped = false

  constructor(cwd: string, log: (line: string) => void) {
    this.#cwd = cwd
    this.#log = log
  }

  /** Process id of the server that runs now. */
  get pid(): number | undefined { return this.#process?.pid }

  /** Starts the process; resolves when it has answered. Rejects when it cannot be started. */
  start(): Promise<void> {
    const { command, arguments: args } = serverCommand()
    // A larger heap between collections, as the checker's garbage is what an answer waits for; near the limit it collects as often as it must.
    const child = spawn(command, args, { cwd: this.#cwd, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, GOGC: '200', GOMEMLIMIT: '384MiB' } })
    this.#process = child
    this.#received = []
    this.#expected = -1
    child.stdout.on('data', (chunk: Buffer) => this.#receive(chunk))
    child.stderr.on('data', (chunk: Buffer) => this.#log(chunk.toString()))
    child.stdin.on('error', () => {})
    child.on('error', error => this.#gone(child, error.message))
    child.on('exit', (code, signal) => this.#gone(child, `exit ${code ?? signal}`))
    const folder = pathToFileURL(this.#cwd).href
    this.#ready = this.#call('initialize', { processId: process.pid, rootUri: folder, workspaceFolders: [{ uri: folder, name: 'notebook' }], capabilities: CAPABILITIES }).then(() => {
      this.#write({ method: 'initialized', params: {} })
      for (const [uri, document] of this.#documents) this.#open(uri, document)
    })
    this.#ready.catch(() => {})
    return this.#ready
  }

  /** Opens a document or gives it another text; does nothing when the text is the same. */
  show(uri: string, text: string): void {
    const document = this.#documents.get(uri)
    if (document?.text === text) return
    if (document === undefined) {
      const opened = { text, version: 1 }
      this.#documents.set(uri, opened)
      void this.#ready.then(() => this.#open(uri, opened), () => {})
      return
    }
    document.text = text
    document.version++
    this.notify('textDocument/didChange', { textDocument: { uri, version: document.version }, contentChanges: [{ text }] })
  }

  notify(method: string, params: unknown): void {
    void this.#ready.then(() => this.#write({ method, params }), () => {})
  }

  /** Asks and waits. Throws ServerGone when the server dies meanwhile or does not answer within 10 s. */
  async request<Result>(method: string, params: unknown): Promise<Result> {
    await this.#ready
    return await this.#call(method, params) as Result
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    child.stdin.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), 500)
    await ended
    clearTimeout(timer)
  }

  #open(uri: string, document: { text: string; version: number }): void {
    this.#write({ method: 'textDocument/didOpen', params: { textDocument: { uri, languageId: uri.endsWith('.json') ? 'json' : 'typescript', version: document.version, text: document.text } } })
  }

  #call(method: string, params: unknown): Promise<unknown> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#log(`no answer to ${method} within ${TIME_LIMIT} ms`)
        this.#process?.kill('SIGKILL')
      }, TIME_LIMIT)
      this.#pending.set(id, { resolve, reject, timer })
      this.#write({ id, method, params })
    })
  }

  #write(message: object): void {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))
    const stdin = this.#process?.stdin
    if (stdin === undefined || !stdin.writable) return
    stdin.cork()
    stdin.write(`Content-Length: ${body.length}\r\n\r\n`)
    stdin.write(body)
    stdin.uncork()
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk)
    for (;;) {
      let length = 0
      for (const part of this.#received) length += part.length
      if (this.#expected < 0) {
        const joined = this.#joined()
        const end = joined.indexOf('\r\n\r\n')
        if (end < 0) return
        this.#expected = Number(/Content-Length: *(\d+)/i.exec(joined.toString('latin1', 0, end))?.[1] ?? 0)
        this.#received = [joined.subarray(end + 4)]
        length = joined.length - end - 4
      }
      if (length < this.#expected) return
      const joined = this.#joined()
      const body = joined.toString('utf8', 0, this.#expected)
      this.#received = [joined.subarray(this.#expected)]
      this.#expected = -1
      this.#handle(JSON.parse(body) as Message)
    }
  }

  #joined(): Buffer {
    if (this.#received.length !== 1) this.#received = [Buffer.concat(this.#received)]
    return this.#received[0] ?? Buffer.alloc(0)
  }

  #handle(message: Message): void {
    if (message.method !== undefined) {
      if (message.id === undefined) return
      // The server asks for its settings, and to be told of files that change; service.ts tells it of those that matter.
      const result = message.method === 'workspace/configuration' ? (message.params as { items: unknown[] }).items.map(() => SETTINGS) : null
      this.#write({ id: message.id, result })
      return
    }
    const pending = this.#pending.get(message.id as number)
    if (pending === undefined) return
    this.#pending.delete(message.id as number)
    clearTimeout(pending.timer)
    if (message.error === undefined) pending.resolve(message.result)
    else pending.reject(new Error(message.error.message))
  }

  #gone(child: ChildProcessWithoutNullStreams, reason: string): void {
    if (child !== this.#process) return
    this.#process = undefined
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer)
      reject(new ServerGone(`The language server ended: ${reason}`))
    }
    this.#pending.clear()
    if (this.#stopped) return
    const now = Date.now()
    this.#deaths = [...this.#deaths.filter(time => now - time < 60_000), now]
    const wait = this.#deaths.length <= 2 ? 0 : Math.min(30_000, 250 * 2 ** this.#deaths.length)
    this.#log(`language server ended (${reason}), starts again in ${wait} ms`)
    if (wait === 0) void this.start().catch(() => {})
    else {
      this.#ready = Promise.reject(new ServerGone('The language server is being started again'))
      this.#ready.catch(() => {})
      setTimeout(() => { if (!this.#stopped) void this.start().catch(() => {}) }, wait).unref()
    }
  }
}
