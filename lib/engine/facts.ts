// What `doctor` shows about the engine: which TensorFlow, which devices, what will train and why, and what to run when something is missing.
import { existsSync } from 'node:fs'
import type { EngineOptions } from './config.js'
import type { Device } from './devices.js'
import { cure, currentEngine, startEngine } from './engine.js'
import { findTensorFlow, type FoundLibrary, type SearchEnvironment } from './find.js'

export interface EngineFacts {
  /** 'missing': no library; 'broken': one that does not load. */
  state: 'ready' | 'missing' | 'broken'
  /** '2.21.0' */
  tensorflowVersion?: string
  /** The library file in use. */
  libraryPath?: string
  /** Which rule found it, and the wheel it belongs to. */
  library?: FoundLibrary
  /** All candidates, in the order in which they are tried. */
  candidates: FoundLibrary[]
  devices: Device[]
  /** The device that trains: 'CPU:0', 'GPU:0'; undefined when nothing can. */
  trainsOn?: string
  /** One sentence: what will train, and why that. */
  reason: string
  /** The command that fixes what is missing; undefined when nothing is. */
  cure?: string
}

/**
 * Looks for TensorFlow and starts the engine to ask it (1–2 s the first time). Never throws.
 * @example
 * engineFacts().reason // 'Trains on CPU:0 with TensorFlow 2.21.0 (tensorflow-cpu in .venv): no GPU is visible.'
 */
export function engineFacts(options: EngineOptions = {}, where: SearchEnvironment = {}): EngineFacts {
  const candidates = findTensorFlow(where)
  if (!candidates.length && !currentEngine()) return { state: 'missing', candidates, devices: [], reason: 'Nothing can train: no TensorFlow library was found.', cure: cure() }
  try {
    const engine = startEngine(options), devices = engine.devices(), { library } = engine
    const gpu = devices.find(({ type }) => type === 'GPU')
    const named = `TensorFlow ${engine.tensorflowVersion} (${library.wheel ?? 'library'} from ${library.source})`
    const idle = !gpu && nvidiaPresent()
    return {
      state: 'ready', tensorflowVersion: engine.tensorflowVersion, libraryPath: engine.libraryPath, library, candidates, devices, trainsOn: (gpu ?? devices[0])!.name,
      reason: gpu
        ? `Trains on ${gpu.name} with ${named}: TensorFlow sees ${devices.filter(({ type }) => type === 'GPU').length} GPU.`
        : `Trains on CPU:0 with ${named}: ${idle ? 'an NVIDIA GPU is there, but this TensorFlow cannot use it' : 'no GPU is visible'}.`,
      ...(idle ? { cure: "python3 -m pip install 'tensorflow[and-cuda]', in the same environment" } : {}),
    }
  } catch (error) {
    return { state: 'broken', candidates, devices: [], reason: (error as Error).message, cure: cure() }
  }
}

function nvidiaPresent(): boolean {
  return existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidia0')
}
