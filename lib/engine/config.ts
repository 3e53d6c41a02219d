// TensorFlow's start-up configuration (ConfigProto) from our options: threads, GPU memory, devices.
import { floatsField, intField, lengthField, message } from './protobuf.js'

export interface EngineOptions {
  /** 'cpu', 'gpu' (the first) or 'gpu:1'. Default: a GPU where TensorFlow sees one. */
  device?: string
  /** GPU memory that may be used, in MiB; default: grows on demand up to the whole. */
  gpuMemoryLimit?: number
  /** Threads inside one op; default: the number of cores. */
  threads?: number
  /** Threads for ops side by side; default: the number of cores. */
  parallelOps?: number
  /**
   * The same seed gives the same weights to the bit on a GPU too, where sums are otherwise made in any order; slower there, and an op that
   * has no such form is an error (TF_DETERMINISTIC_OPS). On a CPU it always does. Default false.
   */
  deterministic?: boolean
  /** What TensorFlow's C++ code may write to stderr: 'info', 'warning', 'error', 'fatal'. Default 'error'. */
  logLevel?: 'info' | 'warning' | 'error' | 'fatal'
  /** The folder or file of libtensorflow; default: the search of findTensorFlow. */
  library?: string
}

/** tensorflow/core/protobuf/config.proto, by field number. */
export function configProto(options: EngineOptions): Buffer {
  const device = /^(cpu|gpu)(?::(\d+))?$/.exec(options.device ?? '') ?? []
  const gpu = [intField(4, true)]                                                       // GPUOptions.allow_growth
  if (device[2] !== undefined) gpu.push(lengthField(5, device[2]))                      // visible_device_list
  if (options.gpuMemoryLimit !== undefined) gpu.push(lengthField(9, lengthField(1, floatsField(1, [options.gpuMemoryLimit])))) // experimental.virtual_devices.memory_limit_mb
  const fields = [lengthField(6, message(...gpu)), intField(7, true)]                   // gpu_options, allow_soft_placement
  if (device[1] === 'cpu') fields.push(lengthField(1, message(lengthField(1, 'GPU'), intField(2, 0)))) // device_count: no GPU
  if (options.threads !== undefined) fields.push(intField(2, options.threads))          // intra_op_parallelism_threads
  if (options.parallelOps !== undefined) fields.push(intField(5, options.parallelOps))  // inter_op_parallelism_threads
  return message(...fields)
}
