// Where a worker runs: its port, its share of the cores, its GPU.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** Ports that are free now on every interface, where TensorFlow's server will listen. All are held until all are known. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '0.0.0.0', () => resolve(server))
  })))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** The cores that this process may use, by number; empty where the system does not say (not Linux, or no taskset). */
export function usableCores(): number[] {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' })
    const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!
    return list.split(',').flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number) as [number, number?]
      return Array.from({ length: last! - first + 1 }, (_, i) => first + i)
    })
  } catch { return [] }
}

/** Each worker's cores, neighbours together; undefined where there are fewer cores than workers. */
export function shareCores(cores: readonly number[], workers: number): number[][] | undefined {
  if (cores.length < workers) return undefined
  const bound = (worker: number) => Math.floor(worker * cores.length / workers)
  return Array.from({ length: workers }, (_, worker) => cores.slice(bound(worker), bound(worker + 1)))
}

/** NVIDIA GPUs of this machine. */
export function gpuCount(): number {
  try { return readdirSync('/proc/driver/nvidia/gpus').length } catch { return 0 }
}
