// Which narrow type mixed precision multiplies in: bfloat16 on a CPU, float16 on a GPU.
import { DType } from './dtypes.js'
import type { StartedEngine } from './engine.js'

export function narrowType(engine: Pick<StartedEngine, 'devices'>): number {
  return engine.devices().some(({ type }) => type === 'GPU') ? DType.float16 : DType.bfloat16
}
