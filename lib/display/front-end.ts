// Who shows what we display: this kernel, Deno's, tslab's, or a terminal. Found anew at every call, for tests and for late starters.
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { MimeBundle } from './bundle.js'
import { terminal } from './terminal.js'

export interface ShowOptions { id?: string; update?: boolean; metadata?: Record<string, unknown> }

export interface FrontEnd {
  readonly name: 'afinar' | 'deno' | 'tslab' | 'terminal'
  show(bundle: MimeBundle, o: ShowOptions): void | Promise<void>
}

/** What the kernel offers to libraries in `globalThis[Symbol.for('afinar.session')]`. */
export interface Session {
  display(bundle: MimeBundle, o?: ShowOptions): void
  comm(target: string, data?: unknown): unknown
  /** Lets the page open comms with this target; absent in sessions that cannot be spoken to. */
  registerTarget?(target: string, open: (comm: unknown, data: unknown) => unknown): void
  /** Aborted when Stop is pressed. */
  readonly signal: AbortSignal
  readonly cell: number
}

/** The session of the running cell; undefined outside of this kernel. */
export function session(): Session | undefined {
  return (globalThis as Record<symbol, unknown>)[Symbol.for('afinar.session')] as Session | undefined
}

interface Broadcast { broadcast(type: string, content: Record<string, unknown>): Promise<void> }

export function frontEnd(): FrontEnd {
  const own = session()
  if (own) return { name: 'afinar', show: (bundle, o) => own.display(bundle, o) }
  const deno = (globalThis as { Deno?: { jupyter?: Broadcast } }).Deno?.jupyter
  if (deno) return { name: 'deno', show: (bundle, o) => deno.broadcast(o.update ? 'update_display_data' : 'display_data', content(bundle, o)) }
  const write = tslabWriter()
  if (write) return { name: 'tslab', show: (bundle, o) => write(content(bundle, o), o.update ?? false) }
  return terminal
}

const content = (bundle: MimeBundle, { id, metadata = {} }: ShowOptions) => ({ data: bundle, metadata, transient: id === undefined ? {} : { display_id: id } })

type TslabWriter = (content: Record<string, unknown>, update: boolean) => void
let tslab: { lastWriteDisplayData?: TslabWriter | null } | undefined | null

/** The running tslab, if we run in it: its public API shows one MIME type at a time, the writer beneath it whole bundles. */
function tslabWriter(): TslabWriter | undefined {
  if (tslab === undefined) {
    tslab = null
    try {
      const main = realpathSync(process.argv[1] ?? '')
      if (/[\\/]tslab[\\/]bin[\\/]tslab$/.test(main)) tslab = createRequire(main)('../dist/jupyter.js') as NonNullable<typeof tslab>
    } catch { /* not tslab, or one that is built differently: the terminal's text then */ }
  }
  return tslab?.lastWriteDisplayData ?? undefined
}
