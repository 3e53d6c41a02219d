// The host's door: starts a kernel from a connection file, and ends it with whoever started it.
import { mkdirSync, appendFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { readConnectionFile } from '../wire/index.js'
import { Host } from './host.js'

export { Host } from './host.js'
export { kernelspec, writeKernelspec } from './kernelspec.js'

/** How often the host looks whether its parent still lives (ms). */
const WATCH = 300

/**
 * Starts the kernel that a connection file describes. The process ends after a shutdown_request, on SIGTERM, or when the parent
 * that Jupyter names in JPY_PARENT_PID dies. AFINAR_LOG names a file for what is refused or goes wrong.
 *
 * @throws when the connection file cannot be read or a port is taken
 */
export async function startHost(connectionFile: string): Promise<Host> {
  const logFile = process.env['AFINAR_LOG']
  const log = (text: string): void => {
    if (!logFile) return
    mkdirSync(dirname(logFile), { recursive: true })
    appendFileSync(logFile, `${new Date().toISOString()} ${text}\n`)
  }
  const host = await Host.start(readConnectionFile(connectionFile), { log, onEnd: () => process.exit(0) })
  const end = (): void => void host.end()
  process.on('SIGTERM', end)
  process.on('SIGHUP', end)
  process.on('SIGINT', () => {}) // Ctrl-C in the terminal of JupyterLab reaches its kernels too; Stop comes as a message
  const parent = Number(process.env['JPY_PARENT_PID'])
  if (parent > 1) {
    setInterval(() => {
      try { process.kill(parent, 0) } catch { end() }
      if (process.ppid === 1 && parent !== 1) end()
    }, WATCH).unref()
  }
  return host
}
