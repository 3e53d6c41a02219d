// What stays the same from step to step: the variables and their cells, the optimizer and its slots, the numbers each step needs.
import * as tf from '@tensorflow/tfjs'
import { type Cell, Cell as OneCell, cellOf } from './cells.js'
import { DType } from './dtypes.js'
import type { StartedEngine } from './engine.js'
import { EngineError } from './errors.js'
import { narrowType } from './precision.js'
import { optimizerFor, type Optimizer, weightDecayOf } from './optimizers.js'
import type { StepOptions, TrainStepOptions } from './types.js'

export interface Trained { variable: tf.Variable; group: number; decays: boolean }

/** Numbers of a step behind those of the groups: newest share of the average, loss scale, 1 / loss scale. */
export const numbersAfterGroups = 3

/** A loss scale doubles after so many steps without overflow, as in torch.amp.GradScaler. */
const stepsToDouble = 2000

export class Program {
  readonly optimizer: Optimizer
  readonly trained: readonly Trained[]
  readonly state: readonly tf.Variable[]
  /** By variable, then by slot. */
  readonly #slots: Cell[][] = []
  readonly #gathered: Cell[] = []
  readonly #averages: Cell[] = []
  /** Batches whose gradients are summed and not applied yet. */
  gathered = 0
  /** Whether the loss is multiplied before it is differentiated: half precision has few small numbers. */
  readonly scales: boolean
  lossScale: number
  #stepsAtScale = 0
  /** Updates made with these slots; Adam's bias correction counts them. */
  updates = 0
  #restored = false

  /** The first key of this step's collectives. */
  readonly collectiveKey: number

  constructor(readonly engine: StartedEngine, readonly options: TrainStepOptions) {
    engine.programs.add(this)
    this.collectiveKey = options.workers?.keysForStep() ?? 0
    this.optimizer = optimizerFor(options.optimizer ?? { name: 'adamw' })
    checkGroups(options)
    const spec = options.optimizer ?? { name: 'adamw' }
    this.trained = options.groups.flatMap((group, i) => group.variables.map((variable) => ({ variable, group: i, decays: weightDecayOf(group, spec) !== 0 })))
    this.state = options.state ?? []
    this.scales = options.lossScale !== undefined || (options.precision === 'mixed' && narrowType(engine) === DType.float16)
    this.lossScale = options.lossScale ?? 2 ** 15
  }

  get variables(): tf.Variable[] { return this.trained.map(({ variable }) => variable) }

  cell(variable: tf.Variable): Cell {
    if (variable.isDisposed) throw new EngineError(`Cannot run the step: the variable ${variable.name} has been disposed. Record a new step.`)
    return cellOf(this.engine.runtime, this.engine.backend, variable)
  }

  /** The optimizer's slots of a variable, zeros at first. */
  slots(index: number): Cell[] {
    return this.#slots[index] ??= this.optimizer.slots(this.trained[index]!.variable.shape).map(({ shape }) => this.#zeros(shape))
  }

