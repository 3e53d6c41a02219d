// Display without a notebook: text on standard output. On a terminal an update replaces what stood there, as long as nothing was written below it.
import { stripVTControlCharacters } from 'node:util'
import { textOf, type MimeBundle } from './bundle.js'
import type { FrontEnd, ShowOptions } from './front-end.js'

interface Output { write(text: string): unknown; isTTY?: boolean; columns?: number }

/** `output` is process.stdout except in tests. */
export function terminalOn(output: Output): FrontEnd {
  let last: { id: string; rows: number } | undefined
  return {
    name: 'terminal',
    show(bundle: MimeBundle, { id, update }: ShowOptions) {
      const text = textOf(bundle)
      if (update && !output.isTTY) return // a log file doesn't want a picture five times a second: the last one is shown by `close`
      const erase = update && id !== undefined && last?.id === id ? `\x1b[${last.rows}A\x1b[0J` : ''
      output.write(`${erase}${text}\n`)
      last = id === undefined ? undefined : { id, rows: rowsOf(text, output.columns ?? 80) }
    },
  }
}

const rowsOf = (text: string, columns: number) =>
  text.split('\n').reduce((rows, line) => rows + Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns)), 0)

export const terminal: FrontEnd = terminalOn({
  write: (text) => process.stdout.write(text),
  get isTTY() { return process.stdout.isTTY },
  get columns() { return process.stdout.columns },
})
