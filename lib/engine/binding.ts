// The native side that tfjs-node's JavaScript backend asks for (its TFJSBinding), over our runtime.
import { type Attribute, AttributeKind } from './attributes.js'
import { DType, dtypeInTensorFlowJS, type Values } from './dtypes.js'
import { EngineError } from './errors.js'
import type { Runtime, TensorMetadata } from './runtime.js'
import { SavedModels } from './saved-models.js'

export interface TFJSBinding {
  readonly TF_Version: string
  createTensor(shape: number[], dtype: number, values: ArrayLike<unknown>): number
  deleteTensor(id: number): void
  tensorDataSync(id: number): Values | Uint8Array[]
  executeOp(name: string, attributes: Attribute[], inputs: number[], outputs: number): TensorMetadata[]
  loadSavedModel(folder: string, tags: string): number
  deleteSavedModel(id: number): void
  runSavedModel(id: number, inputs: number[], inputNames: string, outputNames: string): TensorMetadata[]
  getNumOfSavedModels(): number
  getNumOfTensors(): number
  isUsingGpuDevice(): boolean
}

export function createBinding(runtime: Runtime, facts: { gpu: boolean }): TFJSBinding {
  const models = new SavedModels(runtime)
  const constants = {
    TF_FLOAT: DType.float32, TF_INT32: DType.int32, TF_INT64: DType.int64, TF_BOOL: DType.bool, TF_COMPLEX64: DType.complex64, TF_STRING: DType.string, TF_RESOURCE: DType.resource, TF_UINT8: DType.uint8,
    TF_ATTR_STRING: AttributeKind.string, TF_ATTR_INT: AttributeKind.int, TF_ATTR_FLOAT: AttributeKind.float, TF_ATTR_BOOL: AttributeKind.bool, TF_ATTR_TYPE: AttributeKind.type, TF_ATTR_SHAPE: AttributeKind.shape, TF_ATTR_RESOURCE: 99,
  }
  return {
    ...constants,
    TF_Version: runtime.api.TF_Version() as string,
    createTensor: (shape, dtype, values) => runtime.create(shape, dtype, values),
    deleteTensor: (id) => runtime.delete(id),
    tensorDataSync(id) {
      runtime.listener?.reading(id)
      return runtime.tensors.read(id)
    },
    executeOp: (name, attributes, inputs, outputs) => runtime.execute(name, attributes, inputs, outputs).map((output) => asTensorFlowJS(runtime, output)),
    loadSavedModel: (folder, tags) => models.load(folder, tags),
    deleteSavedModel: (id) => models.delete(id),
    runSavedModel: (id, inputs, inputNames, outputNames) => models.run(id, inputs, inputNames.split(','), outputNames.split(',')).map((output) => asTensorFlowJS(runtime, output)),
    getNumOfSavedModels: () => models.size,
    getNumOfTensors: () => runtime.tensors.size,
    isUsingGpuDevice: () => facts.gpu,
  }
}

/** Casts what TensorFlow.js has no dtype for (uint8, int64, half …) to the one it will be called. */
export function asTensorFlowJS(runtime: Runtime, output: TensorMetadata): TensorMetadata {
  if (output.shape.includes(-1)) throw new EngineError(`Cannot tell the shape [${output.shape}] before it is computed.`)
  const dtype = dtypeInTensorFlowJS(output.dtype)
  if (dtype === output.dtype) return output
  const [cast] = runtime.execute('Cast', [{ name: 'SrcT', type: AttributeKind.type, value: output.dtype }, { name: 'DstT', type: AttributeKind.type, value: dtype }, { name: 'Truncate', type: AttributeKind.bool, value: false }], [output.id], 1)
  runtime.delete(output.id)
  return cast!
}
