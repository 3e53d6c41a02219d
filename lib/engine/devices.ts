// Which devices TensorFlow sees, and how much memory each has.
import { totalmem } from 'node:os'
import type { Pointer } from './c-api.js'
import type { Runtime } from './runtime.js'

export interface Device {
  /** 'CPU:0', 'GPU:0'. */
  name: string
  type: 'CPU' | 'GPU' | string
  index: number
  /** Memory that TensorFlow may use there, in bytes (for the CPU: the machine's). */
  memoryBytes: number
}

export function listDevices({ api, context, status, check }: Pick<Runtime, 'api' | 'context' | 'status'> & { check: (what: string) => void }): Device[] {
  const list = api.TFE_ContextListDevices(context, status) as Pointer
  check('list the devices')
  try {
    return Array.from({ length: api.TF_DeviceListCount(list) as number }, (_, i) => {
      const type = api.TF_DeviceListType(list, i, status) as string, full = api.TF_DeviceListName(list, i, status) as string
      const index = Number(full.split(':').at(-1))
      return { name: `${type}:${index}`, type, index, memoryBytes: type === 'CPU' ? totalmem() : Number(api.TF_DeviceListMemoryBytes(list, i, status)) }
    })
  } finally {
    api.TF_DeleteDeviceList(list)
  }
}
