// What TensorFlow says about its own ops: which inputs are lists, which attributes there are and of what kind.
import type { CApi, Pointer } from './c-api.js'
import { type Attribute, AttributeKind } from './attributes.js'
import { DType, type DTypeName } from './dtypes.js'
import { EngineError } from './errors.js'
import { readFields, text } from './protobuf.js'

export interface OpInput { name: string; /** The attribute that holds how many tensors this input has, when it is a list. */ countedBy?: string; typesBy?: string; /** The attribute that holds its type. */ typeBy?: string }
export interface OpDefinition { name: string; inputs: OpInput[]; outputs: number; attributes: Map<string, string>; stateful: boolean }

/** Reads definitions on demand and keeps them. */
export class OpDefinitions {
  readonly #known = new Map<string, OpDefinition>()
  #graph: Pointer | undefined

  constructor(readonly api: CApi, readonly status: Pointer) {}

  get(name: string): OpDefinition {
    const known = this.#known.get(name)
    if (known) return known
    const { api, status } = this
    this.#graph ??= api.TF_NewGraph() as Pointer
    const buffer = api.TF_NewBuffer() as Pointer
    api.TF_GraphGetOpDef(this.#graph, name, buffer, status)
    try {
      if (api.TF_GetCode(status) !== 0) throw new EngineError(`Cannot run ${name}: TensorFlow ${api.TF_Version() as string} has no op of that name.`, { op: name, code: 5 })
      const head = new BigUint64Array(2)                                  // TF_Buffer: data, length
      api.copy(head, buffer, 16)
      const bytes = new Uint8Array(Number(head[1]))
      api.copy(bytes, head[0]!, bytes.length)
      const definition = parse(name, bytes)
      this.#known.set(name, definition)
      return definition
    } finally {
      api.TF_DeleteBuffer(buffer)
    }
  }
}

// OpDef: name 1, input_arg 2, output_arg 3, attr 4, is_stateful 17. ArgDef: name 1, type_attr 4, number_attr 5, type_list_attr 6. AttrDef: name 1, type 2.
function parse(name: string, bytes: Uint8Array): OpDefinition {
  const definition: OpDefinition = { name, inputs: [], outputs: 0, attributes: new Map(), stateful: false }
  for (const { field, value } of readFields(bytes)) {
    if (field === 17) definition.stateful = value === 1
    if (field === 3) definition.outputs++
    if (field === 2) {
      const input: OpInput = { name: '' }
      for (const part of readFields(value as Uint8Array)) {
        if (part.field === 1) input.name = text(part.value)
        if (part.field === 4) input.typeBy = text(part.value)
        if (part.field === 5) input.countedBy = text(part.value)
        if (part.field === 6) input.typesBy = text(part.value)
      }
      definition.inputs.push(input)
    }
    if (field === 4) {
      const [attribute, type] = [1, 2].map((wanted) => text(readFields(value as Uint8Array).find((part) => part.field === wanted)!.value))
      definition.attributes.set(attribute!, type!)
    }
  }
  return definition
}

/** Attribute values by name, as a person writes them: a dtype may be a name ('uint8'), everything else is itself. */
export type AttributeValues = Record<string, number | boolean | string | Uint8Array | readonly number[] | readonly boolean[] | readonly string[]>

const kinds: Record<string, number> = { ...AttributeKind }

/** Turns attribute values into attributes by what the op's definition says. */
export function attributesFor(definition: OpDefinition, values: AttributeValues): Attribute[] {
  return Object.entries(values).map(([name, value]) => {
    const kind = definition.attributes.get(name)
    const known = [...definition.attributes.keys()].join(', ')
    if (!kind) throw new EngineError(`Cannot set ${name} on ${definition.name}: it has no such attribute. It has: ${known || 'none'}.`, { op: definition.name })
    const type = kinds[/^list\((\w+)\)$/.exec(kind)?.[1] ?? kind]
    if (type === undefined) throw new EngineError(`Cannot set ${name} on ${definition.name}: attributes of kind ${kind} are not supported.`, { op: definition.name })
    const dtype = (of: unknown) => typeof of === 'string' ? DType[of as DTypeName] : of
    return { name, type, value: type !== AttributeKind.type ? value : Array.isArray(value) ? value.map(dtype) : dtype(value) }
  })
}

/** Puts flat inputs into the groups that the op's definition asks for: a list where the definition has one, single tensors elsewhere. */
export function groupInputs<T>(definition: OpDefinition, inputs: readonly T[], attributes: Record<string, unknown>): (T | readonly T[])[] {
  const lists = definition.inputs.filter(({ countedBy, typesBy }) => countedBy ?? typesBy).length
  const rest = inputs.length - (definition.inputs.length - lists)
  let at = 0
  const groups = definition.inputs.map(({ countedBy, typesBy }) => {
    if (!countedBy && !typesBy) return inputs[at++]!
    const told = countedBy ? attributes[countedBy] : attributes[typesBy!]
    const length = lists === 1 ? rest : Array.isArray(told) ? told.length : told as number
    return inputs.slice(at, at += length)
  })
  if (at !== inputs.length || rest < 0) throw new EngineError(`Cannot run ${definition.name}: it takes the inputs ${definition.inputs.map(({ name }) => name).join(', ') || 'none'}: got ${inputs.length} tensors.`, { op: definition.name })
  return groups
}
