// Attributes of ops, set the same way on an op to run now (TFE_Op…) and on a node of a graph (TF_…).
import type { CApi, Pointer } from './c-api.js'
import { EngineError } from './errors.js'

/** Kinds of attributes, with the numbers of tensorflow/c/tf_attrtype.h that tfjs-node's kernels use. */
export const AttributeKind = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const

/** One attribute as tfjs-node's kernels write it; an array is a list, except for shapes. */
export interface Attribute { name: string; type: number; value: unknown }

const int64s = (values: readonly unknown[]) => BigInt64Array.from(values as number[], BigInt)

export function setAttribute(api: CApi, target: 'op' | 'node', at: Pointer, { name, type, value }: Attribute, status: Pointer): void {
  const now = target === 'op', list = Array.isArray(value) ? value as unknown[] : undefined
  switch (type) {
    case AttributeKind.type:
      if (list) (now ? api.TFE_OpSetAttrTypeList : api.TF_SetAttrTypeList)(at, name, Int32Array.from(list as number[]), list.length)
      else (now ? api.TFE_OpSetAttrType : api.TF_SetAttrType)(at, name, value)
      return
    case AttributeKind.int:
      if (list) (now ? api.TFE_OpSetAttrIntList : api.TF_SetAttrIntList)(at, name, int64s(list), list.length)
      else (now ? api.TFE_OpSetAttrInt : api.TF_SetAttrInt)(at, name, value)
      return
    case AttributeKind.float:
      if (list) (now ? api.TFE_OpSetAttrFloatList : api.TF_SetAttrFloatList)(at, name, Float32Array.from(list as number[]), list.length)
      else (now ? api.TFE_OpSetAttrFloat : api.TF_SetAttrFloat)(at, name, value)
      return
    case AttributeKind.bool:
      if (list) (now ? api.TFE_OpSetAttrBoolList : api.TF_SetAttrBoolList)(at, name, Uint8Array.from(list as boolean[], Number), list.length)
      else (now ? api.TFE_OpSetAttrBool : api.TF_SetAttrBool)(at, name, value ? 1 : 0)
      return
    case AttributeKind.string: {
      const content = typeof value === 'string' ? Buffer.from(value) : value as Uint8Array
      ;(now ? api.TFE_OpSetAttrString : api.TF_SetAttrString)(at, name, content.length ? content : null, content.length)
      return
    }
    case AttributeKind.shape: {
      const shape = value as number[]
      if (now) api.TFE_OpSetAttrShape(at, name, int64s(shape), shape.length, status)
      else api.TF_SetAttrShape(at, name, int64s(shape), shape.length)
      return
    }
    default:
      throw new EngineError(`Cannot set the attribute ${name}: kind ${type} is not one of string, int, float, bool, type, shape.`)
  }
}
