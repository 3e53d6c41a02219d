// A run's workers: who it shares its steps with, and what they must agree on. Alone, every answer is this process's own.
import * as tf from '@tensorflow/tfjs'
import type { Split } from '../data/index.js'
import { currentEngine, type Workers } from '../engine/index.js'
import type { Model } from '../models/index.js'
import type { Identity } from './checkpoints/progress.js'
import type { EpochSoFar } from './epoch.js'
import { TrainError } from './errors.js'
import { concat } from './concat.js'
import type { Predictions } from './objective.js'

/** What may be asked of a run from outside while it goes on. */
export interface Wishes { stopping: boolean; /** The rates of all further steps are multiplied by it. */ rateFactor?: number }

export const workersOfProcess = (): Workers | undefined => currentEngine()?.workers

export class Team {
  /** As all know it: a wish of one worker holds from the step after the one that carried it. */
  #stopping = false
  #rateFactor: number

  constructor(readonly wishes: Wishes, readonly workers: Workers | undefined = workersOfProcess()) { this.#rateFactor = wishes.rateFactor ?? 1 }

  /** Whether this process writes: checkpoints, saved models, the live view. */
  get first(): boolean { return !this.workers || this.workers.rank === 0 }
  get size(): number { return this.workers?.size ?? 1 }
  get stopping(): boolean { return this.workers ? this.#stopping : this.wishes.stopping }
  get rateFactor(): number { return this.workers ? this.#rateFactor : this.wishes.rateFactor ?? 1 }
  /** This worker's part of every batch. */
  get share(): { index: number; of: number } | undefined { return this.workers && { index: this.workers.rank, of: this.workers.size } }

  /** What travels with every step. */
  get signals(): readonly [number, number] { return [Number(this.wishes.stopping), this.first ? this.wishes.rateFactor ?? 1 : 0] }

  hear([stops, rateFactor]: readonly [number, number]): void {
    if (stops > 0) this.#stopping = true
    this.#rateFactor = rateFactor
  }

  /** A resumed run's rates are those it had. */
  goOnAt(rateFactor: number): void {
    this.wishes.rateFactor = rateFactor
    this.#rateFactor = rateFactor
  }

  /** Between steps: whether anybody wants to stop. */
  async agree(): Promise<void> {
    if (this.workers && (await this.workers.sum(Float32Array.of(Number(this.wishes.stopping))))[0]! > 0) this.#stopping = true
  }

  /** Waits for all, and makes sure that they are about to do the same. */
  async meet(identity: Identity, batchSize: number, onWait: (text: string) => void): Promise<void> {
    const { workers } = this
    if (!workers) return
    await workers.ready(onWait)
    const names = Object.keys(identity.parts), theirs = await workers.share(identity)
    const unlike = (await workers.gather(Float32Array.from(names, (name) => Number(theirs.parts[name] !== identity.parts[name])))).flatMap((differs, rank) => {
      const parts = names.filter((_, i) => differs[i])
      return parts.length ? [`${parts.join(', ')} of ${workers.nameOf(rank)}`] : []
    })
    if (unlike.length > 0) throw new TrainError(`Cannot fine-tune together: ${unlike.join('; ')} ${unlike.length > 1 ? 'are' : 'is'} not what worker 0 has. Run the same program with the same data on every worker.`)
    if (batchSize % workers.size !== 0) throw new TrainError(`Cannot fine-tune with batchSize ${batchSize} on ${workers.size} workers: each takes as many rows of a step as the others. Use batchSize: ${workers.size * Math.max(1, Math.round(batchSize / workers.size))}.`)
  }

  /** The first worker's value, on all; its failure too. */
  async fromFirst<T>(make: () => Promise<T>): Promise<T> {
    const { workers } = this
    if (!workers) return make()
    await workers.ready()
    const made = this.first ? await make().then((value) => ({ value, failure: undefined }), (error: unknown) => ({ value: undefined, failure: error instanceof Error ? error.message : String(error) })) : undefined
    const { value, failure } = await workers.share(made) as { value?: T; failure?: string }
    if (failure !== undefined) throw new TrainError(failure)
    return this.first ? made!.value as T : value as T
  }

  /** Tensors' values of the first worker, on all. */
  async sameValues(values: Float32Array): Promise<Float32Array> {
    return this.workers ? this.workers.sum(this.first ? values : new Float32Array(values.length)) : values
  }

  /** All workers go on with the first one's weights. */
  async sameWeights(model: Model): Promise<void> {
    if (!this.workers) return
    const weights = Object.entries(model.weights())
    const all = await this.sameValues(concat(weights.map(([, variable]) => variable.dataSync() as Float32Array)))
    let at = 0
    tf.tidy(() => { model.setWeights(Object.fromEntries(weights.map(([name, { shape, size }]) => [name, tf.tensor(all.slice(at, at += size), shape)]))) })
  }

  /** This worker's rows, where each has its own: to evaluate, to compute features. */
  part(split: Split<any>, name: string): Split<any> {
    const { workers } = this
    if (!workers) return split
    if (split.size < workers.size) throw new TrainError(`Cannot fine-tune on ${workers.size} workers: the ${name} part has ${split.size} rows, and every worker needs one. Use fewer workers, or another split.`)
    const from = Math.floor(workers.rank * split.size / workers.size), to = Math.floor((workers.rank + 1) * split.size / workers.size)
    return split.take(Array.from({ length: to - from }, (_, i) => from + i))
  }

  /** Predictions of rows that every worker has: the first one's, so that all decide alike. */
  async firstOnes<P extends Predictions & { loss: number; weight: number }>(own: P): Promise<P> {
    if (!this.workers) return own
    const logits = await this.sameValues(own.logits), [loss, weight] = await this.sameValues(Float32Array.of(own.loss, own.weight))
    return { ...own, logits, loss, weight, ...(own.texts ? { texts: await this.workers.share(own.texts) } : {}) }
  }

  /** Predictions of everybody's rows from those of each; the loss by what the rows weigh. */
  async whole<P extends Predictions & { loss: number; weight: number }>(own: P): Promise<P> {
    if (!this.workers) return own
    const { logits, labels, width } = await this.#everybodys(own), lengths = own.lengths && Array.from(concat(await this.workers.gather(Float32Array.from(own.lengths))))
    const [loss, weight] = await this.workers.sum(Float32Array.of(own.weight ? own.loss * own.weight : 0, own.weight)) as unknown as [number, number]
    const texts = own.texts && await this.workers.shareAll(own.texts)
    return { ...own, logits, labels, width, ...(lengths ? { lengths } : {}), loss: weight === 0 ? NaN : loss / weight, weight, ...(texts ? { texts: { written: texts.flatMap(({ written }) => written), truth: texts.flatMap(({ truth }) => truth) } } : {}) }
  }

  /** An epoch's figures of all workers. */
  async wholeEpoch(own: EpochSoFar): Promise<EpochSoFar> {
    if (!this.workers) return own
    const { logits, labels, width } = await this.#everybodys({ logits: concat(own.logits), labels: concat<Float32Array | Int32Array>(own.labels), width: own.width })
    return { ...own, logits: logits.length ? [logits] : [], labels: labels.length ? [labels] : [], width }
  }

  async #everybodys({ logits, labels, width }: Predictions): Promise<Predictions> {
    const workers = this.workers!, join = async (values: Float32Array) => concat(await workers.gather(values))
    const all = await join(logits), truth = await join(labels instanceof Float32Array ? labels : Float32Array.from(labels))
    const widest = Math.max(...(await workers.gather(Float32Array.of(width))).map(([one]) => one!))
    return { logits: all, labels: truth.every(Number.isInteger) ? Int32Array.from(truth) : truth, width: widest }
  }

  /** Lets the others know that this worker cannot go on, so that they stop with its name. */
  fail(error: unknown): void {
    this.workers?.fail(error instanceof Error ? error.message.slice(0, 300) : String(error))
  }
}
