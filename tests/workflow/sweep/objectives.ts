// Objectives of the tests, as a user's module would export them.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Params, TrialContext } from '../../../lib/workflow/index.js'

export type Small = { readonly x: { from: number; to: number }; readonly folder: readonly string[] }

/** Reports nine times; the better the trial, the better each report. */
export async function steps({ x }: Params<Small>, trial: TrialContext): Promise<number> {
  for (let epoch = 1; epoch <= 9; epoch++) if (!await trial.report(-((x - 0.3) ** 2) - 1 / epoch)) break
  return -((x - 0.3) ** 2)
}

/** Trial 2 takes its process with it the first time. */
export function diesOnce({ x, folder }: Params<Small>, trial: TrialContext): number {
  const flag = join(folder, 'died')
  if (trial.number === 2 && !existsSync(flag)) {
    writeFileSync(flag, '')
    process.kill(process.pid, 'SIGKILL')
  }
  return x
}

export function diesAlways({ x }: Params<Small>, trial: TrialContext): number {
  if (trial.number === 1) process.exit(3)
  return x
}

/** Leaves a mark, then takes long; trial 0 is quick. */
export async function slow({ x, folder }: Params<Small>, trial: TrialContext): Promise<number> {
  appendFileSync(join(folder, 'begun'), `${trial.number}\n`)
  if (trial.number > 0) await new Promise((resolve) => { setTimeout(resolve, 60_000).unref(); trial.signal.addEventListener('abort', resolve) })
  return x
}

/** Is under way for long the first time, and quick the second. */
export async function waitsOnce({ x, folder }: Params<Small>): Promise<number> {
  const flag = join(folder, 'waiting')
  if (!existsSync(flag)) {
    writeFileSync(flag, '')
    await new Promise((resolve) => { setTimeout(resolve, 300_000) })
  }
  return x
}

export function throws(): never { throw new Error('bad idea') }
