// The workers of a cluster as one of them sees it: who is there, sums over all, and who is gone. Gradients inside a step: buckets.ts.
import { type Attribute, AttributeKind } from '../attributes.js'
import type { Pointer } from '../c-api.js'
import { DType } from '../dtypes.js'
import { EngineError } from '../errors.js'
import type { Runtime } from '../runtime.js'
import { type ClusterSpec, serverDef, taskName } from './spec.js'

/** The one group that all workers form. */
export const groupKey = 1
/** Keys of collectives outside of recorded steps end here; each recorded step has as many of its own. */
export const keysEach = 1 << 16

/** Seconds that the first worker to start waits for the last. */
const patience = 600
/** Milliseconds between two looks at the others while something is waited for, and after which a worker that says nothing counts as gone. */
const lookEvery = 1000, answerWithin = 2000

const pause = (milliseconds: number) => new Promise<void>((resolve) => { setTimeout(resolve, milliseconds) })

export class Workers {
  readonly rank: number
  readonly size: number
  readonly addresses: readonly string[]
  /** 'ring' over gRPC between CPUs, 'nccl' between GPUs. */
  readonly transport: 'ring' | 'nccl'
  readonly #runtime: Runtime
  #keys = 0
  #steps = 0
  #gone: EngineError | undefined
  #ready: Promise<void> | undefined

  /**
   * Starts TensorFlow's server on this worker's port.
   * @param session ConfigProto of the context
   * @internal
   */
  constructor(runtime: Runtime, spec: ClusterSpec, session: Buffer, gpu: boolean) {
    this.#runtime = runtime
    this.rank = spec.rank
    this.size = spec.addresses.length
    this.addresses = spec.addresses
    this.transport = gpu ? 'nccl' : 'ring'
    const definition = serverDef(spec, session)
    runtime.api.TFE_EnableCollectiveOps(runtime.context, definition, definition.length, runtime.status)
    try {
      runtime.check('join the cluster')
    } catch (cause) {
      throw new EngineError(`Cannot join the cluster as ${this.nameOf(this.rank)}: TensorFlow's server does not start (${(cause as Error).message.replace(/^Cannot join the cluster: /, '')}) Is its port in use by another process? Choose another in TF_CONFIG.`, { cause })
    }
  }

  /** Said when the server starts, because it is open to everybody who can reach the machine. */
  get warning(): string {
    const port = this.addresses[this.rank]!.split(':').at(-1)
    return `${capital(this.nameOf(this.rank))} of ${this.size}: TensorFlow's server now listens on port ${port} of every network interface, without password or encryption. Whoever reaches it can run code here: keep it inside a private network, a network namespace or a firewall that lets only the other workers in.`
  }

  /** 'worker 1 (10.0.0.2:2222)' */
  nameOf(rank: number): string { return `worker ${rank} (${this.addresses[rank]})` }

