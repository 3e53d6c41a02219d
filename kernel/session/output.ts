// The one way out: messages to the host in order, printed text joined on the way. Not here: where the text comes from (streams.ts).
import type { SessionMessage } from './messages.js'
import { Math, performance, process, setTimeout } from './intrinsics.js'

const channel = process.send?.bind(process)

/**
 * Text that follows a silence is sent at once, so that it is seen even when the cell never yields again; what comes on its heels is
 * joined and sent after this time at the latest, in milliseconds.
 */
const latency = 20
/** And in pieces of at most this many UTF-16 units. */
const piece = 1 << 20

let pending: { cell: number; name: 'stdout' | 'stderr'; text: string } | undefined
let scheduled = false
let since = 0
let lastSent = -Infinity

/** Sends a message after the text that was printed before it. */
export function send(message: SessionMessage) {
  flush()
  post(message)
}

function post(message: SessionMessage) {
  channel?.(message, undefined, undefined, () => {})
}

export function print(cell: number, name: 'stdout' | 'stderr', text: string) {
  if (text === '') return
  if (pending && (pending.cell !== cell || pending.name !== name)) flush()
  if (pending) pending.text += text
  else {
    pending = { cell, name, text }
    since = performance.now()
  }
  const now = performance.now()
  if (pending.text.length >= piece || now - since > latency || now - lastSent > latency) flush()
  else if (!scheduled) { scheduled = true; setTimeout(() => { scheduled = false; flush() }, latency) }
}

export function flush() {
  if (!pending) return
  const { cell, name, text } = pending
  pending = undefined
  lastSent = performance.now()
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + piece, text.length)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
    post({ type: 'stream', cell, name, text: text.slice(start, end) })
    start = end
  }
}

/** After a termination, which may have hit between scheduling and sending. */
export function recoverOutput() {
  scheduled = false
  flush()
}

const isHighSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
