// Comms between front ends and the session: which are open, and the messages both ways with their buffers.
import type { CommMessage } from '../session/messages.js'
import type { Message } from '../wire/index.js'
import type { Parent, Publisher } from './publisher.js'

const kinds: Record<string, CommMessage['kind']> = { comm_open: 'open', comm_msg: 'message', comm_close: 'close' }
const types: Record<CommMessage['kind'], string> = { open: 'comm_open', message: 'comm_msg', close: 'comm_close' }

export class Comms {
  private readonly targets = new Map<string, string>()

  constructor(private readonly publisher: Publisher, private readonly toSession: (message: CommMessage) => void) {}

  /** A front end opens, speaks to or closes a comm. The session answers an unknown target with a close. */
  fromFrontEnd({ header, content, metadata, buffers }: Message): void {
    const kind = kinds[header.msg_type]!, id = String(content['comm_id'] ?? ''), target = content['target_name']
    this.note(kind, id, target)
    this.toSession({ type: 'comm', kind, id, ...(typeof target === 'string' ? { target } : {}), data: content['data'] ?? {}, metadata, buffers: [...buffers] })
  }

  fromSession({ kind, id, target, data, metadata, buffers }: CommMessage, parent: Parent): void {
    this.note(kind, id, target)
    this.publisher.publish(types[kind], { comm_id: id, data, ...(kind === 'open' ? { target_name: target } : {}) }, parent, { metadata, buffers })
  }

  /** The content of comm_info_reply. */
  info(target: unknown): Record<string, unknown> {
    const open = [...this.targets].filter(([, name]) => typeof target !== 'string' || target === '' || name === target)
    return { status: 'ok', comms: Object.fromEntries(open.map(([id, name]) => [id, { target_name: name }])) }
  }

  /** The session began anew: its comms are gone, and front ends are told. */
  closeAll(parent: Parent): void {
    for (const id of this.targets.keys()) this.publisher.publish('comm_close', { comm_id: id, data: {} }, parent)
    this.targets.clear()
  }

  private note(kind: CommMessage['kind'], id: string, target: unknown): void {
    if (kind === 'open') this.targets.set(id, String(target ?? ''))
    if (kind === 'close') this.targets.delete(id)
  }
}
