// What a worker of the tests runs: `train.js FOLDER JSON` trains on stripes and writes what it saw to FOLDER/worker-RANK.json.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startEngine } from '../../../lib/engine/index.js'
import type { TrainEvent, TrainOptions } from '../../../lib/train/index.js'
import { fineTune } from '../../../lib/workflow/index.js'
import { stripes, tinyModel, valuesOf } from '../../workflow/support/stripes.js'

/** What a test asks of the workers; `at` counts steps. */
export interface Task { options?: TrainOptions; rows?: number; /** The worker that is meant. */ worker?: number; killAt?: number; stopAt?: number; saveTo?: string; otherSeed?: boolean; slow?: number }
export interface Seen { rank: number; reason?: string; failure?: string; failedAfter?: number; losses: number[]; norms: number[]; history: unknown; weights: Record<string, number[]>; notes: string[]; checkpoints: number }

/** A network with batch normalization and dropout, AdamW and clipping: 56 steps of 16 rows, the last of each epoch not full. */
export const options: TrainOptions = { epochs: 8, frozenEpochs: 0, batchSize: 16, learningRate: 1e-2, batchNorm: 'updating', clipNorm: 0.5, restoreBest: false, patience: false, seed: 3 }
export const data = () => stripes({ train: 104, validation: 33 })

export async function train(task: Task, rank = 0): Promise<Seen> {
  const mine = task.worker === rank, model = tinyModel({ seed: task.otherSeed && mine ? 9 : 0 })
  const run = fineTune(model, task.rows && mine ? stripes({ train: task.rows, validation: 33 }) : data(), { live: false, ...options, ...task.options })
  let last = performance.now()
  const seen = (extra: Partial<Seen>): Seen => {
    const of = <T extends TrainEvent['type']>(type: T) => run.events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type)
    return {
      rank, losses: of('step').map(({ loss }) => loss), norms: of('step').map(({ gradNorm }) => gradNorm), history: of('epoch').map(({ epoch, train, validation, best }) => ({ epoch, train, validation, best })),
      weights: valuesOf(model), notes: of('note').map(({ text }) => text), checkpoints: of('checkpoint').length, ...extra,
    }
  }
  try {
    for await (const event of run) {
      if (event.type !== 'step') continue
      last = performance.now()
      if (task.slow) console.log(`step ${event.step}`)
      if (mine && event.step === task.killAt) process.kill(process.pid, 'SIGKILL')
      if (mine && event.step === task.stopAt) run.stop()
      if (task.slow) await new Promise((resolve) => { setTimeout(resolve, task.slow) })
    }
    const result = await run
    if (task.saveTo) await result.save(join(task.saveTo, String(rank)))
    return seen({ reason: result.reason })
  } catch (error) {
    return seen({ failure: (error as Error).message, failedAfter: (performance.now() - last) / 1000 })
  }
}

if (process.argv[1]?.endsWith('cluster/support/train.js')) {
  const [folder = '', task = '{}'] = process.argv.slice(2)
  const rank = startEngine().workers?.rank ?? 0
  const seen = await train(JSON.parse(task) as Task, rank)
  writeFileSync(join(folder, `worker-${rank}.json`), JSON.stringify(seen))
  if (seen.failure) { console.error(seen.failure); process.exitCode = 1 }
}
