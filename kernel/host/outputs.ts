// Takes what cells print, show and throw to iopub, each under the request that caused it, however long ago that was.
import type { ErrorReport, SessionMessage } from '../session/messages.js'
import type { Header } from '../wire/index.js'
import type { History } from './history.js'
import type { Parent, Publisher } from './publisher.js'

/** So many cells are remembered: a timer of an older one prints into the latest. */
const REMEMBERED = 10_000

export class Outputs {
  private readonly cells = new Map<number, { parent: Header; count: number }>()
  private latest = 0

  constructor(private readonly publisher: Publisher, private readonly history: History) {}

  /** A cell begins; output that names no cell belongs to it from now on. */
  begin(cell: number, parent: Header, count: number): void {
    this.cells.set(cell, { parent, count })
    this.cells.delete(cell - REMEMBERED)
    this.latest = cell
  }

  /** The header of the request that started a cell; the latest one's where it is not known. */
  parentOf(cell: number | undefined): Parent { return this.origin(cell)?.parent ?? {} }

  hear(message: SessionMessage): void {
    const { publisher } = this
    switch (message.type) {
      case 'stream': publisher.publish('stream', { name: message.name, text: message.text }, this.parentOf(message.cell)); break
      case 'display': publisher.publish(message.update ? 'update_display_data' : 'display_data', { data: message.data, metadata: message.metadata, transient: message.transient ?? {} }, this.parentOf(message.cell)); break
      case 'clear-output': publisher.publish('clear_output', { wait: message.wait }, this.parentOf(message.cell)); break
      case 'error': publisher.publish('error', asError(message), this.parentOf(message.cell)); break
      case 'result': {
        const count = this.origin(message.cell)?.count ?? 0
        publisher.publish('execute_result', { execution_count: count, data: message.data, metadata: message.metadata }, this.parentOf(message.cell))
        this.history.result(count, String(message.data['text/plain'] ?? ''))
        break
      }
      default: break
    }
  }

  /** Output that came past JavaScript, by fd 1 or 2, belongs to the cell that runs, or ran last. */
  hearNative(name: 'stdout' | 'stderr', text: string): void { this.publisher.publish('stream', { name, text }, this.parentOf(undefined)) }

  /** A word of the kernel itself. */
  note(text: string): void { this.hearNative('stderr', text) }

  private origin(cell: number | undefined): { parent: Header; count: number } | undefined {
    return (cell === undefined ? undefined : this.cells.get(cell)) ?? this.cells.get(this.latest)
  }
}

export const asError = ({ name, value, traceback }: ErrorReport): { ename: string; evalue: string; traceback: string[] } => ({ ename: name, evalue: value, traceback })
