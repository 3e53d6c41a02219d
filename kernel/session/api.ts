// `globalThis[Symbol.for('afinar.session')]`: what a library may ask of the session that runs it. The other side is lib/display.
import { randomUUID } from 'node:crypto'
import { cause, running } from './cell.js'
import { openComm, registerTarget, type Comm, type CommOptions } from './comms.js'
import { plainBundle } from './display/index.js'
import { input } from './input.js'
import { Object, Symbol } from './intrinsics.js'
import type { MimeBundle } from './messages.js'
import { send } from './output.js'

export interface DisplayOptions {
  /** Names the output, so that a later display can replace it. */
  id?: string
  /** Replaces the output with that id, wherever it is shown. */
  update?: boolean
  metadata?: Record<string, unknown>
}

export interface AfinarSession {
  /** Shows a MIME bundle in the cell that called; returns the output's id. */
  display(bundle: MimeBundle, options?: DisplayOptions): string
  comm(target: string, data?: unknown, options?: CommOptions & { id?: string }): Comm
  registerTarget: typeof registerTarget
  clearOutput(wait?: boolean): void
  input: typeof input
  /** Aborted when the running cell is stopped; who listens is left to end by itself. */
  readonly signal: AbortSignal
  /** The id of the cell that runs the caller. */
  readonly cell: number
}

export const session: AfinarSession = {
  display(bundle, { id, update = false, metadata = {} } = {}) {
    const display_id = id ?? randomUUID()
    send({ type: 'display', cell: cause().id, data: plainBundle(bundle), metadata, update, ...(id === undefined ? {} : { transient: { display_id } }) })
    return display_id
  },
  comm: openComm,
  registerTarget,
  clearOutput: (wait = false) => send({ type: 'clear-output', cell: cause().id, wait }),
  input,
  get signal() { return (running() ?? cause()).signal },
  get cell() { return cause().id },
}

export function installSession() {
  Object.defineProperty(globalThis, Symbol.for('afinar.session'), { value: session, enumerable: false, writable: false, configurable: false })
}
