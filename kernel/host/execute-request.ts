// An execute_request as it comes off the wire: every field checked, every default filled in.
import type { Message } from '../wire/index.js'

export interface ExecuteRequest {
  code: string; silent: boolean; storeHistory: boolean; stopOnError: boolean; allowStdin: boolean
  userExpressions: Record<string, string>
}

/**
 * Reads the content of an execute_request; defaults as in Jupyter's documentation.
 *
 * @throws TypeError when `code` is no text
 */
export function readExecuteRequest({ content }: Message): ExecuteRequest {
  const { code, silent, store_history: store, stop_on_error: stop, allow_stdin: stdin, user_expressions: expressions } = content
  if (typeof code !== 'string') throw new TypeError(`Cannot run a cell: its code must be text and is ${code === null ? 'null' : typeof code}.`)
  const texts = typeof expressions === 'object' && expressions !== null ? Object.entries(expressions).filter((entry): entry is [string, string] => typeof entry[1] === 'string') : []
  return { code, silent: silent === true, storeHistory: silent !== true && store !== false, stopOnError: stop !== false, allowStdin: stdin !== false, userExpressions: Object.fromEntries(texts) }
}
