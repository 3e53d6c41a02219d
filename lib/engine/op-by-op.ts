// The lowest rung: every op of the step on its own. Slow, but it runs whatever TensorFlow.js runs.
import * as tf from '@tensorflow/tfjs'
import { type Pass, pass } from './forward.js'
import { clip, globalNorm } from './optimizers.js'
import type { Program } from './program.js'
import type { StepOptions, StepResult, TensorMap } from './types.js'
import { ImmediateWriter } from './writer.js'

export function stepKey(seed: number, step: number): tf.Tensor {
  return tf.tensor1d([seed | 0, step | 0], 'int32')
}

export function runOpByOp(program: Program, inputs: TensorMap, at: StepOptions): StepResult {
  const { backend } = program.engine, { loss, seed = 0 } = program.options
  const scalars = program.scalars(at)
  for (const variable of [...program.variables, ...program.state]) program.cell(variable)
  const key = stepKey(seed, at.step)
  try {
    const passed = pass(backend, loss, inputs, key, program.state, program.variables)
    try {
      const gradNorm = applyUpdate(program, passed, scalars)
      const outputs = Object.fromEntries(Object.entries(passed.outputs).map(([name, tensor]) => [name, tensor.clone()]))
      return { loss: passed.loss.dataSync()[0]!, gradNorm, outputs }
    } finally {
      passed.release()
    }
  } finally {
    key.dispose()
  }
}

/** Updates the variables, the slots and the state from a pass with gradients. @returns the global norm of the gradients */
export function applyUpdate(program: Program, passed: Pass, scalars: Float32Array): number {
  const { runtime, backend } = program.engine, { optimizer, trained } = program
  const writer = new ImmediateWriter(runtime)
  const moved = trained.map((_, i) => i).filter((i) => passed.gradients[i])
  let gradients = backend.getInputTensorIds(moved.map((i) => passed.gradients[i]!))
  try {
    const { norm } = globalNorm(writer, gradients)
    if (program.options.clipNorm !== undefined) gradients = clip(writer, gradients, norm, program.options.clipNorm)
    const numbers = [...scalars].map((value) => writer.constant([value], []))
    moved.forEach((index, i) => {
      const { variable, group, decays } = trained[index]!, cell = program.cell(variable), slots = program.slots(index)
      const mine = numbers.slice(group * optimizer.scalarsPerGroup, (group + 1) * optimizer.scalarsPerGroup)
      const value = decays ? runtime.tensors.share(cell.id) : -1
      for (const one of [cell, ...slots]) one.settle()
      optimizer.update(writer, { resource: cell.resource, value, gradient: gradients[i]!, slots: slots.map(({ resource }) => resource), scalars: mine, after: [] }, decays)
      if (decays) runtime.tensors.delete(value)
    })
    program.state.forEach((variable, i) => {
      const cell = program.cell(variable)
      if (passed.state[i] !== cell.id) cell.assign(passed.state[i]!)
    })
    program.updates++
    return (runtime.tensors.read(norm) as Float32Array)[0]!
  } finally {
    writer.release()
  }
}
