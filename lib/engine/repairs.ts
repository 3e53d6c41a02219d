// Kernels of tfjs-node that are wrong, slow or cannot be recorded, written anew against TensorFlow's ops.
import * as tf from '@tensorflow/tfjs'
import { AttributeKind } from './attributes.js'
import type { Backend } from './backend.js'
import { DType } from './dtypes.js'

type Inputs = Record<string, tf.TensorInfo>

const type = (name: string, value: number) => ({ name, type: AttributeKind.type, value })
const bool = (name: string, value: unknown) => ({ name, type: AttributeKind.bool, value: Boolean(value) })
const numbers: Record<string, number> = DType

function repair(kernelName: string, kernel: (backend: Backend, inputs: Inputs, attributes: Record<string, unknown>) => tf.TensorInfo): void {
  tf.unregisterKernel(kernelName, 'tensorflow')
  tf.registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc: ({ inputs, attrs, backend }) => kernel(backend as Backend, inputs as Inputs, attrs as Record<string, unknown>) })
}

/** Small int32 tensors made for one op and let go after it. */
function withInts<T>(values: (number | number[])[], use: (tensors: tf.Tensor[]) => T): T {
  const tensors = values.map((value) => tf.keep(Array.isArray(value) ? tf.tensor1d(value, 'int32') : tf.scalar(value, 'int32')))
  try {
    return use(tensors)
  } finally {
    tf.dispose(tensors)
  }
}

export function repairKernels(): void {
  // Reads all indices back to check them, which stalls a GPU and cannot be recorded. TensorFlow checks them itself.
  repair('GatherV2', (backend, { x, indices }, { axis, batchDims }) => withInts([axis as number], ([at]) =>
    backend.executeSingleOutput('GatherV2', [{ name: 'batch_dims', type: AttributeKind.int, value: batchDims ?? 0 }, type('Tparams', numbers[x!.dtype]!), type('Tindices', numbers[indices!.dtype]!), type('Taxis', DType.int32)], [x!, indices!, at!])))
  // Forget halfPixelCenters, and so give the gradient of another resize.
  repair('ResizeBilinearGrad', (backend, { dy, images }, { alignCorners, halfPixelCenters }) =>
    backend.executeSingleOutput('ResizeBilinearGrad', [type('T', DType.float32), bool('align_corners', alignCorners), bool('half_pixel_centers', halfPixelCenters)], [dy!, images!]))
  repair('ResizeNearestNeighborGrad', (backend, { dy, images }, { alignCorners, halfPixelCenters }) => withInts([images!.shape.slice(1, 3)], ([size]) =>
    backend.executeSingleOutput('ResizeNearestNeighborGrad', [type('T', DType.float32), bool('align_corners', alignCorners), bool('half_pixel_centers', halfPixelCenters)], [dy!, size!])))
}
