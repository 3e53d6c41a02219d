// From what a kernel publishes to the outputs of a notebook's cells, as Jupyter's front ends do it.
import type { Message } from '../../wire/index.js'
import { textOf, type Cell, type MimeData, type Output } from './notebook.js'

type Bundle = Extract<Output, { data: MimeData }>

/** The fields of the contents read here, whichever message it is. */
interface Published {
  name: 'stdout' | 'stderr'; text: string; data: MimeData; metadata?: Record<string, unknown>; transient?: { display_id?: string }
  execution_count: number | null; wait?: boolean; ename: string; evalue: string; traceback: string[]
}

/** Collects outputs for one notebook; displays that are updated later are found by their id in any of its cells. */
export class Outputs {
  readonly #displays = new Map<string, Bundle[]>()
  readonly #toClear = new Set<Cell>()
  #closed = false

  /** From now on nothing is taken in: what a kernel says while it ends is not the notebook's. */
  close(): void { this.#closed = true }

  /** Takes in one message that `cell` caused. Returns whether an output changed. */
  take(cell: Cell, message: Message): boolean {
    if (this.#closed) return false
    const outputs = cell.outputs ??= []
    const content = message.content as unknown as Published
    switch (message.header.msg_type) {
      case 'execute_input':
        cell.execution_count = content.execution_count
        return false
      case 'stream': {
        this.#clearNow(cell)
        const last = cell.outputs.at(-1)
        if (last?.output_type === 'stream' && last.name === content.name) last.text = textOf(last.text) + content.text
        else cell.outputs.push({ output_type: 'stream', name: content.name, text: content.text })
        return true
      }
      case 'display_data':
      case 'execute_result': {
        this.#clearNow(cell)
        const { data, metadata } = content
        const output: Bundle = message.header.msg_type === 'display_data'
          ? { output_type: 'display_data', data, metadata: metadata ?? {} }
          : { output_type: 'execute_result', execution_count: content.execution_count ?? null, data, metadata: metadata ?? {} }
        cell.outputs.push(output)
        const id = displayId(content)
        if (id !== undefined) this.#displays.set(id, [...this.#displays.get(id) ?? [], output])
        return true
      }
      case 'update_display_data': {
        const shown = this.#displays.get(displayId(content) ?? '') ?? []
        for (const output of shown) {
          output.data = content.data
          output.metadata = content.metadata ?? {}
        }
        return shown.length > 0
      }
      case 'clear_output':
        if (content.wait === true) this.#toClear.add(cell)
        else outputs.length = 0
        return true
      case 'error':
        this.#clearNow(cell)
        cell.outputs.push({ output_type: 'error', ename: content.ename, evalue: content.evalue, traceback: content.traceback })
        return true
      default:
        return false
    }
  }

  #clearNow(cell: Cell): asserts cell is Cell & { outputs: Output[] } {
    cell.outputs ??= []
    if (this.#toClear.delete(cell)) cell.outputs.length = 0
  }
}

function displayId(content: Published): string | undefined {
  return content.transient?.display_id
}
