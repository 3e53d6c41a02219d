// The one way out: messages to the host in order, printed text joined on the way. Not here: where the text comes from (streams.ts).
import fs from 'node:fs'
import { isRead, writeFrame } from './frames.js'
import { MARK_KEY, markOf } from './marks.js'
import type { SessionMessage } from './messages.js'
import { Math, performance, process, setTimeout } from './intrinsics.js'

const read = isRead()
const { writeSync } = fs // as it is now: see native-output.ts
const key = process.env[MARK_KEY]
delete process.env[MARK_KEY]
let marks = 0

/**
 * Text that follows a silence is sent at once, so that it is seen even when the cell never yields again; what comes on its heels is
 * joined and sent after this time at the latest, in milliseconds.
 */
const latency = 20
/** And in pieces of at most this many UTF-16 units. */
const piece = 1 << 20

/** `sent` UTF-16 units of it are on their way already. */
let pending: { cell: number; name: 'stdout' | 'stderr'; text: string; sent: number } | undefined
let scheduled = false
let since = 0
let lastSent = -Infinity

/** Sends a message after the text that was printed before it. */
export function send(message: SessionMessage) {
  flush()
  post(message)
}

function post(message: SessionMessage) {
  // a result goes on with what follows it at once: the end of its cell
  if (read) writeFrame(message.type === 'result' ? marks + 1 : mark(), message)
}

/** Sets a mark where native output passes, so that the host sees what came before and what behind a message. */
function mark(): number {
  if (!key) return 0
  const text = markOf(key, ++marks)
  for (const descriptor of [1, 2]) try { writeSync(descriptor, text) } catch { /* the user's code has closed it */ }
  return marks
}

export function print(cell: number, name: 'stdout' | 'stderr', text: string) {
  if (text === '') return
  if (pending && (pending.cell !== cell || pending.name !== name)) flush()
  if (pending) pending.text += text
  else {
    pending = { cell, name, text, sent: 0 }
    since = performance.now()
  }
  const now = performance.now()
  if (pending.text.length >= piece || now - since > latency || now - lastSent > latency) flush()
  else if (!scheduled) { scheduled = true; setTimeout(() => { scheduled = false; flush() }, latency) }
}

export function flush() {
  if (!pending) return
  const { cell, name, text } = pending
  lastSent = performance.now()
  while (pending && pending.sent < text.length) {
    let end = Math.min(pending.sent + piece, text.length)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
    post({ type: 'stream', cell, name, text: text.slice(pending.sent, end) })
    pending.sent = end // behind the sending: a termination in between costs nothing
  }
  pending = undefined
}

/** After a termination, which may have hit between scheduling and sending. */
export function recoverOutput() {
  scheduled = false
  flush()
}

const isHighSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
