// Checkpoints of a run: when they are due, what is in them, and going on from one to the same weights as without the interruption.
import * as tf from '@tensorflow/tfjs'
import type { Dataset } from '../../data/index.js'
import type { Model } from '../../models/index.js'
import { freshEpoch, type EpochSoFar } from '../epoch.js'
import { shown, TrainError } from '../errors.js'
import type { CheckpointOptions, TrainOptions } from '../options.js'
import type { OpenPhase } from '../phase.js'
import type { PhasePlan, Plan } from '../plan.js'
import { concat } from '../concat.js'
import type { EventStream } from '../stream.js'
import type { Team } from '../team.js'
import { cloneWeights, type Weights } from '../weights.js'
import { pruneCheckpoints, readCheckpoint, sweepPartial, writeCheckpoint, type ReadCheckpoint } from './files.js'
import { checkSame, identityOf, type Identity, type Progress } from './progress.js'

export { listCheckpoints, peekCheckpoint } from './files.js'
export { identityOf } from './progress.js'

/** What a run goes on from. The model has its weights already. */
export interface Resumed {
  progress: Progress
  soFar: EpochSoFar
  best: Weights
  /** Copies that the receiver owns. */
  slots(phase: PhasePlan): Record<string, tf.Tensor>
  /** Checkpoints that could not be read. */
  damaged: readonly string[]
  dispose(): void
}

export class Checkpointer {
  readonly resumed: Resumed | undefined
  readonly #model: Model
  readonly #options: CheckpointOptions | undefined
  readonly #identity: Identity
  readonly #stream: EventStream
  #failed = false
  #damaged: readonly string[]
  #writing: Promise<void> = Promise.resolve()

  private constructor(model: Model, identity: Identity, options: CheckpointOptions | undefined, stream: EventStream, resumed: Resumed | undefined) {
    this.#model = model
    this.#identity = identity
    this.#options = options
    this.#stream = stream
    this.resumed = resumed
    this.#damaged = resumed?.damaged ?? []
  }

  /** Reads the checkpoint to resume from, where there is one, and puts its weights into the model. */
  static async open(model: Model, data: Dataset<any>, plan: Plan, { checkpoints, resume: path }: TrainOptions, stream: EventStream, team: Team): Promise<Checkpointer> {
    const { options, resume } = await team.fromFirst(async () => ({ options: typeof checkpoints === 'string' ? { folder: checkpoints } : checkpoints, resume: path }))
    const identity = identityOf(model, data, plan), folder = options?.folder ?? resume
    if (team.first && typeof folder === 'string') await sweepPartial(folder)
    const resumed = resume === undefined ? undefined : await load(resume, model, identity, stream, team)
    return new Checkpointer(model, identity, options ?? (resume === undefined ? undefined : { folder: resume }), stream, resumed)
  }

