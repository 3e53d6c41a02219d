// The lowest rung: every op of the step on its own. Slow, but it runs whatever TensorFlow.js runs.
import * as tf from '@tensorflow/tfjs'
import type { Cell } from './cells.js'
import { reduceStep } from './cluster/index.js'
import { type Pass, pass } from './forward.js'
import type { Program } from './program.js'
import type { StepOptions, StepResult, TensorMap } from './types.js'
import { type Gathering, writeAverage, writeUpdate } from './update.js'
import { ImmediateWriter } from './writer.js'

export function stepKey(seed: number, step: number): tf.Tensor {
  return tf.tensor1d([seed | 0, step | 0], 'int32')
}

export function runOpByOp(program: Program, inputs: TensorMap, at: StepOptions, gathering: Gathering): StepResult {
  const { backend } = program.engine, { loss, seed = 0 } = program.options
  const scalars = program.scalars(at)
  program.cells()
  const key = stepKey(seed, at.step)
  try {
    const passed = pass(backend, loss, inputs, key, program.state, program.variables, program.options.workers)
    try {
      const { loss: mean, gradNorm, updated, totals, signals } = applyUpdate(program, passed, scalars, at, gathering)
      const outputs = Object.fromEntries(Object.entries(passed.outputs).map(([name, tensor]) => [name, passed.totals.includes(name) ? tf.scalar(totals[passed.totals.indexOf(name)]!) : tensor.clone()]))
      return { loss: mean, gradNorm, updated, signals, outputs }
    } finally {
      passed.release()
    }
  } finally {
    key.dispose()
  }
}

/** Updates the variables, the slots and the state from a pass with gradients. @returns the global norm of the gradients, the loss and the totals */
function applyUpdate(program: Program, passed: Pass, scalars: Float32Array, { signals = [0, 0] }: StepOptions, gathering: Gathering): { loss: number; gradNorm: number; updated: boolean; totals: number[]; signals: readonly [number, number] } {
  const { runtime, backend } = program.engine, { optimizer, trained, options: { workers } } = program
  const writer = new ImmediateWriter(runtime)
  const moved = trained.map((_, i) => i).filter((i) => passed.gradients[i])
  let gradients = backend.getInputTensorIds(moved.map((i) => passed.gradients[i]!))
  let [loss, ...totals] = backend.getInputTensorIds([passed.loss, ...passed.totals.map((name) => passed.outputs[name]!)]) as [number, ...number[]], states = passed.state
  try {
    if (workers) {
      const weight = passed.weight ? backend.getInputTensorIds([passed.weight])[0]! : writer.constant([1], [])
      const weighted = gradients.map((ref, i) => ({ ref: writer.op('Mul', [ref, weight])[0]!, shape: trained[moved[i]!]!.variable.shape }))
      const reduced = reduceStep(writer, workers, program.collectiveKey, { gradients: weighted, state: passed.state.map((ref, i) => ({ ref, shape: program.state[i]!.shape })), loss, totals, weight, signals: writer.constant(signals, [2]) })
      ;({ gradients, loss, totals, state: states } = reduced)
      const sums = runtime.tensors.read(reduced.signals) as Float32Array
      signals = [sums[0]!, sums[1]!]
    }
    const numbers = writer.constant([...scalars], [scalars.length]), values = new Map<number, number>()
    const held = (index: number) => {
      const cell = program.cell(trained[index]!.variable), reads = trained[index]!.decays || optimizer.readsValue
      const value = reads ? runtime.tensors.share(cell.id) : -1
      if (reads) values.set(index, value)
      cell.settle()
      return { resource: cell.resource, value, read: [] }
    }
    const resource = (cell: Cell) => { cell.settle(); return cell.resource }
    const average = (index: number) => { const cell = program.average(index), value = writer.op('Identity', [cell.id])[0]!; cell.settle(); return { resource: cell.resource, value, read: [] } }
    const { norm } = writeUpdate(writer, program, {
      gathering, moved, gradients, scalars: numbers, scaled: false, held, average, slots: (index) => program.slots(index).map(resource), gathered: (index) => resource(program.gatheredOf(index)), weights: () => resource(program.gatheredWeight),
      weight: passed.weight && !workers ? backend.getInputTensorIds([passed.weight])[0]! : writer.constant([1], []),
      done: (index) => { if (values.has(index)) runtime.tensors.delete(values.get(index)!) },
    })
    program.state.forEach((variable, i) => {
      const cell = program.cell(variable)
      if (passed.state[i] === cell.id) return
      cell.assign(states[i]!)
      if (program.options.average !== undefined) writeAverage(writer, average(trained.length + i), states[i]!, writer.constant([gathering === 'first' || gathering === 'more' ? 0 : scalars.at(-3)!], []))
    })
    const read = (id: number) => (runtime.tensors.read(id) as Float32Array)[0]!, gradNorm = read(norm)
    const updated = program.finished(gathering === 'first' || gathering === 'more', gradNorm)
    return { loss: read(loss), gradNorm, updated, totals: totals.map(read), signals }
  } finally {
    writer.release()
  }
}
