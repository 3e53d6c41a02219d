// The ladder of Stop, as the main thread sees it: the cell's signal is aborted; where nobody listens, or at a second Stop,
// its awaits reject; what does not end by that is ended here. A blocked main thread is terminated by stop-thread.ts.
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { abortEnded, Interrupted, running, type Cell } from './cell.js'
import { board, Slot, type FromStopThread, type ToStopThread } from './board.js'
import { clearAsyncScopes } from './async-scopes.js'
import { announced } from './debug/announced.js'
import { Atomics, setTimeout, URL } from './intrinsics.js'
import { controlDescriptor } from './start.js'

/** Time for `catch` and `finally` of a stopped cell, in milliseconds. */
const lastWords = 50

let thread: Worker
/** What was typed, in order; read synchronously by input.ts. */
export let typed: MessagePort

/** `recovered` is called after a termination, which may have cut short anything that was scheduled. */
export function startStopThread(recovered: () => void) {
  const { port1, port2 } = new MessageChannel()
  typed = port1
  typed.unref()
  thread = new Worker(new URL('./stop-thread.js', import.meta.url), {
    workerData: { memory: board.buffer, replies: port2, descriptor: controlDescriptor }, transferList: [port2], execArgv: [], stdin: false,
  })
  thread.on('message', (message: FromStopThread) => {
    if (message.type === 'announced') return announced(message.url)
    if (message.type !== 'terminated') Atomics.store(board, Slot.answered, message.serial)
    if (message.type === 'stop') stop(message.cell, message.again)
    else if (message.type === 'terminated') {
      clearAsyncScopes()
      const cell = running()
      if (cell?.id === message.cell) { cell.abort(); interrupt(cell, 0) }
      recovered()
    }
  })
  thread.on('error', () => {})
}

export const tellStopThread = (message: ToStopThread) => thread.postMessage(message)

function stop(id: number, again: boolean) {
  if (id === 0) return abortEnded()
  const cell = running()
  if (cell?.id !== id) return
  const listening = cell.listening
  try { cell.abort() } catch { /* a listener that throws has been asked all the same */ }
  if (!listening || again) interrupt(cell)
}

/** Rejects every await of the cell; afterwards the cell counts as ended, also when one of its promises never settles. */
function interrupt(cell: Cell, time = lastWords) {
  cell.interrupted = true
  Atomics.store(board, Slot.listening, 0)
  const waits = [...cell.waits]
  cell.waits.clear()
  for (const reject of waits) reject(new Interrupted())
  const { settle } = cell
  setTimeout(() => {
    if (!settle({ type: 'interrupted' })) setTimeout(() => { if (running() === cell && cell.settle === settle) cell.giveUp() }, lastWords)
  }, time)
}
