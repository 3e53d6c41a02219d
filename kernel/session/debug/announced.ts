// Cells that wait until their breakpoints are in place. Told apart from announce.ts, which needs the thread that stop.ts starts.
import { Map } from '../intrinsics.js'

const waiting = new Map<string, () => void>()

export function waitFor(url: string, then: () => void) { waiting.set(url, then) }

/** The thread's answer. */
export function announced(url: string) {
  const then = waiting.get(url)
  waiting.delete(url)
  then?.()
}
