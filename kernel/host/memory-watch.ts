// Watches the session's memory against the machine's (or the container's) limit, and warns before the system ends it.
import { readFileSync } from 'node:fs'
import { freemem, totalmem } from 'node:os'

/** How often it looks, and how long it keeps quiet after a warning (ms). */
const INTERVAL = 2000, QUIET = 120_000
/** It warns when less than this part of the limit is left and the session holds at least that part of it. */
const LEFT = 0.06, HELD = 0.25

export interface MemoryFacts { /** Bytes that can still be had. */ available: number; /** Bytes there are. */ limit: number; /** Bytes of the session's resident memory. */ held: number }

/** What stands in the warning; undefined while there is room. */
export function memoryWarning({ available, limit, held }: MemoryFacts): string | undefined {
  if (available > LEFT * limit || held < HELD * limit) return undefined
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
  return `Memory is nearly used up: this session holds ${gigabytes(held)}, and of ${gigabytes(limit)} only ${gigabytes(available)} are left. `
    + 'Past that the system ends the session and its variables are lost. Use a smaller batch, let go of large arrays, dispose tensors (tf.tidy, tensor.dispose()), or restart the kernel.'
}

/** Calls `warn` at most every two minutes; ends with the returned function. */
export function watchMemory(pid: () => number | undefined, warn: (text: string) => void): () => void {
  let quietUntil = 0
  const timer = setInterval(() => {
    const session = pid(), now = performance.now()
    if (session === undefined || now < quietUntil) return
    const text = memoryWarning({ ...machine(), held: resident(session) })
    if (text === undefined) return
    quietUntil = now + QUIET
    warn(text)
  }, INTERVAL)
  timer.unref()
  return () => clearInterval(timer)
}

function resident(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1] ?? 0)
}

/** The container's limit where there is one (cgroup 2, then 1), the machine's otherwise. Page cache counts as available. */
function machine(): { available: number; limit: number } {
  const free = 1024 * Number(/^MemAvailable:\s+(\d+)/m.exec(text('/proc/meminfo'))?.[1] ?? freemem() / 1024)
  const [max, used, stat] = text('/sys/fs/cgroup/memory.max') ? ['memory.max', 'memory.current', 'memory.stat'] : ['memory/memory.limit_in_bytes', 'memory/memory.usage_in_bytes', 'memory/memory.stat']
  const limit = Number(text(`/sys/fs/cgroup/${max}`))
  if (!(limit > 0 && limit < totalmem())) return { available: free, limit: totalmem() }
  const cache = Number(/^(?:total_)?inactive_file (\d+)/m.exec(text(`/sys/fs/cgroup/${stat}`))?.[1] ?? 0)
  return { available: Math.min(free, limit - Number(text(`/sys/fs/cgroup/${used}`)) + cache), limit }
}

function text(file: string): string {
  try { return readFileSync(file, 'utf8') } catch { return '' }
}
