// A kernel as a child process: free ports, its connection file, its end. Not here: what is said to it (client.ts).
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionInfo } from '../../wire/index.js'
import { KernelClient } from './client.js'
import type { Kernelspec } from './kernelspec.js'

const START_LIMIT = 60_000
const SHUTDOWN_LIMIT = 2000

export class Kernel {
  #ended = false
  #complaints = ''
  readonly #exit: Promise<void>

  private constructor(readonly client: KernelClient, readonly info: Record<string, unknown>, private readonly spec: Kernelspec, private readonly child: ChildProcess, private readonly folder: string) {
    this.#exit = new Promise(resolve => child.once('exit', () => resolve()))
  }

  /** Starts a kernel in `cwd` and waits until it answers. */
  static async start(spec: Kernelspec, cwd: string): Promise<Kernel> {
    const folder = mkdtempSync(join(tmpdir(), 'afinar-run-'))
    const ports = await freePorts(5)
    const [shell_port = 0, iopub_port = 0, stdin_port = 0, control_port = 0, hb_port = 0] = ports
    const connection: ConnectionInfo = { transport: 'tcp', ip: '127.0.0.1', shell_port, iopub_port, stdin_port, control_port, hb_port, key: randomBytes(24).toString('hex'), signature_scheme: 'hmac-sha256' }
    const file = join(folder, 'connection.json')
    writeFileSync(file, JSON.stringify({ ...connection, kernel_name: spec.name }), { mode: 0o600 })
    const [command = '', ...args] = spec.argv.map(each => each.replaceAll('{connection_file}', file))
    // Its own process group: Ctrl-C in the terminal is ours to pass on, and the end reaches the kernel's own children.
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], detached: process.platform !== 'win32', env: { ...process.env, ...spec.env, JPY_PARENT_PID: String(process.pid) } })
    const client = new KernelClient(connection)
    let complaints = ''
    child.stderr?.on('data', (chunk: Buffer) => { complaints = (complaints + chunk.toString()).slice(-4000) })
    const died = (how: string): void => client.fail(new Error(`Cannot go on: the kernel ${spec.name} ended ${how}.${complaints.trim() === '' ? '' : `\n${complaints.trim()}`}`))
    child.once('error', error => died(`before it began (${error.message})`))
    child.once('exit', (code, signal) => died(signal === null ? `with exit code ${code}` : `by ${signal}`))
    const killed = (): void => kill(child, 'SIGKILL')
    process.once('exit', killed)
    child.once('exit', () => process.off('exit', killed))
    try {
      return new Kernel(client, await client.ready(START_LIMIT), spec, child, folder)
    } catch (error) {
      client.close()
      kill(child, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Stops the running cell; variables stay. */
  async interrupt(): Promise<void> {
    if (this.spec.interruptMode === 'message') await this.client.interrupt()
    else kill(this.child, 'SIGINT')
  }

  /** Ends the kernel now, whatever it does. */
  kill(): void { kill(this.child, 'SIGKILL') }

  /** Asks the kernel to end, and ends it when it does not. */
  async stop(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await this.client.shutdown().catch(() => {})
      const timer = setTimeout(() => kill(this.child, 'SIGKILL'), SHUTDOWN_LIMIT)
      await this.#exit
      clearTimeout(timer)
    }
    // What the kernel left running in its group ends with it.
    kill(this.child, 'SIGKILL')
    this.client.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch { /* it is gone */ }
}

/** Ports that are free now, found by the system. Held until all are known, so that none comes twice. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => resolve(server))
  })))
  const ports = servers.map(server => (server.address() as { port: number }).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}
