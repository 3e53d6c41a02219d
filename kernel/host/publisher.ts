// Sends what belongs to a request: its reply, its status, its outputs. Everything carries the request's header as its parent.
import type { Journal } from './journal.js'
import type { Channel, Connection, Header, Message } from '../wire/index.js'

export type Parent = Header | Record<string, never>

export class Publisher {
  /** `journal` keeps what is published; a reply is nobody's business later. */
  constructor(private readonly connection: Connection, private readonly journal?: Journal) {}

  /** A message on iopub. */
  publish(type: string, content: object, parent: Parent, { metadata = {}, buffers = [] }: { metadata?: Record<string, unknown>; buffers?: Uint8Array[] } = {}): void {
    this.connection.send('iopub', { identities: [Buffer.from(type)], header: this.connection.codec.header(type), parent, metadata, content: content as Record<string, unknown>, buffers })
    this.journal?.note(type, content as Record<string, unknown>, parent.msg_type === 'execute_request' ? parent.msg_id : undefined)
  }

  status(state: 'busy' | 'idle' | 'starting', parent: Parent): void {
    this.publish('status', { execution_state: state }, parent)
  }

  /** The reply to a request, on the channel that it came by. */
  reply(channel: Channel, request: Message, type: string, content: object): void {
    this.connection.send(channel, { identities: request.identities, header: this.connection.codec.header(type), parent: request.header, metadata: {}, content: content as Record<string, unknown>, buffers: [] })
  }
}
