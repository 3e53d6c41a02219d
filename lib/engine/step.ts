// recordTrainStep: forward, gradients and update as one thing that is run again and again.
import { engineFor } from './engine.js'
import { runOpByOp } from './op-by-op.js'
import { Program } from './program.js'
import type { Rung, StepOptions, StepResult, TensorMap, TrainStep, TrainStepOptions } from './types.js'

export function recordTrainStep(options: TrainStepOptions): TrainStep {
  return new Step(new Program(engineFor(), options))
}

class Step implements TrainStep {
  rung: Rung = 'op by op'
  rungReason: string | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(readonly program: Program) {}

  run(inputs: TensorMap, options: StepOptions): StepResult {
    return runOpByOp(this.program, inputs, options)
  }

  async runAsync(inputs: TensorMap, options: StepOptions): Promise<StepResult> {
    const before = this.#last
    const mine = (async () => { await before.catch(() => {}); return this.run(inputs, options) })()
    this.#last = mine
    return mine
  }

  slots() { return this.program.copySlots() }
  restoreSlots(slots: TensorMap): void { this.program.restoreSlots(slots) }
  dispose(): void { this.program.dispose() }
}
