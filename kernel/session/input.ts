// Typed input: asks the front end and waits, as the browser's prompt() does. The main thread sleeps meanwhile; the stop thread
// receives the answer, and Stop.
import { receiveMessageOnPort } from 'node:worker_threads'
import { board, Slot } from './board.js'
import { cause, Interrupted } from './cell.js'
import { Atomics } from './intrinsics.js'
import { flush } from './output.js'
import { tellStopThread, typed } from './stop.js'

/**
 * Asks the user and returns what was typed.
 * @throws Interrupted when the cell is stopped meanwhile; an Error where nobody can answer
 */
export function input(question = '', options: { password?: boolean } = {}): string {
  const cell = cause()
  if (!cell.allowStdin) throw new Error(`Cannot ask "${question}": whoever runs this cell takes no input. Run it in a notebook, or set the value in code`)
  flush()
  while (receiveMessageOnPort(typed)); // an answer that came after its cell was stopped
  Atomics.store(board, Slot.input, 1)
  tellStopThread({ type: 'ask', request: { type: 'input-request', cell: cell.id, prompt: question, password: options.password ?? false } })
  Atomics.wait(board, Slot.input, 1)
  const stopped = Atomics.exchange(board, Slot.input, 0) === 3
  if (stopped) throw new Interrupted()
  return String(receiveMessageOnPort(typed)?.message ?? '')
}

/** The browser's `prompt`: the text, or the default where nothing was typed. */
export function prompt(message = '', value = ''): string | null {
  return input(message && !/\s$/.test(message) ? `${message} ` : message) || value
}

export function confirm(message = ''): boolean {
  return /^y(es)?$/i.test(input(`${message} [y/N] `).trim())
}

/** The browser's `alert`: shows a message and waits for Enter. */
export function say(message = '') {
  input(`${message} [Enter] `)
}
