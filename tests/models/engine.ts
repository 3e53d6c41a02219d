// The engine that the model room's tests run on.
import { startEngine } from '../../lib/engine/index.js'

export const engine = (): void => { startEngine() }
