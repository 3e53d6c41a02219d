// tfjs-node's JavaScript backend on our binding: registered under its own name 'tensorflow', with the kernels that need a repair.
import * as tf from '@tensorflow/tfjs'
import { createRequire } from 'node:module'
import type { TFJSBinding } from './binding.js'
import { registerCTC } from './ctc.js'
import { registerGradients } from './gradients.js'
import { redirectRandom } from './random.js'
import { repairKernels } from './repairs.js'
import type { Runtime, TensorMetadata } from './runtime.js'

/** The parts of tfjs-node's NodeJSKernelBackend that the engine uses. */
export interface Backend extends tf.KernelBackend {
  readonly runtime: Runtime
  readonly binding: TFJSBinding
  readonly tensorMap: tf.DataStorage<BackendData>
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[]
  createOutputTensor(output: TensorMetadata): tf.Tensor
  executeSingleOutput(name: string, attributes: { name: string; type: number; value: unknown }[], inputs: tf.TensorInfo[]): tf.Tensor
}

export interface BackendData { shape: number[]; dtype: number; id: number; values: unknown; refCount: number }

/**
 * Names 'tensorflow' as TensorFlow.js's first choice. `make` is called by the first op, or by `useBackend`: until then nothing is loaded.
 * Where it throws, TensorFlow.js says so once and computes in JavaScript.
 */
export function offerBackend(make: () => Backend): void {
  quietly(() => tf.registerBackend('tensorflow', () => {
    try {
      return make()
    } catch (error) {
      if (error instanceof Error) error.stack = `${error.message}\nUntil then TensorFlow.js computes in JavaScript, which is slow.`
      withoutAdvertisement()
      throw error
    }
  }, 3))
}

/** TensorFlow.js' own backend recommends, at its first use, a package that is not the cure. */
function withoutAdvertisement(): void {
  const make = tf.findBackendFactory('cpu') as (() => tf.KernelBackend) | undefined
  if (!make) return
  tf.removeBackend('cpu')
  tf.registerBackend('cpu', () => Object.assign(make(), { firstUse: false }), 1)
}

export function useBackend(): void {
  void tf.setBackend('tensorflow')
}

export function makeBackend(binding: TFJSBinding, runtime: Runtime): Backend {
  const require = createRequire(import.meta.url)
  restoreOldUtil(require('node:util') as Record<string, unknown>)
  const { NodeJSKernelBackend } = require('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js') as { NodeJSKernelBackend: new (binding: TFJSBinding, name: string) => Backend }
  quietly(() => require('@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js'))
  repairKernels()
  registerGradients()
  registerCTC()
  redirectRandom(createRequire(require.resolve('@tensorflow/tfjs'))('@tensorflow/tfjs-core') as never)
  const backend = Object.assign(new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu'), { runtime }), move = backend.move.bind(backend)
  backend.move = (dataId, values, shape, dtype, refCount) => {
    runtime.listener?.written(values)
    move(dataId, values, shape, dtype, refCount)
  }
  return backend
}

/** Node 23 took isNullOrUndefined and isArray out of node:util; tfjs-node's kernels call them. */
function restoreOldUtil(util: Record<string, unknown>): void {
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined
  util['isArray'] ??= Array.isArray
}

/** TensorFlow.js greets a Node user without tfjs-node with an advertisement; here it would be wrong. */
function quietly(load: () => unknown): void {
  const { warn, info, log } = console
  const other = (print: typeof warn) => (...words: unknown[]) => { if (!/speed things up|already registered/i.test(String(words[0]))) print(...words) }
  Object.assign(console, { warn: other(warn), info: other(info), log: other(log) })
  try {
    load()
  } finally {
    Object.assign(console, { warn, info, log })
  }
}
