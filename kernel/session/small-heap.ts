// Keeps a small heap small: V8 looks for garbage only when a heap has grown several times over, so that hundreds of cells would
// cost far more memory than they hold. The host and the session both count their cells here. Nothing else.
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Cells between two collections; one takes some 10 ms of a small heap. */
const EVERY = 50
/** From here on a collection would be felt, and V8 looks often enough by itself (bytes in use). */
const LARGE = 64 << 20

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
setFlagsFromString('--no-expose-gc') // contexts that cells make are as they are without us

let cells = 0

/** To be called when a cell has been answered. */
export function cellEnded() {
  if (++cells % EVERY === 0 && getHeapStatistics().used_heap_size < LARGE) collect()
}