  /**
   * Keys for the collectives of one more recorded step: the same on all workers, because all record the same steps in the same order.
   * @internal
   */
  keysForStep(): number { return ++this.#steps * keysEach }

  /**
   * Resolves when every worker is there.
   * @throws EngineError naming those who do not come within ten minutes
   */
  ready(onWait: (text: string) => void = () => {}): Promise<void> { return this.#ready ??= this.#meet(onWait) }

  async #meet(onWait: (text: string) => void): Promise<void> {
    const begin = performance.now()
    let missing = this.#others(), said = 0
    for (;;) {
      missing = (await Promise.all(missing.map(async (rank) => await this.#answers(rank, 1000) ? [] : [rank]))).flat()
      if (missing.length === 0) break
      const waited = (performance.now() - begin) / 1000, names = missing.map((rank) => this.nameOf(rank)).join(', ')
      if (waited > patience) throw new EngineError(`Cannot begin: ${names} did not come within ${patience} s. Start every worker of TF_CONFIG, and let their ports through the firewall.`)
      if (waited > 5 + said * 30) { said++; onWait(`Waiting for ${names}.`) }
      await pause(200)
    }
    const present = await this.sum(Float32Array.from({ length: this.size }, (_, rank) => Number(rank === this.rank)))
    const twice = present.findIndex((count) => count !== 1)
    if (twice >= 0) throw new EngineError(`Cannot begin: ${present[twice]} processes say that they are ${this.nameOf(twice)}. Give each its own index in TF_CONFIG.`)
  }

  #others(): number[] { return Array.from({ length: this.size }, (_, rank) => rank).filter((rank) => rank !== this.rank) }

  /** Whether another worker's server answers. */
  async #answers(rank: number, within: number): Promise<boolean> {
    const { api, context } = this.#runtime, status = api.TF_NewStatus() as Pointer
    try {
      await new Promise<void>((resolve, reject) => api.TFE_CollectiveOpsCheckPeerHealth.async(context, taskName(rank), within, status, (error: Error | null) => error ? reject(error) : resolve()))
      return api.TF_GetCode(status) === 0
    } finally {
      api.TF_DeleteStatus(status)
    }
  }

  /**
   * Runs what waits for the others, and looks after them meanwhile: whoever stops answering is named, and nobody waits for ever.
   * @internal
   */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#gone) throw this.#gone
    let over = false
    const watch = (async () => {
      for (let misses = 0; ;) {
        await pause(lookEvery)
        if (over) return
        const lost = (await Promise.all(this.#others().map(async (rank) => await this.#answers(rank, answerWithin) ? [] : [rank]))).flat()
        misses = lost.length ? misses + 1 : 0
        if (over) return
        if (misses >= 2) return this.#abort(this.#lost(lost).message)
      }
    })()
    watch.catch(() => {})
    try {
      return await work()
    } catch (error) {
      throw await this.explain(error)
    } finally {
      over = true
    }
  }

  #lost(ranks: readonly number[]): EngineError {
    const names = ranks.map((rank) => this.nameOf(rank)).join(', ')
    return new EngineError(`Cannot go on: ${names} ${ranks.length > 1 ? 'are' : 'is'} gone. Start the workers again and resume from the last checkpoint: fineTune(model, data, { resume: 'folder' }), with as many workers as there are.`, { code: 14 })
  }

  /**
   * What failed, with the name of the worker that caused it, where it was not this one.
   * @internal
   */
  async explain(error: unknown): Promise<unknown> {
    if (this.#gone) return this.#gone
    if (!(error instanceof EngineError) || error.code === undefined || ![1, 2, 4, 9, 10, 13, 14].includes(error.code)) return error
    const told = /(Cannot go on: .*)/s.exec(error.message)?.[1]
    const lost = told ? [] : (await Promise.all(this.#others().map(async (rank) => await this.#answers(rank, 2000) ? [] : [rank]))).flat()
    if (!told && lost.length === 0) return error
    const reason = told ? new EngineError(told.replace(/\s*Additional GRPC.*$/s, '').trim(), { code: error.code, cause: error }) : this.#lost(lost)
    this.#abort(reason.message)
    return reason
  }

  /** Tells the others that this worker cannot go on, so that they do not wait for it. Collectives are over in this process. */
  fail(reason: string): void {
    this.#abort(`Cannot go on: ${this.nameOf(this.rank)} failed (${reason}). Mend that, start the workers again and resume from the last checkpoint.`)
  }

  #abort(message: string): void {
    if (this.#gone) return
    this.#gone = new EngineError(message, { code: 14 })
    const { api, context } = this.#runtime, status = api.TF_NewStatus() as Pointer
    api.TF_SetStatus(status, 14, message)
    api.TFE_AbortCollectiveOps(context, status)
    api.TF_DeleteStatus(status)
  }

  /**
   * Attributes of CollectiveReduceV2 for float32.
   * @internal
   */
  reduceAttributes(): Attribute[] {
    return [
      { name: 'T', type: AttributeKind.type, value: DType.float32 }, { name: 'merge_op', type: AttributeKind.string, value: 'Add' }, { name: 'final_op', type: AttributeKind.string, value: 'Id' },
      { name: 'communication_hint', type: AttributeKind.string, value: this.transport }, { name: 'timeout_seconds', type: AttributeKind.float, value: 0 }, { name: 'Nordering_token', type: AttributeKind.int, value: 0 },
    ]
  }

  /** The sum over all workers, element by element; the same bits on each. */
  async sum(values: Float32Array): Promise<Float32Array> {
    const { tensors } = this.#runtime
    const ids = [tensors.create([values.length], DType.float32, values), ...[this.size, groupKey, this.#nextKey()].map((value) => tensors.create([], DType.int32, [value]))]
    try {
      const [result] = await this.guard(() => this.#runtime.executeAsync('CollectiveReduceV2', this.reduceAttributes(), ids, 1))
      try {
        return tensors.read(result!.id) as Float32Array
      } finally {
        tensors.delete(result!.id)
      }
    } finally {
      for (const id of ids) tensors.delete(id)
    }
  }

  /**
   * The same at once, without the event loop: for the rare places that cannot wait.
   * @internal
   */
  sumNow(values: readonly number[]): number[] {
    const { tensors } = this.#runtime
    const ids = [tensors.create([values.length], DType.float32, values), ...[this.size, groupKey, this.#nextKey()].map((value) => tensors.create([], DType.int32, [value]))]
    const attributes = this.reduceAttributes().map((one) => one.name === 'timeout_seconds' ? { ...one, value: patience } : one)
    const [result] = this.#runtime.run('CollectiveReduceV2', attributes, ids, 1)
    const sums = [...tensors.read(result!.id) as Float32Array]
    for (const id of [...ids, result!.id]) tensors.delete(id)
    return sums
  }

  #nextKey(): number { return 1 + (this.#keys++ % (keysEach - 1)) }

  /** Numbers of every worker, by rank. They may differ in length. */
  async gather(values: Float32Array): Promise<Float32Array[]> {
    const halves = await this.sum(Float32Array.from({ length: this.size * 2 }, (_, i) => i >> 1 !== this.rank ? 0 : i & 1 ? values.length % 2 ** 20 : Math.floor(values.length / 2 ** 20)))
    const starts = [0]
    for (let rank = 0; rank < this.size; rank++) starts.push(starts[rank]! + halves[2 * rank]! * 2 ** 20 + halves[2 * rank + 1]!)
    const all = new Float32Array(starts.at(-1)!)
    all.set(values, starts[this.rank])                                                  // x + 0 is x
    const summed = all.length ? await this.sum(all) : all
    return starts.slice(0, -1).map((start, rank) => summed.slice(start, starts[rank + 1]))
  }

  /** A JSON value of the first worker, on all. */
  async share<T>(value: T): Promise<T> {
    const [first] = await this.gather(this.rank === 0 ? written(value) : new Float32Array(0))
    return read(first!)
  }

  /** A JSON value of every worker, by rank. */
  async shareAll<T>(value: T): Promise<T[]> { return (await this.gather(written(value))).map((bytes) => read<T>(bytes)) }
}

/** JSON as numbers that can be summed: one a byte. */
const written = (value: unknown) => Float32Array.from(Buffer.from(JSON.stringify(value ?? null)))
const read = <T>(bytes: Float32Array) => JSON.parse(Buffer.from(Uint8Array.from(bytes)).toString()) as T

const capital = (words: string) => words[0]!.toUpperCase() + words.slice(1)
