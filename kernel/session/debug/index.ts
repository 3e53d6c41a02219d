// Debugging as the thread that hears Stop sees it: what was announced is kept, and the debugger is loaded when the first front end asks for it.
import type { Announced } from './announce.js'
import type { DebugAdapter, DebugEvent, DebugRequest, DebugResponse } from './adapter.js'
import type { Sources } from './sources.js'

export interface DebuggingEvents {
  /** To the front ends. */
  onResponse(response: DebugResponse): void
  onEvent(event: DebugEvent): void
  /** A debugger has come, or gone: from now on cells wait for `onReady` before they run. */
  onAttached(is: boolean): void
  onReady(url: string): void
}

const remembered = 2000

export class Debugging {
  #early: Announced[] = []
  #loaded: Promise<{ sources: Sources; adapter: DebugAdapter }> | undefined
  #adapter: DebugAdapter | undefined

  constructor(private readonly events: DebuggingEvents) {}

  async announce(source: Announced): Promise<void> {
    if (!this.#loaded) {
      this.#early.push(source)
      if (this.#early.length > remembered) this.#early.shift()
      return
    }
    const { sources, adapter } = await this.#loaded
    sources.add(source)
    await adapter.prepare(source).catch(() => {})
    this.events.onReady(source.url)
  }

  async request(request: DebugRequest): Promise<void> {
    const { adapter } = await (this.#loaded ??= this.#load())
    this.events.onResponse(await adapter.answer(request))
  }

  /** Stop: whoever stands at a breakpoint goes on. */
  async letGo(): Promise<void> { await this.#adapter?.letGo().catch(() => {}) }

  get isPaused(): boolean { return this.#adapter?.isPaused ?? false }

  async #load() {
    const [{ Sources }, { DebugAdapter }] = await Promise.all([import('./sources.js'), import('./adapter.js')])
    const sources = new Sources(), adapter = new DebugAdapter(sources, (event) => this.events.onEvent(event), (is) => this.events.onAttached(is))
    for (const source of this.#early.splice(0)) sources.add(source)
    this.#adapter = adapter
    return { sources, adapter }
  }
}
