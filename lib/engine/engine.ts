// Starting the engine: find TensorFlow, load it, make a context, put TensorFlow.js on top of it. Once per process: when asked to, or at
// TensorFlow.js' first op.
import { createRequire } from 'node:module'
import * as tf from '@tensorflow/tfjs'
import { type Backend, makeBackend, offerBackend, useBackend } from './backend.js'
import { asTensorFlowJS, createBinding } from './binding.js'
import { loadCApi, type CApi, type Pointer } from './c-api.js'
import { clusterFrom, type ClusterSpec, Workers } from './cluster/index.js'
import { configProto, type EngineOptions } from './config.js'
import { type Device, listDevices } from './devices.js'
import { EngineError } from './errors.js'
import { candidates, type FoundLibrary, libraryAt } from './find.js'
import { attributesFor, type AttributeValues, groupInputs } from './op-definitions.js'
import { withQuietLog } from './quiet-log.js'
import { type Ledger, takeLedger } from './ledger.js'
import type { Program } from './program.js'
import { Runtime } from './runtime.js'

/** TensorFlow, loaded and set as TensorFlow.js's backend. */
export interface Engine {
  readonly tensorflowVersion: string
  /** The library file in use. */
  readonly libraryPath: string
  readonly library: FoundLibrary
  devices(): Device[]
  /** Tensors alive in TensorFlow's memory; the same before and after a piece of work that leaks nothing. */
  numTensors(): number
  /** Who holds them: weights and optimizer state by name, other tensors by cell and shape. `ledger().since(earlier)` shows what leaks. */
  ledger(): Ledger
  /** Ops and recorded functions run so far. */
  numExecuted(): number
  readonly milliseconds: number
  /** The cluster that TF_CONFIG names, when it is one of several workers. */
  readonly workers: Workers | undefined
}

export interface StartedEngine extends Engine { readonly runtime: Runtime; readonly backend: Backend; /** Steps that are not disposed. */ readonly programs: Set<Pick<Program, 'holdings'>> }

let started: StartedEngine | undefined

/** The command that gives this project a TensorFlow, by platform. */
export function cure(): string {
  return process.arch === 'x64' && process.platform === 'linux' ? 'npx afinar setup, or python3 -m pip install tensorflow-cpu' : 'npx afinar setup, or python3 -m pip install tensorflow'
}

/**
 * Finds and loads TensorFlow and makes it TensorFlow.js's backend ('tensorflow'). The first call takes 1–2 s; later calls return the same engine.
 * TensorFlow.js' first op does the same with the default options.
 *
 * @throws EngineError when there is no TensorFlow, or none that loads; the message says what to run.
 * @example
 * import * as tf from '@tensorflow/tfjs'
 * startEngine().tensorflowVersion // '2.21.0'
 * tf.add(1, 2).print()
 */
export function startEngine(options: EngineOptions = {}): Engine {
  return engineFor(options)
}

/** The started engine with its insides, for this room. */
export function engineFor(options: EngineOptions = {}): StartedEngine {
  if (!started) {
    started = start(options)
    useBackend()
  }
  return started
}

offerBackend(() => (started ??= start({})).backend)

/** The engine if it has been started. */
export const currentEngine = (): Engine | undefined => started

function start(options: EngineOptions): StartedEngine {
  const begin = performance.now()
  const cluster = clusterFrom(process.env['TF_CONFIG'])
  const level = { info: '0', warning: '1', error: '2', fatal: '3' }[options.logLevel ?? 'error']
  if (options.logLevel) process.env['TF_CPP_MIN_LOG_LEVEL'] = level
  else process.env['TF_CPP_MIN_LOG_LEVEL'] ??= level
  if (options.deterministic !== undefined) process.env['TF_DETERMINISTIC_OPS'] = options.deterministic ? '1' : '0'
  const { library, api, status, context } = withQuietLog(process.env['TF_CPP_MIN_LOG_LEVEL'], () => {
    const { library, api } = firstThatLoads(options.library)
    const status = api.TF_NewStatus() as Pointer
    return { library, api, status, context: newContext(api, status, options) }
  })
  const runtime = new Runtime(api, context, status)
  endBeforeDestructors()
  const workers = cluster && joined(runtime, cluster, options)
  const devices = () => listDevices({ api, context, status, check: (what) => runtime.check(what) })
  const gpu = devices().some(({ type }) => type === 'GPU')
  const backend = makeBackend(createBinding(runtime, { gpu }), runtime)
  const engine: StartedEngine = {
    ledger: () => takeLedger(engine), programs: new Set(),
    tensorflowVersion: api.TF_Version() as string, libraryPath: library.files[0]!, library, devices, runtime, backend, workers,
    numTensors: () => runtime.tensors.size, numExecuted: () => runtime.executed, milliseconds: performance.now() - begin,
  }
  return engine
}

