// A few numbers that the main thread and the stop thread both see, also while the main thread is blocked. No logic here.
import type { Announced } from './debug/announce.js'
import type { DebugMessage } from './messages.js'

export const Slot = {
  /** Id of the running cell; 0 between cells. */
  running: 0,
  /** How many listeners the running cell's signal has. */
  listening: 1,
  /** The last question of the stop thread that the main thread answered: shows that it is not blocked. */
  answered: 2,
  /** Id of the cell that is being terminated; 0 when that has taken effect. */
  terminating: 3,
  /** While a cell waits for typed input: 1 waiting, 2 answered, 3 stopped. */
  input: 4,
  /** 1 while a debugger is attached: cells are announced to it, and wait until their breakpoints are in place. */
  debugging: 5,
} as const

export const board = new Int32Array(new SharedArrayBuffer(32))

/** Main thread → stop thread. */
export type ToStopThread = { type: 'interrupt'; cell: number } | { type: 'ask'; request: object } | { type: 'input-reply'; value: string } | { type: 'source'; source: Announced } | DebugMessage
/** Stop thread → main thread. */
export type FromStopThread = { type: 'stop'; cell: number; again: boolean; serial: number } | { type: 'ping'; serial: number } | { type: 'terminated'; cell: number } | { type: 'announced'; url: string }
