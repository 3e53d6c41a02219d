// TensorFlow's C API as TypeScript sees it: which functions are used and with which types. Finding the library is find.ts.
import { createRequire } from 'node:module'
import { EngineError } from './errors.js'

/** An address in TensorFlow's memory. */
export type Pointer = bigint

/** A C function: called on this thread, or on one of koffi's with `.async` (callback last). */
export interface CFunction {
  (...values: unknown[]): any
  async(...values: unknown[]): void
}

// Result first, then the arguments: v void, p pointer (also takes a typed array), i int, l int64, z size_t, f float, b bool,
// s string, S strings, o one TF_Output by value. Arrays of TF_Output travel as memory, see graph.ts.
const signatures = {
  TF_Version: 's', TF_NewStatus: 'p', TF_DeleteStatus: 'vp', TF_GetCode: 'ip', TF_Message: 'sp', TF_NewBuffer: 'p', TF_DeleteBuffer: 'vp',
  TF_AllocateTensor: 'pipiz', TF_TensorData: 'pp', TF_TensorByteSize: 'zp', TF_DeleteTensor: 'vp', TF_NumDims: 'ip', TF_Dim: 'lpi', TF_TensorType: 'ip',
  TF_StringInit: 'vp', TF_StringCopy: 'vppz', TF_StringGetDataPointer: 'pp', TF_StringGetSize: 'zp', TF_StringDealloc: 'vp',
  TFE_NewContextOptions: 'p', TFE_ContextOptionsSetConfig: 'vppzp', TFE_DeleteContextOptions: 'vp', TFE_NewContext: 'ppp',
  TFE_ContextListDevices: 'ppp', TF_DeleteDeviceList: 'vp', TF_DeviceListCount: 'ip', TF_DeviceListName: 'spip', TF_DeviceListType: 'spip', TF_DeviceListMemoryBytes: 'lpip',
  TFE_ContextAddFunction: 'vppp', TFE_ContextRemoveFunction: 'vpsp', TFE_EnableCollectiveOps: 'vppzp', TFE_CollectiveOpsCheckPeerHealth: 'vpslp', TFE_AbortCollectiveOps: 'vpp', TF_SetStatus: 'vpis', TF_LoadPluggableDeviceLibrary: 'psp',
  TFE_NewOp: 'ppsp', TFE_DeleteOp: 'vp', TFE_OpSetDevice: 'vpsp', TFE_OpAddInput: 'vppp', TFE_OpAddInputList: 'vppip', TFE_Execute: 'vpppp',
  TFE_OpSetAttrType: 'vpsi', TFE_OpSetAttrTypeList: 'vpspi', TFE_OpSetAttrInt: 'vpsl', TFE_OpSetAttrIntList: 'vpspi', TFE_OpSetAttrFloat: 'vpsf', TFE_OpSetAttrFloatList: 'vpspi',
  TFE_OpSetAttrBool: 'vpsb', TFE_OpSetAttrBoolList: 'vpspi', TFE_OpSetAttrString: 'vpspz', TFE_OpSetAttrShape: 'vpspip',
  TFE_NewTensorHandle: 'ppp', TFE_DeleteTensorHandle: 'vp', TFE_TensorHandleDataType: 'ip', TFE_TensorHandleNumDims: 'ipp', TFE_TensorHandleDim: 'lpip',
  TFE_TensorHandleResolve: 'ppp', TFE_TensorHandleCopySharingTensor: 'ppp', TFE_TensorHandleBackingDeviceName: 'spp',
  TFE_NewCancellationManager: 'p', TFE_CancellationManagerStartCancel: 'vp', TFE_DeleteCancellationManager: 'vp', TFE_OpSetCancellationManager: 'vppp',
  TF_NewGraph: 'p', TF_DeleteGraph: 'vp', TF_NewOperation: 'ppss', TF_AddInput: 'vpo', TF_AddInputList: 'vppi', TF_AddControlInput: 'vpp', TF_FinishOperation: 'ppp',
  TF_SetAttrType: 'vpsi', TF_SetAttrTypeList: 'vpspi', TF_SetAttrInt: 'vpsl', TF_SetAttrIntList: 'vpspi', TF_SetAttrFloat: 'vpsf', TF_SetAttrFloatList: 'vpspi',
  TF_SetAttrBool: 'vpsb', TF_SetAttrBoolList: 'vpspi', TF_SetAttrString: 'vpspz', TF_SetAttrShape: 'vpspi', TF_SetAttrTensor: 'vpspp',
  TF_GraphGetOpDef: 'vpspp', TF_OperationOpType: 'sp', TF_OperationOutputType: 'io', TF_OperationNumOutputs: 'ip', TF_GraphOperationByName: 'pps', TF_GraphGetTensorNumDims: 'ipop', TF_GraphGetTensorShape: 'vpopip', TF_GraphNextOperation: 'ppp', TF_OperationOutputNumConsumers: 'io', TF_OperationInput: 'oo', TF_OperationOutputConsumers: 'iopi', TF_UpdateEdge: 'vpoop',
  TF_AddGradients: 'vppipippp', TF_GraphToFunction: 'ppsbipipippppp', TF_FunctionSetAttrValueProto: 'vpspzp', TF_DeleteFunction: 'vp',
  TF_NewSessionOptions: 'p', TF_DeleteSessionOptions: 'vp', TF_LoadSessionFromSavedModel: 'pppsSippp', TF_CloseSession: 'vpp', TF_DeleteSession: 'vpp',
  TF_SessionRun: 'vppppippipipp',
} as const satisfies Record<string, string>