/**
 * TensorFlow's static destructors run while its threads still do, and crash the process at its end (SIGSEGV after all work is done).
 * glibc calls what was registered last first: `_exit` with the process's own status, before any destructor.
 */
function endBeforeDestructors(): void {
  if (process.platform !== 'linux') return
  const koffi = createRequire(import.meta.url)('koffi') as { load(path: string | null): { symbol(name: string, type: string): unknown; func(signature: string): (handler: unknown, argument: null) => number } }
  try {
    const libc = koffi.load(null)
    libc.func('int on_exit(void *handler, void *argument)')(libc.symbol('_exit', 'void *'), null)
  } catch { /* another C library than glibc */ }
}

/** Before any other op: the server brings devices of its own. */
function joined(runtime: Runtime, cluster: ClusterSpec, options: EngineOptions): Workers {
  const gpu = listDevices({ api: runtime.api, context: runtime.context, status: runtime.status, check: (what) => runtime.check(what) }).some(({ type }) => type === 'GPU')
  const workers = new Workers(runtime, cluster, configProto(options), gpu)
  console.warn(workers.warning)
  return workers
}

function firstThatLoads(named: string | undefined): { library: FoundLibrary; api: CApi } {
  const failures: string[] = []
  const looked = named === undefined ? candidates() : [libraryAt(named)]
  for (const library of looked) {
    try {
      return { library, api: loadCApi(library.files) }
    } catch (error) {
      failures.push((error as Error).message)
    }
  }
  throw new EngineError(failures.length
    ? `Cannot start the engine: ${failures.join(' ')}`
    : `Cannot start the engine: no TensorFlow library was found (looked in AFINAR_TENSORFLOW, .venv, the Python on the PATH, tfjs-node's download, the system's folders). Run ${cure()}, or set AFINAR_TENSORFLOW to the folder that holds libtensorflow_cc.so.2.`)
}

function newContext(api: CApi, status: Pointer, options: EngineOptions): Pointer {
  const contextOptions = api.TFE_NewContextOptions() as Pointer
  const config = configProto(options)
  api.TFE_ContextOptionsSetConfig(contextOptions, config, config.length, status)
  const context = api.TFE_NewContext(contextOptions, status) as Pointer | null
  api.TFE_DeleteContextOptions(contextOptions)
  if (!context || api.TF_GetCode(status) !== 0) throw new EngineError(`Cannot start the engine: TensorFlow could not make a context with ${JSON.stringify(options)} (${api.TF_Message(status) as string}).`)
  return context
}

/**
 * Runs any TensorFlow op by name. Attributes are given by name; types may be named ('uint8'). What TensorFlow.js has no dtype
 * for is cast on the way out: uint8 and int64 to int32, float16, bfloat16 and float64 to float32.
 *
 * @param outputs how many outputs the op has
 * @throws EngineError when the op, an attribute or an input is not what TensorFlow wants
 * @example
 * const [image] = execute('DecodeJpeg', { channels: 3 }, [tf.scalar(bytes, 'string')], 1) // int32 [height, width, 3]
 */
export function execute(op: string, attributes: AttributeValues, inputs: tf.Tensor[], outputs: number): tf.Tensor[] {
  const { runtime, backend } = engineFor()
  const definition = runtime.definitions.get(op)
  const results = runtime.execute(op, attributesFor(definition, attributes), groupInputs(definition, backend.getInputTensorIds(inputs), attributes), outputs)
  return results.map((result) => backend.createOutputTensor(asTensorFlowJS(runtime, result)))
}
