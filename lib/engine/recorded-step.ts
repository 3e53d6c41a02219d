// One recording of a training step for one set of input shapes: forward, gradients, update and state as one TensorFlow function.
import * as tf from '@tensorflow/tfjs'
import { reduceStep, SyncedBatchNorm, type Workers } from './cluster/index.js'
import { DType } from './dtypes.js'
import { EngineError } from './errors.js'
import type { Pass } from './forward.js'
import { Graph, type GraphFunction, type Node } from './graph.js'
import { stepKey } from './op-by-op.js'
import { lookupsOf, type Rows, rowsOf } from './lookups.js'
import { numbersAfterGroups, type Program } from './program.js'
import { narrowType } from './precision.js'
import { type Part, PartByPart, partsOf } from './recompute.js'
import { type Capture, Replay } from './replay.js'
import type { Entry, Tape } from './tape.js'
import type { StepOptions, StepResult, TensorMap } from './types.js'
import { type Gathering, writeAverage, writeUpdate } from './update.js'

export interface Recording { tape: Tape; /** Entries of the forward pass. */ forward: number; passed: Pass; key: tf.Tensor }

/** Loss, norm and each gradient's squared norm as the function reports them. */
export interface Report { loss: number; gradNorm: number; squares: Float32Array }

/** Of a step's collectives the first so many are for gradients and state, the rest for batch normalization. */
const keysOfBuckets = 1 << 12

export class RecordedStep {
  /** Variables that the loss depends on, by index. */
  readonly moved: readonly number[]
  /** Operations by type. */
  readonly operations: Readonly<Record<string, number>>
  readonly #function: GraphFunction
  readonly #captures: readonly Capture[]
  readonly #stateMoved: readonly number[]
  readonly #outputs: readonly { name: string; shape: number[]; dtype: number }[]
  readonly #workers: Workers | undefined