  get wanted(): boolean { return this.#options !== undefined }

  due(step: number): boolean { return this.#options?.everySteps !== undefined && step % this.#options.everySteps === 0 }

  /** Never throws: a full disk must not cost the training. */
  async save(progress: Progress, phase: OpenPhase, best: Weights, soFar: EpochSoFar): Promise<void> {
    if (!this.#options) return
    const { folder, keep = 2 } = this.#options, model = this.#model
    const weights = model.weights(), slots = phase.step.slots()
    const names = new Map(Object.entries(weights).map(([name, variable]) => [variable.name, name]))
    const partial = soFar.labels.length > 0 ? { 'partial/logits': tf.tensor1d(concat(soFar.logits)), 'partial/labels': tf.tensor1d(concat(soFar.labels), soFar.labels[0] instanceof Int32Array ? 'int32' : 'float32'), 'partial/width': tf.scalar(soFar.width, 'int32') } : {}
    const tensors: Record<string, tf.Tensor> = {
      ...prefixed('weight', weights), ...prefixed('best', best), ...partial,
      ...Object.fromEntries(Object.entries(slots).map(([key, value]) => [`slot/${stableKey(key, names)}`, value])),
    }
    try {
      const events = this.#stream.events.filter(({ type }) => type !== 'step' && type !== 'checkpoint')
      const path = await writeCheckpoint(folder, { format: 2, identity: this.#identity, progress: structuredClone(progress), events: [...events] }, tensors)
      this.#stream.emit({ type: 'checkpoint', time: Date.now(), epoch: progress.epoch, step: progress.step, path })
      const damaged = this.#damaged
      this.#damaged = []
      this.#writing = this.#writing.then(() => pruneCheckpoints(folder, keep, damaged)).catch(() => {})
    } catch (error) {
      if (!this.#failed) this.#stream.emit({ type: 'note', time: Date.now(), level: 'warning', text: (error as Error).message })
      this.#failed = true
    } finally {
      tf.dispose(slots)
      tf.dispose(partial)
    }
  }

  /** Resolves when nothing is being written any more. */
  settled(): Promise<void> { return this.#writing }
}

const prefixed = (prefix: string, tensors: Record<string, tf.Tensor>) => Object.fromEntries(Object.entries(tensors).map(([name, value]) => [`${prefix}/${name}`, value]))

/** 'dense_3/kernel/m' → 'head.weight/m': variables are numbered anew in each process, weights keep their names. */
function stableKey(key: string, names: ReadonlyMap<string, string>): string {
  const at = key.lastIndexOf('/'), name = names.get(key.slice(0, at))
  return name === undefined ? key : `${name}${key.slice(at)}`
}

async function load(path: string, model: Model, identity: Identity, stream: EventStream, team: Team): Promise<Resumed> {
  if (typeof path !== 'string') throw new TrainError(`Cannot resume from ${shown(path)}: give the folder that the run wrote its checkpoints to.`)
  const damaged: string[] = []
  const read = await readTogether(team, () => readCheckpoint(path, (text, which) => { damaged.push(which); stream.emit({ type: 'note', time: Date.now(), level: 'warning', text }) }))
  const { record, tensors } = read
  try { checkSame(record.identity, identity, read.path) } catch (error) { tf.dispose(tensors); throw error }
  const under = (prefix: string) => Object.fromEntries(Object.entries(tensors).filter(([name]) => name.startsWith(`${prefix}/`)).map(([name, value]) => [name.slice(prefix.length + 1), value]))
  model.setWeights(under('weight'))
  for (const event of record.events) if (event.type !== 'start' && event.type !== 'end') stream.emit(event)
  stream.emit({ type: 'note', time: Date.now(), level: 'info', text: `Resumed from ${read.path}: ${record.progress.epoch} epochs and ${record.progress.step} steps are done.` })
  return { damaged, progress: record.progress, soFar: soFarOf(read), best: cloneWeights(under('best')), slots: () => slotsFor(model, under('slot')), dispose: () => { tf.dispose(tensors) } }
}

/** The first worker reads, the others get it from there: a checkpoint need not be on a disk that all see. */
async function readTogether(team: Team, read: () => Promise<ReadCheckpoint>): Promise<ReadCheckpoint> {
  if (!team.workers) return read()
  let mine: ReadCheckpoint | undefined
  const { path, record, specs } = await team.fromFirst(async () => {
    mine = await read()
    return { path: mine.path, record: mine.record, specs: Object.entries(mine.tensors).map(([name, { shape, dtype, size }]) => ({ name, shape, dtype, size })) }
  })
  const tensors: Record<string, tf.Tensor> = {}
  for (const { name, shape, dtype, size } of specs) {
    const values = await team.sameValues(mine ? Float32Array.from(mine.tensors[name]!.dataSync()) : new Float32Array(size))
    // What an unfinished epoch has predicted is everybody's already, and counted once.
    if (team.first || !name.startsWith('partial/')) tensors[name] = dtype === 'int32' ? tf.tensor(Int32Array.from(values), shape, 'int32') : tf.tensor(values, shape)
  }
  if (mine) tf.dispose(mine.tensors)
  return { path, record, tensors }
}

function slotsFor(model: Model, stored: Record<string, tf.Tensor>): Record<string, tf.Tensor> {
  const weights = model.weights()
  return Object.fromEntries(Object.entries(stored).map(([key, value]) => {
    const at = key.lastIndexOf('/'), variable = weights[key.slice(0, at)]
    return [variable ? `${variable.name}${key.slice(at)}` : key, value]
  }))
}

function soFarOf({ record: { progress }, tensors }: ReadCheckpoint): EpochSoFar {
  const logits = tensors['partial/logits'], labels = tensors['partial/labels']
  if (!logits || !labels) return { ...freshEpoch(), steps: progress.stepsOfEpoch, rows: progress.rows, lossSum: progress.lossSum }
  return { steps: progress.stepsOfEpoch, rows: progress.rows, lossSum: progress.lossSum, logits: [logits.dataSync().slice() as Float32Array], labels: [labels.dataSync().slice() as Int32Array], width: tensors['partial/width']!.dataSync()[0]! }
}
