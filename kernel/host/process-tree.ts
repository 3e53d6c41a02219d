// A process and all its descendants, and signals to them. Used when a session must stop or go.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Process ids of the descendants of `pid`, nearest first. */
export function descendants(pid: number): number[] {
  const parents = parentOfEach()
  const found: number[] = []
  for (let generation = [pid]; generation.length > 0;) {
    generation = [...parents].filter(([, parent]) => generation.includes(parent)).map(([child]) => child)
    found.push(...generation)
  }
  return found
}

/** Sends a signal to each process that is still there. */
export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch { /* gone already */ }
  }
}

function parentOfEach(): Map<number, number> {
  try {
    return new Map(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
      try { // "pid (name) state ppid …": the name may hold anything, so read behind its last parenthesis
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])] as const]
      } catch {
        return []
      }
    }))
  } catch {
    try {
      const lines = process.platform === 'win32' ? '' : execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' })
      return new Map(lines.trim().split('\n').filter(Boolean).map((line) => line.trim().split(/\s+/).map(Number) as [number, number]))
    } catch {
      return new Map()
    }
  }
}
