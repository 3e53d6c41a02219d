// What would end another Node process and does not end this one: process.exit in a cell, a throw in a timer, a rejection that
// nobody handles. Each is reported in the cell that caused it.
import { cause, Interrupted, running, type Cell } from './cell.js'
import { process } from './intrinsics.js'
import { send } from './output.js'
import { errorReport } from './traceback.js'

class ProcessExit extends Error {
  override name = 'ProcessExit'
}

/** Shown in the cell's output; the cell may have ended long ago. */
export function reportError(error: unknown, cell: Cell = cause()) {
  if (error instanceof Interrupted) return
  send({ type: 'error', cell: cell.id, ...errorReport(error) })
}

const reallyExit = (process as unknown as { reallyExit(code: number): never }).reallyExit.bind(process)

/** Ends the session's process; `process.exit` no longer does. */
export function exit(code: number): never {
  process.emit('exit', code)
  return reallyExit(code)
}

export function survive() {
  const refuse = (call: string): never => {
    throw new ProcessExit(`process.${call} was called. The session goes on with its variables; restart the kernel for a fresh one`)
  }
  process.exit = code => refuse(`exit(${code === undefined ? '' : String(code)})`)
  ;(process as unknown as { reallyExit: unknown }).reallyExit = (code: number) => refuse(`exit(${code})`)
  process.abort = () => refuse('abort()')
  process.on('uncaughtException', error => reportError(error))
  process.on('unhandledRejection', (reason: unknown) => {
    const cell = cause()
    // the rejection of a stopped cell's awaits is no news
    if (cell.interrupted && cell !== running()) return
    reportError(reason, cell)
  })
}
