// Typed input: what the session asks goes to the front end that runs the cell, and its answer back. One question at a time.
import type { HostMessage, InputRequestMessage } from '../session/messages.js'
import type { Connection, Message } from '../wire/index.js'

export class Stdin {
  /** msg_id of the question that waits for its answer. */
  private asked: string | undefined

  constructor(private readonly connection: Connection, private readonly toSession: (message: HostMessage) => void) {}

  ask({ prompt, password }: InputRequestMessage, running: Message): void {
    const header = this.connection.codec.header('input_request')
    this.asked = header.msg_id
    this.connection.send('stdin', { identities: running.identities, header, parent: running.header, metadata: {}, content: { prompt, password }, buffers: [] })
  }

  /** An answer that names another question as its parent is an old one; Jupyter's Python client names none. */
  answer({ header, parent, content }: Message): void {
    if (header.msg_type !== 'input_reply' || this.asked === undefined) return
    if (parent.msg_id !== undefined && parent.msg_id !== this.asked) return
    this.asked = undefined
    this.toSession({ type: 'input-reply', value: String(content['value'] ?? '') })
  }

  /** The cell that asked has ended. */
  forget(): void { this.asked = undefined }
}
