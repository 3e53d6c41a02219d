// A Jupyter message, and how it becomes ZeroMQ frames and comes back: signature, replay refusal, JSON. Knows no sockets.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'

export const PROTOCOL_VERSION = '5.5'

export interface Header {
  msg_id: string
  msg_type: string
  session: string
  username: string
  date: string
  version: string
  subshell_id?: string | null
}

export interface Message {
  /** Routing frames in front of the delimiter: whom a reply goes to, or the topic on iopub. */
  identities: Buffer[]
  header: Header
  /** The header of the message that caused this one; empty where none did. */
  parent: Header | Record<string, never>
  metadata: Record<string, unknown>
  content: Record<string, unknown>
  buffers: Uint8Array[]
}

/** A message that must not be obeyed. The reason is for the log; nothing is answered. */
export class RefusedMessage extends Error {
  override readonly name = 'RefusedMessage'
}

const DELIMITER = Buffer.from('<IDS|MSG>')
const REMEMBERED = 65_536

/** Signs, writes, reads and checks messages with one connection's key. An empty key means unsigned, as Jupyter defines it. */
export class Codec {
  private readonly seen = new Set<string>()
  /** Thousands of outputs share one parent header. Only the latest is kept: a small buffer holds on to the 8 KB that Node cut it from. */
  private latest: { parent: object; frame: Buffer } | undefined
  readonly session = randomUUID()

  constructor(private readonly key: string, private readonly algorithm = 'sha256') {}

  header(type: string): Header {
    return { msg_id: randomUUID(), msg_type: type, session: this.session, username: 'kernel', date: new Date().toISOString(), version: PROTOCOL_VERSION }
  }

  /**
   * The frames of a message.
   *
   * @throws TypeError when a part cannot be JSON (a cycle, a bigint)
   */
  encode({ identities, header, parent, metadata, content, buffers }: Message): Uint8Array[] {
    if (this.latest?.parent !== parent) this.latest = { parent, frame: json(parent) }
    const parts = [json(header), this.latest.frame, json(metadata), json(content)]
    return [...identities, DELIMITER, Buffer.from(this.sign(parts)), ...parts, ...buffers]
  }

  /**
   * The message in the frames.
   *
   * @throws RefusedMessage when frames are missing, the signature is wrong or was seen before, or a part is not a JSON object
   */
  decode(frames: Buffer[]): Message {
    const at = frames.findIndex((frame) => frame.equals(DELIMITER))
    if (at < 0) throw new RefusedMessage('no delimiter')
    if (frames.length < at + 6) throw new RefusedMessage(`${frames.length - at - 1} frames after the delimiter, at least 5 expected`)
    const signature = frames[at + 1]!
    const parts = frames.slice(at + 2, at + 6)
    if (this.key) {
      const expected = Buffer.from(this.sign(parts))
      if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) throw new RefusedMessage('wrong signature')
      this.remember(signature.toString('latin1'))
    }
    const [header, parent, metadata, content] = parts.map((part, index) => jsonObject(part, ['header', 'parent header', 'metadata', 'content'][index]!))
    for (const field of ['msg_id', 'msg_type', 'session']) {
      if (typeof header![field] !== 'string') throw new RefusedMessage(`header without ${field}`)
    }
    return {
      identities: frames.slice(0, at), header: header as unknown as Header, parent: parent as unknown as Header,
      metadata: metadata!, content: content!, buffers: frames.slice(at + 6),
    }
  }

  private sign(parts: Buffer[]): string {
    if (!this.key) return ''
    const hmac = createHmac(this.algorithm, this.key)
    for (const part of parts) hmac.update(part)
    return hmac.digest('hex')
  }

  /** A signature that comes twice is a replayed message: msg_id is random, so honest ones differ. */
  private remember(signature: string): void {
    if (this.seen.has(signature)) throw new RefusedMessage('replayed signature')
    this.seen.add(signature)
    if (this.seen.size > REMEMBERED) for (const oldest of this.seen) { this.seen.delete(oldest); break }
  }
}

/** JSON in UTF-8. Half of a surrogate pair becomes U+FFFD: Python could read it, and then not save the notebook. */
function json(part: object): Buffer {
  const text = JSON.stringify(part)
  const halves = text.includes('\\ud') || text.includes('\\uD')
  return Buffer.from(halves ? JSON.stringify(part, (_, value: unknown) => typeof value === 'string' ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value) : text)
}

function jsonObject(frame: Buffer, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(frame.toString('utf8'))
  } catch {
    throw new RefusedMessage(`${what} is not JSON`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RefusedMessage(`${what} is not an object`)
  return value as Record<string, unknown>
}
