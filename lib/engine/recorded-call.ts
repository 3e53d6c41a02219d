// One recording of a function for one set of input shapes.
import type * as tf from '@tensorflow/tfjs'
import type { StartedEngine } from './engine.js'
import { Graph, type GraphFunction, type Node } from './graph.js'
import { narrowType } from './precision.js'
import { type Capture, Replay } from './replay.js'
import type { Tape } from './tape.js'
import type { FunctionOptions, TensorMap } from './types.js'

export class RecordedCall {
  readonly #function: GraphFunction
  readonly #captures: readonly Capture[]
  readonly #outputs: readonly { name: string; shape: number[] }[]

  constructor(readonly engine: StartedEngine, inputs: TensorMap, key: tf.Tensor, tape: Tape, outputs: TensorMap, options: FunctionOptions) {
    const { runtime, backend } = engine
    const graph = new Graph(runtime)
    try {
      const where = new Map<number, Node>()
      const tensors = [key, ...Object.keys(inputs).sort().map((name) => inputs[name]!)]
      for (const id of backend.getInputTensorIds(tensors)) where.set(id, graph.input(runtime.tensors.dtype(id), runtime.tensors.shapeOf(runtime.tensors.handle(id))))
      const names = Object.keys(outputs), wanted = backend.getInputTensorIds(names.map((name) => outputs[name]!))
      const replay = new Replay(graph, runtime, backend, where, new Set(tape.created.map(({ id }) => id)), { narrow: options.precision === 'mixed' ? narrowType(engine) : undefined, xla: options.xla ?? false })
      replay.play(Replay.needed(tape.entries, wanted))
      this.#captures = replay.captures
      const results = wanted.map((id) => graph.op('Identity', [replay.node(id)])[0]!)
      this.#function = graph.toFunction(results, { xla: options.xla ?? false })
      this.#outputs = names.map((name) => ({ name, shape: outputs[name]!.shape }))
    } finally {
      graph.dispose()
    }
  }

  #arguments(inputs: TensorMap, key: tf.Tensor): number[] {
    const { backend } = this.engine
    const tensors = [key, ...Object.keys(inputs).sort().map((name) => inputs[name]!)]
    const captured = this.#captures.map((capture) => 'variable' in capture ? backend.getInputTensorIds([capture.variable])[0]! : capture.id)
    return [...backend.getInputTensorIds(tensors), ...captured]
  }

  run(inputs: TensorMap, key: tf.Tensor): TensorMap {
    try {
      return this.#results(this.#function.run(this.#arguments(inputs, key)))
    } finally {
      key.dispose()
    }
  }

  async runAsync(inputs: TensorMap, key: tf.Tensor, signal?: AbortSignal): Promise<TensorMap> {
    try {
      return this.#results(await this.#function.runAsync(this.#arguments(inputs, key), signal))
    } finally {
      key.dispose()
    }
  }

  #results(ids: number[]): TensorMap {
    const { runtime, backend } = this.engine
    return Object.fromEntries(ids.map((id, i) => [this.#outputs[i]!.name, backend.createOutputTensor({ id, shape: this.#outputs[i]!.shape, dtype: runtime.tensors.dtype(id) })]))
  }

  dispose(): void {
    for (const capture of this.#captures) if ('id' in capture) this.engine.runtime.tensors.delete(capture.id)
    this.#function.dispose()
  }
}
