// How the two ways out of a session are brought into one order: before each message, a mark with its number goes down fd 1 and fd 2,
// where native code and child processes write by themselves. Here: what a mark looks like. Set by output.ts, read by in-order.ts.

/** Names the mark's key to the session. */
export const MARK_KEY = 'AFINAR_MARK'

const digits = 8
const edge = '\x1e'

/** @param key drawn for each session, so that nothing else looks like a mark */
export const markOf = (key: string, number: number): string => edge + key + number.toString(36).padStart(digits, '0') + edge

/** What every mark begins with, and its length in bytes. */
export const markStart = (key: string): string => edge + key
export const markLength = (key: string): number => key.length + digits + 2

export const numberOf = (mark: string): number => parseInt(mark.slice(-digits - 1, -1), 36)
