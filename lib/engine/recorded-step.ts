// One recording of a training step for one set of input shapes: forward, gradients, update and state as one TensorFlow function.
import * as tf from '@tensorflow/tfjs'
import { DType } from './dtypes.js'
import { EngineError } from './errors.js'
import type { Pass } from './forward.js'
import { Graph, type GraphFunction, type Node } from './graph.js'
import { stepKey } from './op-by-op.js'
import { clip, globalNorm } from './optimizers.js'
import type { Program } from './program.js'
import { type Capture, Replay } from './replay.js'
import type { Tape } from './tape.js'
import type { StepOptions, StepResult, TensorMap } from './types.js'

export interface Recording { tape: Tape; /** Entries of the forward pass. */ forward: number; passed: Pass; key: tf.Tensor }

/** Loss, norm and each gradient's squared norm as the function reports them. */
export interface Report { loss: number; gradNorm: number; squares: Float32Array }

export class RecordedStep {
  /** Variables that the loss depends on, by index. */
  readonly moved: readonly number[]
  readonly #function: GraphFunction
  readonly #captures: readonly Capture[]
  readonly #stateMoved: readonly number[]
  readonly #outputs: readonly { name: string; shape: number[]; dtype: number }[]

  constructor(readonly program: Program, inputs: TensorMap, { tape, forward, passed, key }: Recording, rung: 'tensorflow' | 'tensorflow.js') {
    const { runtime, backend } = program.engine, { optimizer, trained, state, options } = program
    const graph = new Graph(runtime)
    try {
      const where = new Map<number, Node>()
      const scalars = graph.input(DType.float32, [optimizer.scalarsPerGroup * options.groups.length])
      where.set(backend.getInputTensorIds([key])[0]!, graph.input(DType.int32, [2]))
      const names = Object.keys(inputs).sort()
      backend.getInputTensorIds(names.map((name) => inputs[name]!)).forEach((id) => where.set(id, graph.input(runtime.tensors.dtype(id), runtime.tensors.shapeOf(runtime.tensors.handle(id)))))

      const held = (variable: tf.Variable) => {
        const cell = program.cell(variable), resource = graph.input(DType.resource, [])
        const [read] = graph.op('ReadVariableOp', [resource], { dtype: cell.dtype })
        const [value] = graph.op('EnsureShape', [read!], { shape: [...cell.shape] })
        where.set(cell.id, value!)
        return { resource, value: value!, read: read! }
      }
      const variables = trained.map(({ variable }) => held(variable)), states = state.map(held)
      const slots = trained.map((_, i) => program.slots(i).map(() => graph.input(DType.resource, [])))

      const outputNames = Object.keys(passed.outputs)
      const [lossId, ...outputIds] = backend.getInputTensorIds([passed.loss, ...outputNames.map((name) => passed.outputs[name]!)])
      const gradientIds = rung === 'tensorflow.js' ? backend.getInputTensorIds(passed.gradients.filter((one) => one !== undefined)) : []
      this.#stateMoved = state.map((_, i) => i).filter((i) => passed.state[i] !== program.cell(state[i]!).id)
      const wanted = [lossId!, ...outputIds, ...gradientIds, ...this.#stateMoved.map((i) => passed.state[i]!)]
      const entries = rung === 'tensorflow.js' ? tape.entries : tape.entries.slice(0, forward)
      const replay = new Replay(graph, runtime, backend, where, new Set(tape.created.map(({ id }) => id)), { mixed: options.precision === 'mixed' })
      replay.play(Replay.needed(entries, wanted))
      this.#captures = replay.captures
      const reached = new Set([lossId!, ...Replay.needed(entries, [lossId!]).flatMap(({ inputs: used }) => used)])

      const loss = graph.op('Reshape', [replay.node(lossId!), graph.constant([], [0], DType.int32)])[0]!
      const found = rung === 'tensorflow'
        ? gradientsOf(graph, loss, variables.map(({ value }, i) => reached.has(program.cell(trained[i]!.variable).id) ? value : undefined))
        : recordedGradients(passed, gradientIds, replay)
      this.moved = trained.map((_, i) => i).filter((i) => found[i])
      if (this.moved.length === 0) throw new EngineError('Cannot train: the loss depends on none of the variables in the groups. Use them in the loss, or unfreeze others.')
      let gradients = this.moved.map((i) => found[i]!)
      const { norm, squares } = globalNorm(graph, gradients)
      if (options.clipNorm !== undefined) gradients = clip(graph, gradients, norm, options.clipNorm)

      const numbers = graph.op('Unpack', [scalars], { num: optimizer.scalarsPerGroup * options.groups.length, axis: 0 })
      const results = [...outputIds.map((id) => replay.node(id)), ...this.#stateMoved.map((i) => replay.node(passed.state[i]!))]
      const updates = this.moved.flatMap((index, i) => {
        const { group, decays } = trained[index]!, { resource, value, read } = variables[index]!
        const mine = numbers.slice(group * optimizer.scalarsPerGroup, (group + 1) * optimizer.scalarsPerGroup)
        return optimizer.update(graph, { resource, value, gradient: gradients[i]!, slots: slots[index]!, scalars: mine, after: [read, gradients[i]!] }, decays)
      })
      const assigned = this.#stateMoved.map((i, k) => graph.op('AssignVariableOp', [states[i]!.resource, results[outputIds.length + k]!], {}, [states[i]!.read])[0]!)
      const report = graph.op('ConcatV2', [[graph.op('Pack', [[loss, norm]], { axis: 0 })[0]!, squares], graph.constant([0], [], DType.int32)])[0]!
      const done = graph.op('Identity', [report], {}, [...updates, ...assigned])[0]!
      this.#function = graph.toFunction([done, ...results.slice(0, outputIds.length)], { xla: options.xla ?? false })
      this.#outputs = outputNames.map((name) => ({ name, shape: passed.outputs[name]!.shape, dtype: 0 }))
    } finally {
      graph.dispose()
    }
  }

  /** Everything the function takes, in the order in which its inputs were made; the first two are ours to delete. */
  #arguments(inputs: TensorMap, at: StepOptions): { ids: number[]; own: number[]; key: tf.Tensor } {
    const { program } = this, { runtime, backend } = program.engine
    const values = program.scalars(at)
    const scalars = runtime.tensors.create([values.length], DType.float32, values)
    const key = stepKey(program.options.seed ?? 0, at.step)
    const names = Object.keys(inputs).sort()
    const variables = program.variables.map((variable) => program.cell(variable)), states = program.state.map((variable) => program.cell(variable))
    const slots = variables.flatMap((_, i) => program.slots(i))
    for (const cell of [...variables, ...states, ...slots]) cell.settle()
    const captured = this.#captures.map((capture) => 'variable' in capture ? backend.getInputTensorIds([capture.variable])[0]! : capture.id)
    return { ids: [scalars, ...backend.getInputTensorIds([key, ...names.map((name) => inputs[name]!)]), ...[...variables, ...states, ...slots].map(({ resource }) => resource), ...captured], own: [scalars], key }
  }

  run(inputs: TensorMap, at: StepOptions): StepResult & { squares: Float32Array } {
    const { ids, own, key } = this.#arguments(inputs, at)
    try {
      return this.#results(this.#function.run(ids))
    } finally {
      this.#free(own, key)
    }
  }

  async runAsync(inputs: TensorMap, at: StepOptions): Promise<StepResult & { squares: Float32Array }> {
    const { ids, own, key } = this.#arguments(inputs, at)
    try {
      return this.#results(await this.#function.runAsync(ids, at.signal))
    } finally {
      this.#free(own, key)
    }
  }

  #free(own: number[], key: tf.Tensor): void {
    for (const id of own) this.program.engine.runtime.tensors.delete(id)
    key.dispose()
  }

