// The main thread's part in debugging: the other thread is told of each cell before it runs, so that its breakpoints are in place.
// Not here: the debugger itself, which lives on the thread that hears Stop (adapter.ts).
import type { TranspileOptions } from '../../language/transpile.js'
import { board, Slot } from '../board.js'
import { Atomics } from '../intrinsics.js'
import { tellStopThread } from '../stop.js'
import { waitFor } from './announced.js'

/** A cell that ran or is about to, as it was written, and how it was transpiled. */
export interface Announced { url: string; label: string; text: string; options: TranspileOptions }

/** More text than that is nothing that a person steps through (UTF-16 units). */
const longest = 1_000_000

/** Tells of a cell; `then` is called when its breakpoints are in place: at once, where nobody debugs. */
export function announce(source: Announced, then: () => void) {
  if (source.text.length > longest) return then()
  const debugging = Atomics.load(board, Slot.debugging) !== 0
  if (debugging) waitFor(source.url, then)
  tellStopThread({ type: 'source', source })
  if (!debugging) then()
}
