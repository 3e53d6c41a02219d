// What a sweep and the process of a trial say to each other.
import type { Value } from './space.js'

export interface RunMessage { type: 'run'; module: string; name: string; number: number; seed: number; params: Readonly<Record<string, Value>> }
export type ToWorker = RunMessage | { type: 'report'; on: boolean } | { type: 'stop' }
export type FromWorker = { type: 'report'; value: number } | { type: 'value'; value: number | null } | { type: 'failed'; reason: string }

/** Begins every line that is meant for the sweep. */
export const mark = 'afinar-sweep '
