// What the kernel asks about cells: are they right, what could come next, what is this. Answers come from TypeScript's
// own server over one live document, so they take as long after 300 cells as after three.
// Not here: running code, and what the host does with the answers.
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import type { Completeness, Completions, Diagnostic, Inspection } from './answers.js'
import { candidates, completions, magicCompletions, type Candidate, type ServerCompletion } from './completion.js'
import { isComplete } from './completeness.js'
import { readDiagnostics, type ServerDiagnostic } from './diagnostics.js'
import { EARLIER_FILE, EarlierCells } from './earlier.js'
import { Edits } from './edits.js'
import { fromHover, fromSignatures, nameAt, NOTHING, type ServerHover, type ServerSignatures } from './inspection.js'
import { liveDocument, type Live } from './live.js'
import { readMagics } from './magics.js'
import { fromCodePoints, toCodePoints } from './places.js'
import { LONGEST, outlineOf } from './outline.js'
import { pathCompletions } from './paths.js'
import { CELL_FILE, configuration, CONFIGURATION_FILE } from './project.js'
import { LanguageServer, ServerGone } from './server.js'
import { CHAIN, settleTypes } from './settled-types.js'

/** Signatures and documentation are fetched for the first completion items, one by one, for so long (ms). */
const RESOLVE_TIME = 12

export class LanguageService {
  readonly #server: LanguageServer
  readonly #edits: Edits
  readonly #cwd: string
  readonly #live: string
  readonly #earlierUri: string
  #earlier = new EarlierCells()
  /** The live document belongs to one question at a time. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(cwd: string, server: LanguageServer) {
    this.#cwd = cwd
    this.#server = server
    this.#edits = new Edits(cwd)
    this.#live = pathToFileURL(join(cwd, CELL_FILE)).href
    this.#earlierUri = pathToFileURL(join(cwd, EARLIER_FILE)).href
    server.show(pathToFileURL(join(cwd, CONFIGURATION_FILE)).href, configuration(cwd))
    server.show(this.#earlierUri, this.#earlier.text())
    server.show(this.#live, this.#earlier.head(new Map()))
  }

  /**
   * Starts the language server for a notebook in `cwd`; resolves when it answers, while it still reads the standard types.
   * Rejects when the server cannot be started at all.
   */
  static async start(o: { cwd: string; log?: (line: string) => void }): Promise<LanguageService> {
    const server = new LanguageServer(o.cwd, o.log ?? (() => {}))
    const started = server.start()
    const service = new LanguageService(o.cwd, server)
    await started
    void service.#next(() => service.#diagnose())
    return service
  }