  constructor(readonly program: Program, inputs: TensorMap, { tape, forward, passed, key }: Recording, rung: 'tensorflow' | 'tensorflow.js', workers: Workers | undefined, readonly gathering: Gathering) {
    this.#workers = workers
    const { runtime, backend } = program.engine, { optimizer, trained, state, options } = program
    const graph = new Graph(runtime)
    try {
      const where = new Map<number, Node>(), none = graph.constant([0, 0], [2])
      const numbers = optimizer.scalarsPerGroup * options.groups.length + numbersAfterGroups, scalars = graph.input(DType.float32, [numbers])
      where.set(backend.getInputTensorIds([key])[0]!, graph.input(DType.int32, [2]))
      const names = Object.keys(inputs).sort()
      backend.getInputTensorIds(names.map((name) => inputs[name]!)).forEach((id) => where.set(id, graph.input(runtime.tensors.dtype(id), runtime.tensors.shapeOf(runtime.tensors.handle(id)))))

      const told = workers && graph.input(DType.float32, [2])

      const outputNames = Object.keys(passed.outputs)
      const [lossId, ...outputIds] = backend.getInputTensorIds([passed.loss, ...outputNames.map((name) => passed.outputs[name]!)])
      const gradientIds = rung === 'tensorflow.js' ? backend.getInputTensorIds(passed.gradients.filter((one) => one !== undefined)) : []
      this.#stateMoved = state.map((_, i) => i).filter((i) => passed.state[i] !== program.cell(state[i]!).id)
      const weightId = passed.weight && backend.getInputTensorIds([passed.weight])[0]!
      const wanted = [lossId!, ...outputIds, ...(weightId !== undefined && (workers || gathering !== 'none') ? [weightId] : []), ...gradientIds, ...this.#stateMoved.map((i) => passed.state[i]!)]
      const entries = rung === 'tensorflow.js' ? tape.entries : tape.entries.slice(0, forward)
      const lookups = { resources: new Map<number, Node>(), taken: new Map<number, { variable: number; at: Node }>() }
      const byRows = rung === 'tensorflow' && gathering === 'none' && !workers && !options.recompute, alongRows = ({ inputs: [, , axis] }: Entry) => (runtime.tensors.read(axis!) as Int32Array)[0] === 0
      const held = (variable: tf.Variable, group?: number) => {
        const cell = program.cell(variable), resource = graph.input(DType.resource, [])
        if (group !== undefined && byRows && options.groups[group]!.sparse && !wanted.includes(cell.id) && lookupsOf(entries, cell.id, alongRows).length) {
          lookups.resources.set(cell.id, resource)
          where.set(cell.id, resource)
          return { resource, value: resource, read: resource }
        }
        const [read] = graph.op('ReadVariableOp', [resource], { dtype: cell.dtype })
        const [value] = graph.op('EnsureShape', [read!], { shape: [...cell.shape] })
        where.set(cell.id, value!)
        return { resource, value: value!, read: read! }
      }
      const variables = trained.map(({ variable, group }) => held(variable, group)), states = state.map((variable) => held(variable))
      const slots = trained.map((_, i) => program.slots(i).map(() => graph.input(DType.resource, [])))
      const gathered = gathering === 'none' ? [] : [...trained.map(() => graph.input(DType.resource, [])), graph.input(DType.resource, [])]
      const averages = options.average === undefined ? [] : [...trained.map(({ variable }) => variable), ...state].map(() => {
        const resource = graph.input(DType.resource, []), [value] = graph.op('ReadVariableOp', [resource], { dtype: DType.float32 })
        return { resource, value: value!, read: [value!] }
      })
      const scaled = program.scales && rung === 'tensorflow'

      const synced = workers && rung === 'tensorflow' ? new SyncedBatchNorm(workers, program.collectiveKey + keysOfBuckets) : undefined
      const replay = new Replay(graph, runtime, backend, where, new Set(tape.created.map(({ id }) => id)), { narrow: options.precision === 'mixed' ? narrowType(program.engine) : undefined, xla: options.xla ?? false, synced, lookups })
      const needed = Replay.needed(entries, wanted), values = new Map(variables.map(({ value }, i) => [program.cell(trained[i]!.variable).id, value] as const))
      const byPart = new PartByPart(graph, replay, this.#parts(needed, new Set(values.keys()), lossId!, rung, workers), values, lookups.taken)
      this.#captures = replay.captures
      let loss = graph.op('Reshape', [replay.node(lossId!), graph.constant([], [0], DType.int32)])[0]!
      const weight = !workers ? undefined : weightId === undefined ? graph.constant([1], []) : graph.op('Reshape', [replay.node(weightId), graph.constant([], [0], DType.int32)])[0]!
      const rows = new Map<number, Rows<Node>>()
      const found = rung === 'tensorflow'
        ? this.#inOrder(byPart.gradients(scaledLoss(graph, weight ? graph.op('Mul', [loss, weight])[0]! : loss, scaled ? graph.op('StridedSlice', [scalars, ...[numbers - 2, numbers - 1, 1].map((at) => graph.constant([at], [1], DType.int32))], { shrink_axis_mask: 1 })[0]! : undefined)), (index, taken) => rows.set(index, rowsOf(graph, trained[index]!.variable.shape, taken)).get(index)!.gradient, lookups.taken)
        : recordedGradients(passed, gradientIds, replay).map((gradient) => gradient && weight ? graph.op('Mul', [gradient, weight])[0]! : gradient)
      synced?.backward(graph)
      this.moved = trained.map((_, i) => i).filter((i) => found[i])
      if (this.moved.length === 0) throw new EngineError('Cannot train: the loss depends on none of the variables in the groups. Use them in the loss, or unfreeze others.')
      let gradients = this.moved.map((i) => found[i]!), signals = none
      const results = [...outputIds.map((id) => replay.node(id)), ...this.#stateMoved.map((i) => replay.node(passed.state[i]!))]
      if (workers) {
        const places = passed.totals.map((name) => outputNames.indexOf(name)), moved = this.#stateMoved.map((i, k) => ({ ref: results[outputIds.length + k]!, shape: state[i]!.shape }))
        const reduced = reduceStep(graph, workers, program.collectiveKey, {
          gradients: gradients.map((ref, i) => ({ ref, shape: trained[this.moved[i]!]!.variable.shape })), state: moved, loss, totals: places.map((at) => results[at]!), weight: weight!, signals: told!,
        })
        gradients = reduced.gradients
        loss = reduced.loss
        places.forEach((at, i) => { results[at] = reduced.totals[i]! })
        reduced.state.forEach((ref, i) => { results[outputIds.length + i] = ref })
        signals = reduced.signals
      }
      const batchWeight = workers || weightId === undefined || gathering === 'none' ? graph.constant([1], []) : graph.op('Reshape', [replay.node(weightId), graph.constant([], [0], DType.int32)])[0]!
      const gathers = gathering === 'first' || gathering === 'more'
      const { norm, squares, last } = writeUpdate(graph, program, {
        gathering, moved: this.moved, gradients, scalars, scaled, slots: (index) => slots[index]!, gathered: (index) => gathered[index]!, weights: () => gathered.at(-1)!, weight: batchWeight,
        held: (index) => ({ ...variables[index]!, read: rows.has(index) ? [...lookups.taken.keys()].map((id) => replay.node(id)) : [variables[index]!.read] }), average: (index) => averages[index]!, rowsOf: (index) => rows.get(index)?.at,
      })
      const assigned = this.#stateMoved.flatMap((i, k) => {
        const now = results[outputIds.length + k]!, done = graph.op('AssignVariableOp', [states[i]!.resource, now], {}, [states[i]!.read])
        const share = () => graph.op('Reshape', [graph.op('Slice', [scalars, graph.constant([numbers - 3], [1], DType.int32), graph.constant([1], [1], DType.int32)])[0]!, graph.constant([], [0], DType.int32)])[0]!
        return averages.length && !gathers ? [...done, ...writeAverage(graph, averages[trained.length + i]!, now, share())] : done
      })
      const report = graph.op('ConcatV2', [[graph.op('Pack', [[loss, norm]], { axis: 0 })[0]!, signals, squares], graph.constant([0], [], DType.int32)])[0]!
      const done = graph.op('Identity', [report], {}, [...last, ...assigned])[0]!
      this.operations = graph.census()
      this.#function = graph.toFunction([done, ...results.slice(0, outputIds.length)], { xla: options.xla ?? false })
      this.#outputs = outputNames.map((name) => ({ name, shape: passed.outputs[name]!.shape, dtype: 0 }))
    } finally {
      graph.dispose()
    }
  }

  /** Where to cut for `recompute`: nowhere else. */
  #parts(entries: readonly Entry[], variables: ReadonlySet<number>, loss: number, rung: string, workers: Workers | undefined): Part[] {
    const whole: Part[] = [{ entries, from: undefined, to: loss }], { recompute, onNote = console.warn } = this.program.options
    if (!recompute || rung !== 'tensorflow') return whole
    // Batch normalization over all workers would ask them for its sums twice.
    const parts = workers && entries.some(({ op }) => op === 'FusedBatchNorm') ? whole : partsOf(entries, variables, loss)
    if (parts.length === 1) onNote('The step recomputes nothing: its forward pass has no place where a single tensor passes, or normalizes over several workers.')
    return parts
  }

