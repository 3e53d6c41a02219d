// Trials in this process, one after the other: for objectives that are closures.
import { contextOf, type Objective } from './objective.js'
import type { Place } from './places.js'

export function here(objective: Objective<never>): Place {
  return {
    width: 1,
    async run({ number, seed, params, report, signal }) {
      try {
        return { value: Number(await objective(params as never, contextOf(number, seed, signal, report))) }
      } catch (error) {
        return { failed: error instanceof Error ? error.message : String(error) }
      }
    },
    close: () => Promise.resolve(),
  }
}
