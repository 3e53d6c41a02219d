// The record of one running cell and which cell a piece of code belongs to. Not here: how a cell runs (execute.ts) or stops (stop.ts).
import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { AbortController, Atomics, Object, Set, Symbol } from './intrinsics.js'
import { board, Slot } from './board.js'

/** How a piece of a cell's work ended. */
export type Outcome = { type: 'value'; value: unknown } | { type: 'thrown'; error: unknown } | { type: 'interrupted' }

/** What the `await`s of a stopped cell reject with. */
export class Interrupted extends Error {
  override name = 'Interrupted'
  constructor() { super('The cell was stopped. Its variables are kept.') }
}

export class Cell {
  /** Set by Stop: no await of this cell continues from here on. */
  interrupted = false
  /** The last expression's value. */
  result: unknown = undefined
  /** Rejects the awaits in progress. */
  readonly waits = new Set<(error: unknown) => void>()
  /** Ends the step in progress, if there is one: calling it again does nothing. Answers whether it was in progress. */
  settle: (outcome: Outcome) => boolean = () => false
  /** Ends the cell where a termination hit between two steps. */
  giveUp: () => void = () => {}
  #controller: AbortController | undefined

  constructor(readonly id: number, readonly count: number, readonly silent = false, readonly allowStdin = false) {}

  /** Aborted by Stop. Whoever listens to it is left to end by itself. */
  get signal(): AbortSignal {
    this.#controller ??= watched(new AbortController(), this)
    signalled.add(this)
    return this.#controller.signal
  }

  abort() {
    (this.#controller ??= new AbortController()).abort(new Interrupted())
  }

  /** Node 20 hangs the cell on every promise, where inspect would show it. */
  [Symbol.for('nodejs.util.inspect.custom')]() { return `Cell ${this.id}` }

  get listening(): boolean { return this.#controller !== undefined && isHeard(this.#controller.signal) }
}

function isHeard(signal: AbortSignal): boolean {
  if (getEventListeners(signal, 'abort').length > 0) return true
  // AbortSignal.any() follows its sources without adding listeners
  const dependants = Object.getOwnPropertySymbols(signal).find(symbol => symbol.description === 'kDependantSignals')
  return dependants !== undefined && ((signal as never)[dependants] as Set<unknown>).size > 0
}

/** Cells whose signal was asked for, as long as somebody listens to it. */
const signalled = new Set<Cell>()

/** Stop where no cell runs: what ended cells have left going (a training, a server) is asked to end. */
export function abortEnded() {
  for (const cell of [...signalled]) {
    if (cell === current) continue
    signalled.delete(cell)
    try { if (cell.listening) cell.abort() } catch { /* a listener that throws has been asked all the same */ }
  }
}

/** The thread that watches Stop cannot see this thread's objects: it reads from the board whether somebody listens. */
function watched(controller: AbortController, cell: Cell): AbortController {
  const { signal } = controller
  for (const method of ['addEventListener', 'removeEventListener'] as const) {
    const original = signal[method].bind(signal) as (...args: unknown[]) => void
    Object.defineProperty(signal, method, { configurable: true, value(...args: unknown[]) {
      original(...args)
      if (running() === cell) Atomics.store(board, Slot.listening, getEventListeners(signal, 'abort').length)
    } })
  }
  return controller
}

/** Follows a cell into its timers, promises and callbacks. */
export const scope = new AsyncLocalStorage<Cell>()

let current: Cell | undefined
let latest = new Cell(0, 0)

export const running = () => current

export function setRunning(cell: Cell | undefined) {
  current = cell
  if (cell) latest = cell
  for (const ended of signalled) if (ended !== cell && !ended.listening) signalled.delete(ended)
  Atomics.store(board, Slot.listening, 0)
  Atomics.store(board, Slot.running, cell?.id ?? 0)
}

/** The cell that caused the code that is running now. */
export const cause = (): Cell => scope.getStore() ?? current ?? latest
