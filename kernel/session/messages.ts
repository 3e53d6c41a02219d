// What the host and the session say to each other: to the session over child_process.fork's channel, back on a pipe (frames.ts).
// Plain records only. The host starts a session and speaks to it through start.ts, which sends each on its right pipe.
import type { DebugEvent, DebugRequest, DebugResponse } from './debug/adapter.js'

/** A MIME bundle: strings for text types and base64 for binary ones, JSON values for `+json` types. */
export type MimeBundle = Record<string, unknown>

/** What an `error` carries in Jupyter's protocol; the traceback's lines hold ANSI colours. */
export interface ErrorReport { name: string; value: string; traceback: string[] }

/** One answer to a user expression, as Jupyter's `execute_reply` wants it. */
export type ExpressionReply =
  | { status: 'ok'; data: MimeBundle; metadata: Record<string, unknown> }
  | { status: 'error'; ename: string; evalue: string; traceback: string[] }

/** Runs one cell. `cell` is unique per request and names every output; `count` is the execution count that tracebacks show. */
export interface ExecuteMessage {
  type: 'execute'; cell: number; count: number; code: string
  silent: boolean; userExpressions: Record<string, string>; allowStdin: boolean
}
/** Stop: aborts the cell's signal, then terminates it (see stop.ts). Nothing happens when that cell is not running; cell 0 means those that have ended and left something going. */
export interface InterruptMessage { type: 'interrupt'; cell: number }
/** What the user typed in answer to an `input-request`. `cell` is optional: without it the pending request is meant. */
export interface InputReplyMessage { type: 'input-reply'; value: string; cell?: number }
/** A comm opened, spoken to or closed, in either direction. `target` only with `open`; `cell` only from the session. */
export interface CommMessage {
  type: 'comm'; kind: 'open' | 'message' | 'close'; id: string; target?: string
  data: unknown; metadata: Record<string, unknown>; buffers: Uint8Array[]; cell?: number
}
export interface ShutdownMessage { type: 'shutdown' }
/** A request of the Debug Adapter Protocol, answered by one `debug-response`. */
export interface DebugMessage { type: 'debug'; request: DebugRequest }

export type HostMessage = ExecuteMessage | InterruptMessage | InputReplyMessage | CommMessage | ShutdownMessage | DebugMessage

/** Sent once, when cells can run. */
export interface ReadyMessage { type: 'ready' }
export interface StreamMessage { type: 'stream'; cell: number; name: 'stdout' | 'stderr'; text: string }
export interface DisplayMessage {
  type: 'display'; cell: number; data: MimeBundle; metadata: Record<string, unknown>
  transient?: { display_id: string }; update: boolean
}
/** The value of the cell's last expression. Not sent for `undefined`, nor for a silent cell. */
export interface ResultMessage { type: 'result'; cell: number; data: MimeBundle; metadata: Record<string, unknown> }
/** An error of a cell. Also after its `done`: a throw in a timer, a rejection that nobody handles. */
export interface ErrorMessage extends ErrorReport { type: 'error'; cell: number }
/** The last word on a cell; all that it printed or displayed until then has been sent before. */
export interface DoneMessage {
  type: 'done'; cell: number; status: 'ok' | 'error' | 'aborted'
  userExpressions: Record<string, ExpressionReply>; error?: ErrorReport
  payload?: Record<string, unknown>[]
  /** Names that the cell declared at its top level. */
  declarations?: string[]
}
export interface InputRequestMessage { type: 'input-request'; cell: number; prompt: string; password: boolean }
export interface ClearOutputMessage { type: 'clear-output'; cell: number; wait: boolean }

export interface DebugResponseMessage { type: 'debug-response'; response: DebugResponse }
/** The debugger's own news: it stands at a breakpoint, it went on. */
export interface DebugEventMessage { type: 'debug-event'; event: DebugEvent }

export type SessionMessage =
  | ReadyMessage | StreamMessage | DisplayMessage | ResultMessage | ErrorMessage | DoneMessage
  | InputRequestMessage | CommMessage | ClearOutputMessage | DebugResponseMessage | DebugEventMessage