  /** Process id of the language server, for those who watch memory. */
  get pid(): number | undefined { return this.#server.pid }

  /** Type-checks a cell against what stands. Resolves to [] when the server is down; never rejects. */
  check(code: string): Promise<Diagnostic[]> {
    return this.#next(async () => {
      const live = liveDocument(code, this.#earlier, 'used')
      const events = this.#edits.since(live.cell.code)
      if (events.length > 0) this.#server.notify('workspace/didChangeWatchedFiles', { changes: events })
      this.#server.show(this.#live, live.text)
      let found = await this.#diagnose()
      if (found.some(each => Number(each.code) === 2307)) {
        const installed = this.#edits.installed(live.cell.code)
        if (installed.length > 0) {
          this.#server.notify('workspace/didChangeWatchedFiles', { changes: installed })
          // One import more: only then does the server look for modules again.
          this.#server.show(this.#live, live.text.replace('\n', `; import './${EARLIER_FILE}'\n`))
          found = await this.#diagnose()
        }
      }
      return readDiagnostics(found, live, this.#live, this.#earlier)
    }, [])
  }

  /** What could stand at the cursor. Never rejects. */
  complete(code: string, cursorCodePoints: number): Promise<Completions> {
    const cursor = fromCodePoints(code, cursorCodePoints)
    const at = toCodePoints(code, cursor)
    const magic = magicCompletions(code, cursor)
    if (magic !== undefined) return Promise.resolve(magic)
    return this.#next(async () => {
      const live = this.#show(code, /\.\s*[\p{ID_Continue}$#]*$/u.test(code.slice(0, cursor)) ? 'used' : 'all')
      const answer = await this.#server.request<{ items: ServerCompletion[] } | ServerCompletion[] | null>('textDocument/completion', { textDocument: { uri: this.#live }, position: live.toDocument(cursor), context: { triggerKind: 1 } })
      const { start, end, found } = candidates((Array.isArray(answer) ? answer : answer?.items) ?? [], live, cursor)
      if (found.length === 0) return pathCompletions(code, cursor, this.#cwd) ?? { matches: [], start: at, end: at, metadata: {} }
      return completions(live, this.#earlier, start, end, found, await this.#resolve(found))
    }, { matches: [], start: at, end: at, metadata: {} })
  }

  /** What the name at the cursor is; within a call's parentheses, the call's signature. Never rejects. */
  inspect(code: string, cursorCodePoints: number, _detail: number = 0): Promise<Inspection> {
    return this.#next(async () => {
      const cursor = fromCodePoints(code, cursorCodePoints)
      const live = this.#show(code, 'used')
      const name = nameAt(live.cell.code, cursor)
      if (name !== undefined) {
        const hover = fromHover(await this.#server.request<ServerHover | null>('textDocument/hover', { textDocument: { uri: this.#live }, position: live.toDocument(name) }))
        if (hover.found) return hover
      }
      return fromSignatures(await this.#server.request<ServerSignatures | null>('textDocument/signatureHelp', { textDocument: { uri: this.#live }, position: live.toDocument(cursor) }))
    }, NOTHING)
  }

  isComplete(code: string): Completeness { return isComplete(code) }

  /** The cell ran: what it declared stands from now on, also when it threw half way. */
  commit(code: string): void {
    void this.#next(async () => {
      const { code: cell } = readMagics(code)
      const changed = this.#earlier.commit(cell.length > LONGEST ? outlineOf(cell) : cell)
      if (changed === 'nothing') return
      this.#server.show(this.#earlierUri, this.#earlier.text())
      // The server takes one changed document at a time without building its program anew, so it gets its turn now.
      // New imports cost that anyhow; then the live document gives them up in the same go.
      if (changed === 'imports') this.#server.show(this.#live, this.#earlier.head(new Map()))
      await this.#server.request('textDocument/foldingRange', { textDocument: { uri: this.#live } })
      const latest = this.#earlier.latest()
      if (latest === undefined || latest.chain < CHAIN) return
      await settleTypes(this.#earlier, latest, (text, position) => {
        this.#server.show(this.#earlierUri, text)
        return this.#server.request<ServerHover | null>('textDocument/hover', { textDocument: { uri: this.#earlierUri }, position })
      })
      this.#server.show(this.#earlierUri, this.#earlier.text())
    }, undefined)
  }

  /** The session began anew: nothing stands any more. */
  reset(): void {
    void this.#next(() => {
      this.#earlier = new EarlierCells()
      this.#server.show(this.#earlierUri, this.#earlier.text())
      return Promise.resolve()
    }, undefined)
  }

  stop(): Promise<void> { return this.#server.stop() }

  #show(code: string, names: 'used' | 'all'): Live {
    const live = liveDocument(code, this.#earlier, names)
    this.#server.show(this.#live, live.text)
    return live
  }

  async #diagnose(): Promise<ServerDiagnostic[]> {
    return (await this.#server.request<{ items?: ServerDiagnostic[] }>('textDocument/diagnostic', { textDocument: { uri: this.#live } })).items ?? []
  }

  async #resolve(found: readonly Candidate[]): Promise<Map<string, ServerCompletion>> {
    const details = new Map<string, ServerCompletion>()
    const until = performance.now() + RESOLVE_TIME
    for (const { item, text } of found) {
      if (performance.now() > until) break
      details.set(text, await this.#server.request<ServerCompletion>('completionItem/resolve', item))
    }
    return details
  }

  /** Runs `work` after all that was asked before. A server that died is asked once more when it is back. */
  #next<Result>(work: () => Promise<Result>, otherwise: Result): Promise<Result>
  #next(work: () => Promise<unknown>): Promise<unknown>
  #next(work: () => Promise<unknown>, otherwise?: unknown): Promise<unknown> {
    const result = this.#turn.then(async () => {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof ServerGone)) return otherwise
        return await work().catch(() => otherwise)
      }
    })
    this.#turn = result
    return result
  }
}
