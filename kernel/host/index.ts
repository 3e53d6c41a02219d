// The host's door: starts a kernel from a connection file, and ends it with whoever started it.
import { mkdirSync, appendFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { readConnectionFile } from '../wire/index.js'
import { Host } from './host.js'
import { Journal, journalFile } from './journal.js'
import { descendants, signal } from './process-tree.js'

export { Host } from './host.js'
export { type JournalCell, type JournalEntry, readJournal, replay } from './journal.js'
export { kernelspec, writeKernelspec } from './kernelspec.js'

/** How often the host looks whether its parent still lives (ms). */
const WATCH = 300
const LINES = 200

/**
 * Starts the kernel that a connection file describes. The process ends after a shutdown_request, on SIGTERM, or when the parent
 * that Jupyter names in JPY_PARENT_PID dies. What is refused or goes wrong is
 * logged on stderr, or in the file that AFINAR_LOG names.
 *
 * @throws when the connection file cannot be read or a port is taken
 */
export async function startHost(connectionFile: string): Promise<Host> {
  const log = writeLog(process.env['AFINAR_LOG'])
  // a defect of the host must not cost the user's variables
  process.on('uncaughtException', (error) => log(`failed: ${error.stack}`))
  process.on('unhandledRejection', (error) => log(`failed: ${error instanceof Error ? error.stack : String(error)}`))
  process.removeAllListeners('warning').on('warning', ({ message }) => {
    if (!message.startsWith('Socket option will not take effect')) log(`warning: ${message}`) // it does, for iopub's noDrop
  })
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const notebook = process.env['JPY_SESSION_NAME']
  const info = readConnectionFile(connectionFile)
  const host = await Host.start(info, { log, journal: new Journal(journalFile(connectionFile)), ...(notebook ? { notebook } : {}), onEnd: () => {
    signal(descendants(process.pid), 'SIGKILL')
    process.exit(0)
  } })
  const end = (): void => void host.end()
  process.on('SIGTERM', end)
  process.on('SIGHUP', end)
  process.on('SIGINT', () => {}) // Ctrl-C in the terminal of JupyterLab reaches its kernels too; Stop comes as a message
  const parent = process.ppid
  if (process.env['JPY_PARENT_PID']) setInterval(() => { if (process.ppid !== parent) end() }, WATCH).unref()
  return host
}

/** Lines into a file, or onto stderr, where Jupyter's server shows them; there at most `LINES` in all. */
function writeLog(file: string | undefined): (text: string) => void {
  let lines = 0
  if (file) mkdirSync(dirname(file), { recursive: true })
  return (text) => {
    if (file) appendFileSync(file, `${new Date().toISOString()} ${text}\n`)
    else if (lines++ < LINES) process.stderr.write(`[afinar] ${text}\n`)
  }
}
