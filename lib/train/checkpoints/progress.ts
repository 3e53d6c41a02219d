// Where a run stands, as plain JSON: with the tensors of a checkpoint it is all that going on needs. Types and their check only.
import { createHash } from 'node:crypto'
import type { Dataset } from '../../data/index.js'
import type { Model } from '../../models/index.js'
import { TrainError } from '../errors.js'
import type { TrainEvent } from '../events.js'
import type { HealthState } from '../health.js'
import type { EpochRecord } from '../history.js'
import type { Plan } from '../plan.js'

export interface Progress {
  /** Number of the phase that goes on, and its finished epochs. */
  phase: number
  phaseEpochs: number
  /** Finished epochs and steps of the whole run; steps of the unfinished epoch. */
  epoch: number
  step: number
  stepsOfEpoch: number
  /** Of the unfinished epoch. */
  lossSum: number
  rows: number
  waited: number
  /** In how many parts a step takes its rows, where memory made them more than asked for. */
  parts?: number
  /** What the rates are multiplied by, where somebody lowered them. */
  rateFactor?: number
  /** One a finished epoch of this phase, for reduce-on-plateau. */
  losses: number[]
  history: EpochRecord[]
  best?: { epoch: number; value: number; loss: number }
  health: HealthState
}

/** What must be the same for a run to go on: anything else would give other weights than an uninterrupted run. */
export interface Identity {
  model: string
  data: string
  /** Whether the model had been trained before the run began, which decides some defaults. */
  trained: boolean
  learningRate: number
  batchSize: number
  /** Digests by what they are of. */
  parts: Record<string, string>
}

export interface CheckpointRecord { format: 2; identity: Identity; progress: Progress; /** All but the steps. */ events: TrainEvent[]; /** SHA-256 of the tensors' file. */ sha256: string }

const digest = (value: string | Uint8Array) => createHash('sha256').update(value).digest('hex').slice(0, 16)

export function identityOf(model: Model, data: Dataset<any>, plan: Plan): Identity {
  const { defaults: _, schedule, code, ...rest } = plan
  const parts: Record<string, string> = {
    'the model': JSON.stringify([model.family, model.classes, model.groups().map(({ name, variables }) => [name, variables.map(({ shape }) => shape)])]),
    'the preprocessing': JSON.stringify(model.preprocessing),
    'the training rows': digest(Buffer.from(Int32Array.from(data.train.labels).buffer)) + data.train.size + firstKeys(data.train.rows),
    'the validation rows': data.validation ? data.validation.size + firstKeys(data.validation.rows) : 'none',
    'the batch size': String(plan.batchSize),
    'the learning rate and the phases': JSON.stringify(plan.phases),
    'the schedule': schedule.name,
    'the seed': String(plan.seed),
    'the loss or the weights of rows': code,
    'the other options': JSON.stringify(rest),
  }
  return { model: model.source, data: data.name, trained: plan.trained, learningRate: plan.learningRate, batchSize: plan.batchSize, parts: Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, digest(value)])) }
}

const firstKeys = (rows: readonly object[]) => digest(rows.map((row) => JSON.stringify(row)).join('\n'))

/** @throws TrainError naming what differs */
export function checkSame(saved: Identity, now: Identity, folder: string): void {
  const different = Object.keys(now.parts).filter((name) => saved.parts[name] !== now.parts[name])
  if (different.length > 0) throw new TrainError(`Cannot resume from ${folder}: ${different.slice(0, -1).length > 0 ? `${different.slice(0, -1).join(', ')} and ` : ''}${different.at(-1)} ${different.length > 1 || /^the (training rows|validation rows|other options)$/.test(different[0]!) ? 'are not what they were' : 'is not what it was'}, so the run could not end in the same weights. Use the same data and options, or start a new run (fineTune without resume) from the saved model.`)
}
