// The engine, where there is one: tensors made in this room belong to it from the start. Without TensorFlow a look at data still works, on TensorFlow.js' own.
import { EngineError, startEngine } from '../engine/index.js'

/** Whether it runs. */
export function startIfThere(): boolean {
  try {
    startEngine()
    return true
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return false
  }
}
