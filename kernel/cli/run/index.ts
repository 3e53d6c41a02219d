// The door of `afinar run`: a notebook executed in the terminal, and the same as a function.
import { HELP, readArguments } from './arguments.js'
import { runNotebook } from './run-notebook.js'
import { TerminalReport } from './terminal.js'

export { runNotebook, type CellStatus, type RunEvent, type RunOptions, type RunResult } from './run-notebook.js'

/** What a shell expects of a program that Ctrl-C ended. */
const INTERRUPTED = 130

/** Runs `afinar run …`. Resolves to the exit code: 0, 1 for a cell that failed, 130 after Ctrl-C. Throws for bad arguments. */
export async function runCommand(args: string[]): Promise<number> {
  const { options, quiet, help } = readArguments(args)
  if (help) {
    process.stdout.write(HELP)
    return 0
  }
  const terminal = new TerminalReport(process.stdout)
  const stop = new AbortController()
  const kill = new AbortController()
  const onSignal = (): void => {
    if (stop.signal.aborted) kill.abort()
    else {
      process.stderr.write('\nstopping this cell (Ctrl-C again ends at once)\n')
      stop.abort()
    }
  }
  const onTerminate = (): void => {
    stop.abort()
    kill.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onTerminate)
  process.on('SIGHUP', onTerminate)
  try {
    const result = await runNotebook({ ...options, signal: stop.signal, killSignal: kill.signal, ...(quiet ? {} : { report: event => terminal.report(event) }) })
    if (!quiet || result.status === 'error') terminal.finish(result)
    return result.status === 'ok' ? 0 : result.status === 'interrupted' ? INTERRUPTED : 1
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onTerminate)
    process.off('SIGHUP', onTerminate)
  }
}
