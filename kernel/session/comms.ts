// Comms: messages with buffers between objects in the session and in the front end, both ways. What they mean is the user's.
import { randomUUID } from 'node:crypto'
import { cause, scope, type Cell } from './cell.js'
import { ArrayBuffer, Map, Promise, Uint8Array } from './intrinsics.js'
import type { CommMessage } from './messages.js'
import { send } from './output.js'
import { reportError } from './survival.js'

export interface CommOptions { metadata?: Record<string, unknown>; buffers?: (ArrayBuffer | ArrayBufferView)[] }
export type CommListener = (data: unknown, buffers: Uint8Array[], metadata: Record<string, unknown>) => unknown

export interface Comm {
  readonly id: string
  readonly target: string
  send(data: unknown, options?: CommOptions): void
  /** Called for every message of the other side, within the cell that opened the comm: what it prints appears there. */
  onMessage(listener: CommListener): void
  onClose(listener: CommListener): void
  close(data?: unknown): void
}

class SessionComm implements Comm {
  readonly messages: CommListener[] = []
  readonly closings: CommListener[] = []
  constructor(readonly id: string, readonly target: string, readonly cell: Cell) {}

  post(kind: CommMessage['kind'], data: unknown, { metadata = {}, buffers = [] }: CommOptions = {}) {
    send({ type: 'comm', kind, id: this.id, ...(kind === 'open' ? { target: this.target } : {}), data: data ?? {}, metadata, buffers: buffers.map(bytes), cell: cause().id })
  }
  send(data: unknown, options?: CommOptions) { this.post('message', data, options) }
  onMessage(listener: CommListener) { this.messages.push(listener) }
  onClose(listener: CommListener) { this.closings.push(listener) }
  close(data?: unknown) { if (comms.delete(this.id)) this.post('close', data) }
}

const comms = new Map<string, SessionComm>()
const targets = new Map<string, { cell: Cell; open: (comm: Comm, data: unknown, buffers: Uint8Array[]) => unknown }>()

export function openComm(target: string, data: unknown = {}, options: CommOptions & { id?: string } = {}): Comm {
  const comm = new SessionComm(options.id ?? randomUUID(), target, cause())
  comms.set(comm.id, comm)
  comm.post('open', data, options)
  return comm
}

/** Lets the front end open comms with this target. */
export function registerTarget(target: string, open: (comm: Comm, data: unknown, buffers: Uint8Array[]) => unknown) {
  targets.set(target, { cell: cause(), open })
}

/** A comm to an unknown target is closed again, as Jupyter's protocol asks. */
export function receiveComm({ kind, id, target = '', data, metadata, buffers }: CommMessage) {
  const comm = comms.get(id)
  if (kind === 'open') {
    const known = targets.get(target)
    const opened = new SessionComm(id, target, known?.cell ?? cause())
    if (!known) return opened.post('close', {})
    comms.set(id, opened)
    return call(known.cell, () => known.open(opened, data, buffers))
  }
  if (!comm) return
  if (kind === 'close') comms.delete(id)
  for (const listener of kind === 'close' ? comm.closings : comm.messages) call(comm.cell, () => listener(data, buffers, metadata))
}

/** A listener that throws is reported where its comm was opened. */
function call(cell: Cell, listener: () => unknown) {
  scope.run(cell, () => {
    const failed = (error: unknown) => reportError(error, cell)
    try { Promise.resolve(listener()).catch(failed) } catch (error) { failed(error) }
  })
}

const bytes = (buffer: ArrayBuffer | ArrayBufferView): Uint8Array => ArrayBuffer.isView(buffer) ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength) : new Uint8Array(buffer)