export type CApi = Readonly<Record<keyof typeof signatures, CFunction>> & {
  /** Copies `bytes` from a typed array to TensorFlow's memory, or back. */
  copy(to: Pointer | ArrayBufferView, from: Pointer | ArrayBufferView, bytes: number): void
}

interface Koffi {
  load(path: string | null): { func(name: string, result: unknown, values: unknown[]): CFunction }
  view(address: Pointer, bytes: number): ArrayBuffer
  struct(members: Record<string, string>): unknown
}

/** Loads the libraries and binds every function; a function that this TensorFlow lacks throws when it is called. */
export function loadCApi(files: readonly string[]): CApi {
  const koffi = createRequire(import.meta.url)('koffi') as Koffi
  const libraries = files.map((file) => {
    try {
      return koffi.load(file)
    } catch (cause) {
      throw new EngineError(`Cannot load TensorFlow: ${file} was found but the system refused it (${(cause as Error).message}). Reinstall the wheel, or set AFINAR_TENSORFLOW to another folder.`, { cause })
    }
  })
  const types: Record<string, unknown> = { v: 'void', p: 'void *', i: 'int', l: 'int64_t', z: 'size_t', f: 'float', b: 'uint8_t', s: 'const char *', S: 'const char **', o: koffi.struct({ oper: 'void *', index: 'int' }) }
  const api: Record<string, unknown> = {}
  for (const [name, signature] of Object.entries(signatures)) {
    const [result, ...values] = [...signature].map((letter) => types[letter])
    api[name] = bind(libraries, name, result, values)
  }
  return { ...api, copy: copier(koffi) } as unknown as CApi
}

function bind(libraries: ReturnType<Koffi['load']>[], name: string, result: unknown, values: unknown[]): CFunction {
  for (const library of libraries) {
    try {
      return library.func(name, result, values)
    } catch { /* the C API is spread over the libraries: the next one */ }
  }
  const missing = () => { throw new EngineError(`Cannot call ${name}: this TensorFlow library does not have it. Install TensorFlow 2.15 or newer.`) }
  return Object.assign(missing, { async: missing })
}

/** memcpy from the C library (0.1 µs); where there is none by that name, through views (3 µs). */
function copier(koffi: Koffi): CApi['copy'] {
  try {
    const memcpy = koffi.load(null).func('memcpy', 'void *', ['void *', 'void *', 'size_t'])
    return (to, from, bytes) => { if (bytes) memcpy(to, from, bytes) }
  } catch {
    const bytesAt = (place: Pointer | ArrayBufferView, bytes: number) => typeof place === 'bigint' ? new Uint8Array(koffi.view(place, bytes)) : new Uint8Array(place.buffer, place.byteOffset, bytes)
    return (to, from, bytes) => { if (bytes) bytesAt(to, bytes).set(bytesAt(from, bytes)) }
  }
}
