// TensorFlow SavedModels: load, run, forget, as tfjs-node's `tf.node.loadSavedModel` expects it.
import type { Pointer } from './c-api.js'
import { EngineError } from './errors.js'
import type { Runtime, TensorMetadata } from './runtime.js'

interface Loaded { graph: Pointer; session: Pointer }

export class SavedModels {
  readonly #models = new Map<number, Loaded>()
  #next = 1

  constructor(readonly runtime: Runtime) {}

  get size(): number { return this.#models.size }

  /** @param tags the meta graph's tags, separated by commas ('serve') */
  load(folder: string, tags: string): number {
    const { api, status } = this.runtime
    const options = api.TF_NewSessionOptions() as Pointer, graph = api.TF_NewGraph() as Pointer
    const list = tags.split(',')
    const session = api.TF_LoadSessionFromSavedModel(options, null, folder, list, list.length, graph, null, status) as Pointer
    api.TF_DeleteSessionOptions(options)
    try {
      this.runtime.check(`load the saved model ${folder} (tags ${tags})`)
    } catch (error) {
      api.TF_DeleteGraph(graph)
      throw error
    }
    this.#models.set(this.#next, { graph, session })
    return this.#next++
  }

  delete(id: number): void {
    const { api, status } = this.runtime, model = this.#model(id)
    api.TF_CloseSession(model.session, status)
    api.TF_DeleteSession(model.session, status)
    api.TF_DeleteGraph(model.graph)
    this.#models.delete(id)
  }

  run(id: number, inputs: readonly number[], inputNames: readonly string[], outputNames: readonly string[]): TensorMetadata[] {
    const { api, status, tensors } = this.runtime, model = this.#model(id)
    const feeds = this.#outputs(model, inputNames), fetches = this.#outputs(model, outputNames)
    const values = BigUint64Array.from(inputs, (input) => api.TFE_TensorHandleResolve(tensors.handle(input), status) as Pointer)
    this.runtime.check('read an input of a saved model')
    const results = new BigUint64Array(outputNames.length)
    api.TF_SessionRun(model.session, null, feeds, values, inputs.length, fetches, results, outputNames.length, null, 0, null, status)
    for (const value of values) api.TF_DeleteTensor(value)
    this.runtime.check(`run the saved model with inputs ${inputNames.join(', ')}`)
    return Array.from(results, (tensor) => {
      const handle = api.TFE_NewTensorHandle(tensor, status) as Pointer
      api.TF_DeleteTensor(tensor)
      return { id: tensors.add(handle), shape: tensors.shapeOf(handle), dtype: api.TFE_TensorHandleDataType(handle) as number }
    })
  }

  /** 'name:0' → TF_Output as it lies in memory: the operation's address, then the index. */
  #outputs({ graph }: Loaded, names: readonly string[]): BigUint64Array {
    return BigUint64Array.from(names.flatMap((name) => {
      const [operation, index = '0'] = name.split(':')
      const found = this.runtime.api.TF_GraphOperationByName(graph, operation) as Pointer | null
      if (!found) throw new EngineError(`Cannot run the saved model: it has no operation named ${operation}. Look at its signature with saved_model_cli.`)
      return [found, BigInt(index)]
    }))
  }

  #model(id: number): Loaded {
    const model = this.#models.get(id)
    if (!model) throw new EngineError(`Cannot use saved model ${id}: it is not loaded, or was deleted.`)
    return model
  }
}
