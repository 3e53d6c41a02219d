// A thread that hears Stop while the main thread is blocked, and terminates the cell that blocks it. It decides when to terminate;
// what a stopped cell then reports is stop.ts. The debugger (debug/) lives here too, as a paused main thread is a blocked one.
import inspector from 'node:inspector'
import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { Slot, type FromStopThread, type ToStopThread } from './board.js'
import { Debugging } from './debug/index.js'
import type { SessionMessage } from './messages.js'

const { memory, replies, descriptor } = workerData as { memory: SharedArrayBuffer; replies: MessagePort; descriptor: number }
const board = new Int32Array(memory)
const main = new inspector.Session()
main.connectToMainThread()
const tell = (message: FromStopThread) => parentPort?.postMessage(message)

/** An idle main thread answers within a millisecond; a busy machine may take some tens. */
const patience = 50
/** Who listens to the signal may be in the middle of a long native call, a training step for instance. */
const listenersPatience = 1000

let serial = 0
let stopped = 0
const runs = (cell: number) => Atomics.load(board, Slot.running) === cell
const answered = (question: number) => Atomics.load(board, Slot.answered) >= question

function stop(cell: number) {
  if (cell === 0) return tell({ type: 'stop', cell, again: false, serial: ++serial }) // no cell: there is nothing to terminate
  if (!runs(cell)) return
  const again = stopped === cell
  stopped = cell
  if (Atomics.compareExchange(board, Slot.input, 1, 3) === 1) Atomics.notify(board, Slot.input)
  const listened = Atomics.load(board, Slot.listening) > 0
  const question = ++serial
  tell({ type: 'stop', cell, again, serial: question })
  setTimeout(() => {
    if (!answered(question)) terminate(cell)
    else if (again || !listened) setTimeout(watch, patience, cell)
  }, listened && !again ? listenersPatience : patience)
}

/** A stopped cell may still block in a `finally` or a timer. */
function watch(cell: number) {
  if (!runs(cell)) return
  const question = ++serial
    tell({ type: 'ping', serial: question })
  setTimeout(() => { if (answered(question)) setTimeout(watch, patience, cell); else terminate(cell) }, patience)
}

function terminate(cell: number) {
  // announced first, checked second: the main thread starts no other cell while one is being terminated
  Atomics.store(board, Slot.terminating, cell)
  if (!runs(cell)) { Atomics.store(board, Slot.terminating, 0); return }
  main.post('Runtime.terminateExecution', (error: Error | null) => {
    if (error) return // an earlier request is still under way
    Atomics.store(board, Slot.terminating, 0)
    tell({ type: 'terminated', cell })
  })
  setTimeout(watch, patience, cell)
}

const tellHost = (message: SessionMessage) => control?.write(JSON.stringify(message) + '\n')

const debugging = new Debugging({
  onResponse: response => tellHost({ type: 'debug-response', response }),
  onEvent: event => tellHost({ type: 'debug-event', event }),
  onAttached: is => Atomics.store(board, Slot.debugging, is ? 1 : 0),
  onReady: url => tell({ type: 'announced', url }),
})

function receive(message: ToStopThread) {
  if (message.type === 'interrupt') {
    if (debugging.isPaused) {
      if (message.cell !== 0 && runs(message.cell)) terminate(message.cell) // takes effect when the cell goes on
      void debugging.letGo()
    }
    stop(message.cell)
  } else if (message.type === 'source') void debugging.announce(message.source)
  else if (message.type === 'debug') void debugging.request(message.request)
  else if (message.type === 'input-reply') {
    replies.postMessage(message.value)
    if (Atomics.compareExchange(board, Slot.input, 1, 2) === 1) Atomics.notify(board, Slot.input)
  } else control?.write(JSON.stringify(message.request) + '\n')
}

function openControl(): Socket | undefined {
  try { fstatSync(descriptor) } catch { return undefined }
  const socket = new Socket({ fd: descriptor, readable: true, writable: true })
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) receive(JSON.parse(line) as ToStopThread)
  })
  socket.on('error', () => {})
  // the host has gone: the main thread ends by itself, unless it is blocked
  socket.on('close', () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), 500))
  return socket
}

const control = openControl()
parentPort?.on('message', receive)