  /** The sum of a variable's gradients since the last update. */
  gatheredOf(index: number): Cell { return this.#gathered[index] ??= this.#zeros(this.trained[index]!.variable.shape) }

  /** The sum of the weights of the batches since the last update. */
  get gatheredWeight(): Cell { return this.#gathered[this.trained.length] ??= this.#zeros([]) }

  /** The running average of a variable, trained ones first, then the state; its value at first. */
  average(index: number): Cell {
    const variable = this.trained[index]?.variable ?? this.state[index - this.trained.length]!
    return this.#averages[index] ??= new OneCell(this.engine.runtime, variable.shape, DType.float32, this.cell(variable).id)
  }

  /** @returns a function that sets the counters back to what they are now */
  remember(): () => void {
    const { updates, gathered, lossScale } = this, atScale = this.#stepsAtScale
    return () => {
      Object.assign(this, { updates, gathered, lossScale })
      this.#stepsAtScale = atScale
    }
  }

  /** Takes note of a step that came to its end. @returns whether it changed the weights */
  finished(gathers: boolean, gradNorm: number): boolean {
    if (gathers) { this.gathered++; return false }
    this.gathered = 0
    const live = !this.scales || Number.isFinite(gradNorm)
    if (live) this.updates++
    if (this.scales) {
      this.#stepsAtScale = live ? this.#stepsAtScale + 1 : 0
      if (!live) this.lossScale /= 2
      else if (this.#stepsAtScale % stepsToDouble === 0) this.lossScale *= 2
    }
    return live
  }

  #zeros(shape: readonly number[]): Cell {
    return new OneCell(this.engine.runtime, shape, DType.float32)
  }

  /** The numbers of the coming update, group after group. */
  scalars(at: StepOptions): Float32Array {
    const { groups, optimizer = { name: 'adamw' } } = this.options
    checkStep(at, groups.length)
    const count = this.updates + 1, average = Math.min(this.options.average ?? 0, (1 + count) / (10 + count))
    const ofGroups = groups.flatMap((group, i) => this.optimizer.scalars(at.rates?.[i] ?? at.learningRate * (group.rate ?? 1), weightDecayOf(group, optimizer), count))
    return Float32Array.from([...ofGroups, 1 - average, this.lossScale, 1 / this.lossScale])
  }

  /** All that a step may change. */
  cells(): Cell[] {
    return [...[...this.variables, ...this.state].map((variable) => this.cell(variable)), ...this.trained.flatMap((_, i) => this.slots(i)), ...this.#averaged().map(({ cell }) => cell)]
  }

  #averaged(): { variable: tf.Variable; cell: Cell }[] {
    return this.options.average === undefined ? [] : [...this.variables, ...this.state].map((variable, i) => ({ variable, cell: this.average(i) }))
  }

  /** Whether a cell is the optimizer's and holds zeros still. */
  isFresh(cell: Cell): boolean { return this.updates === 0 && !this.#restored && this.#slots.some((cells) => cells?.includes(cell)) }

  /** Everything this step keeps besides the variables, by name. */
  holdings(): { name: string; cell: Cell }[] {
    const kept = (cells: readonly Cell[], name: (i: number) => string) => cells.flatMap((cell, i) => cell ? [{ name: name(i), cell }] : [])
    const names = [...this.variables, ...this.state].map(({ name }) => name)
    return [
      ...this.#slots.flatMap((cells, i) => kept(cells, (j) => `${names[i]}/${this.optimizer.slots(this.trained[i]!.variable.shape)[j]!.name}`)),
      ...kept(this.#gathered, (i) => `${names[i] ?? 'batches'}/gathered`), ...kept(this.#averages, (i) => `${names[i]}/average`),
    ]
  }

  #named(): { name: string; cell: Cell }[] {
    const slots = this.trained.flatMap(({ variable }, i) => this.optimizer.slots(variable.shape).map(({ name }, j) => ({ name: `${variable.name}/${name}`, cell: this.slots(i)[j]! })))
    return [...slots, ...this.#averaged().map(({ variable, cell }) => ({ name: `${variable.name}/average`, cell }))]
  }

  #copy({ id, shape, dtype }: Cell): tf.Tensor {
    const { runtime, backend } = this.engine
    return backend.createOutputTensor({ id: runtime.tensors.share(id), shape: [...shape], dtype })
  }

  copyAverages(): Record<string, tf.Tensor> {
    if (this.options.average === undefined) throw new EngineError('Cannot give the averages: this step keeps none. Record it with average: 0.999.')
    return Object.fromEntries(this.#averaged().map(({ variable, cell }) => [variable.name, this.#copy(cell)]))
  }

  copySlots(): Record<string, tf.Tensor> {
    return {
      updates: tf.scalar(this.updates, 'int32'), ...(this.scales ? { lossScale: tf.tensor1d([this.lossScale, this.#stepsAtScale]) } : {}),
      ...Object.fromEntries(this.#named().map(({ name, cell }) => [name, this.#copy(cell)])),
    }
  }

  restoreSlots(slots: Record<string, tf.Tensor>): void {
    this.#restored = true
    for (const { name, cell } of this.#named()) {
      const tensor = slots[name]
      if (!tensor) continue
      if (String(tensor.shape) !== String(cell.shape)) throw new EngineError(`Cannot restore ${name}: its shape must be [${cell.shape}]: got [${tensor.shape}]. Restore the state of the same model.`)
      cell.assign(this.engine.backend.getInputTensorIds([tensor])[0]!)
    }
    this.gathered = 0
    if (slots['updates']) this.updates = slots['updates'].dataSync()[0]!
    if (slots['lossScale']) [this.lossScale, this.#stepsAtScale] = slots['lossScale'].dataSync() as unknown as [number, number]
  }

  dispose(): void {
    this.engine.programs.delete(this)
    for (const cells of this.#slots.splice(0)) cells?.forEach((cell) => cell.dispose())
    for (const cell of [...this.#gathered.splice(0), ...this.#averages.splice(0)]) cell?.dispose()
  }
}

function checkGroups({ optimizer, groups, clipNorm, average, accumulate, lossScale, recompute, xla, state = [] }: TrainStepOptions): void {
  const seen = new Map<tf.Variable, string>()
  for (const { name, variables, sparse } of groups) {
    if (sparse && optimizer?.name === 'adafactor') throw new EngineError(`Cannot update the group "${name}" by rows: Adafactor keeps means over rows and columns. Leave out sparse, or use adamw.`)
    for (const variable of variables) {
      if (sparse && variable.rank === 0) throw new EngineError(`Cannot update the variable ${variable.name} by rows: it has none. Leave out sparse.`)
      const before = seen.get(variable)
      if (before !== undefined) throw new EngineError(`Cannot train: the variable ${variable.name} is in the groups "${before}" and "${name}". A variable belongs to one group.`)
      if (variable.dtype !== 'float32') throw new EngineError(`Cannot train the variable ${variable.name}: it must be float32: it is ${variable.dtype}.`)
      seen.set(variable, name)
    }
  }
  if (seen.size === 0) throw new EngineError('Cannot train: the groups hold no variables. Unfreeze part of the model, or add its head.')
  const both = state.find((variable) => seen.has(variable))
  if (both) throw new EngineError(`Cannot train: the variable ${both.name} is both trained and state. The optimizer updates the one, the loss assigns the other.`)
  if (recompute && xla) throw new EngineError('Cannot recompute under XLA: it would find what is computed twice and compute it once. Leave out recompute or xla.')
  if (clipNorm !== undefined && !(clipNorm > 0 && Number.isFinite(clipNorm))) throw new EngineError(`Cannot clip the gradients to a norm of ${clipNorm}: it must be above 0. Leave clipNorm out for no clipping.`)
  if (average !== undefined && !(average >= 0 && average < 1)) throw new EngineError(`Cannot average the weights with a decay of ${average}: it must be at least 0 and below 1. A usual one is 0.999.`)
  if (accumulate !== undefined && !(Number.isInteger(accumulate) && accumulate >= 1)) throw new EngineError(`Cannot accumulate ${accumulate} batches: it must be a whole number of at least 1.`)
  if (lossScale !== undefined && !(lossScale > 0 && Number.isFinite(lossScale))) throw new EngineError(`Cannot scale the loss by ${lossScale}: it must be above 0. Leave lossScale out; mixed precision chooses it where it needs one.`)
}

function checkStep({ learningRate, rates, step }: StepOptions, groups: number): void {
  if (rates && rates.length !== groups) throw new EngineError(`Cannot run the step: rates must hold one learning rate for each of the ${groups} groups: got ${rates.length}.`)
  for (const rate of rates ?? [learningRate]) if (!Number.isFinite(rate) || rate < 0) throw new EngineError(`Cannot run the step: a learning rate must be a number of at least 0: got ${rate}.`)
  if (!Number.isInteger(step) || step < 0) throw new EngineError(`Cannot run the step: step must be a whole number, counted from 1: got ${step}.`)
}