  #results([report, ...outputs]: number[]): StepResult & { squares: Float32Array } {
    const { runtime, backend } = this.program.engine
    const numbers = runtime.tensors.read(report!) as Float32Array
    runtime.tensors.delete(report!)
    this.program.updates++
    const made = outputs.map((id, i) => [this.#outputs[i]!.name, backend.createOutputTensor({ id, shape: this.#outputs[i]!.shape, dtype: runtime.tensors.dtype(id) })] as const)
    return { loss: numbers[0]!, gradNorm: numbers[1]!, squares: numbers.subarray(2), outputs: Object.fromEntries(made) }
  }

  dispose(): void {
    for (const capture of this.#captures) if ('id' in capture) this.program.engine.runtime.tensors.delete(capture.id)
    this.#function.dispose()
  }
}

/** TensorFlow's gradients for the values that the loss can reach; asking for another is an error there. */
function gradientsOf(graph: Graph, loss: Node, values: readonly (Node | undefined)[]): (Node | undefined)[] {
  const reachable = values.filter((value) => value !== undefined)
  const found = reachable.length ? graph.gradients(loss, reachable) : []
  let at = 0
  return values.map((value) => value && found[at++])
}

/** The nodes of the gradients that TensorFlow.js made on the tape. */
function recordedGradients(passed: Pass, ids: readonly number[], replay: Replay): (Node | undefined)[] {
  let at = 0
  return passed.gradients.map((gradient) => gradient && replay.node(ids[at++]!))
}