  /** By variable; of those that rows are looked up in, what `byRows` makes of the lookups' gradients. */
  #inOrder(gradients: ReadonlyMap<number, Node>, byRows: (index: number, taken: { at: Node; gradient: Node }[]) => Node, lookups: ReadonlyMap<number, { variable: number; at: Node }>): (Node | undefined)[] {
    return this.program.trained.map(({ variable }, index) => {
      const { id } = this.program.cell(variable), taken = [...lookups].flatMap(([output, lookup]) => lookup.variable === id && gradients.has(output) ? [{ at: lookup.at, gradient: gradients.get(output)! }] : [])
      return taken.length ? byRows(index, taken) : gradients.get(id)
    })
  }

  /** Everything the function takes, in the order in which its inputs were made; `own` are ours to delete. */
  #arguments(inputs: TensorMap, at: StepOptions): { ids: number[]; own: number[]; key: tf.Tensor } {
    const { program } = this, { runtime, backend } = program.engine
    const values = program.scalars(at)
    const scalars = runtime.tensors.create([values.length], DType.float32, values)
    const own = [scalars, ...(this.#workers ? [runtime.tensors.create([2], DType.float32, at.signals ?? [0, 0])] : [])]
    const key = stepKey(program.options.seed ?? 0, at.step)
    const names = Object.keys(inputs).sort()
    const variables = program.variables.map((variable) => program.cell(variable)), states = program.state.map((variable) => program.cell(variable))
    const cells = [
      ...variables, ...states, ...variables.flatMap((_, i) => program.slots(i)), ...(this.gathering === 'none' ? [] : [...variables.map((_, i) => program.gatheredOf(i)), program.gatheredWeight]),
      ...(program.options.average === undefined ? [] : [...variables, ...states].map((_, i) => program.average(i))),
    ]
    for (const cell of cells) cell.settle()
    const captured = this.#captures.map((capture) => 'variable' in capture ? backend.getInputTensorIds([capture.variable])[0]! : capture.id)
    return { ids: [scalars, ...backend.getInputTensorIds([key, ...names.map((name) => inputs[name]!)]), ...own.slice(1), ...cells.map(({ resource }) => resource), ...captured], own, key }
  }

  run(inputs: TensorMap, at: StepOptions): StepResult & { squares: Float32Array } {
    const { ids, own, key } = this.#arguments(inputs, at)
    try {
      return this.#results(this.#function.run(ids), at)
    } finally {
      this.#free(own, key)
    }
  }

  async runAsync(inputs: TensorMap, at: StepOptions): Promise<StepResult & { squares: Float32Array }> {
    const { ids, own, key } = this.#arguments(inputs, at)
    try {
      const run = () => this.#function.runAsync(ids, at.signal)
      return this.#results(await (this.#workers ? this.#workers.guard(run) : run()), at)
    } finally {
      this.#free(own, key)
    }
  }

  #free(own: number[], key: tf.Tensor): void {
    for (const id of own) this.program.engine.runtime.tensors.delete(id)
    key.dispose()
  }

  #results([report, ...outputs]: number[], { signals = [0, 0] }: StepOptions): StepResult & { squares: Float32Array } {
    const { runtime, backend } = this.program.engine
    const numbers = runtime.tensors.read(report!) as Float32Array
    runtime.tensors.delete(report!)
    const updated = this.program.finished(this.gathering === 'first' || this.gathering === 'more', numbers[1]!)
    const made = outputs.map((id, i) => [this.#outputs[i]!.name, backend.createOutputTensor({ id, shape: this.#outputs[i]!.shape, dtype: runtime.tensors.dtype(id) })] as const)
    return { loss: numbers[0]!, gradNorm: numbers[1]!, updated, signals: this.#workers ? [numbers[2]!, numbers[3]!] : signals, squares: numbers.subarray(4), outputs: Object.fromEntries(made) }
  }

  dispose(): void {
    for (const capture of this.#captures) if ('id' in capture) this.program.engine.runtime.tensors.delete(capture.id)
    this.#function.dispose()
  }
}

const scaledLoss = (graph: Graph, loss: Node, scale: Node | undefined): Node => scale ? graph.op('Mul', [loss, scale])[0]! : loss

/** The nodes of the gradients that TensorFlow.js made on the tape. */
function recordedGradients(passed: Pass, ids: readonly number[], replay: Replay): (Node | undefined)[] {
  let at = 0
  return passed.gradients.map((gradient) => gradient && replay.node(ids[at++]!))
}
