// A TensorFlow graph under construction, its gradients, and its end as a function that can be called by name.
import { type Attribute, setAttribute } from './attributes.js'
import type { Pointer } from './c-api.js'
import { DType } from './dtypes.js'
import { EngineError } from './errors.js'
import { attributesFor, type AttributeValues, groupInputs } from './op-definitions.js'
import type { Runtime } from './runtime.js'
import type { OpWriter } from './writer.js'

/** One output of an operation (TF_Output). */
export interface Node { oper: Pointer; index: number }

let functions = 0

export class Graph implements OpWriter<Node> {
  readonly #graph: Pointer
  readonly #constants = new Map<string, Node>()
  readonly #inputs: Node[] = []
  #operations = 0

  constructor(readonly runtime: Runtime) {
    this.#graph = runtime.api.TF_NewGraph() as Pointer
  }

  /** Operations so far, gradients not counted. */
  get size(): number { return this.#operations }

  #add(op: string, inputs: readonly (Node | readonly Node[])[], attributes: readonly Attribute[], after: readonly Node[] = [], tensor?: Pointer): Node[] {
    const { api, status } = this.runtime
    const description = api.TF_NewOperation(this.#graph, op, `${op}_${this.#operations++}`) as Pointer
    for (const input of inputs) {
      if (Array.isArray(input)) api.TF_AddInputList(description, inMemory(input as Node[]), input.length)
      else api.TF_AddInput(description, input)
    }
    for (const { oper } of after) api.TF_AddControlInput(description, oper)
    for (const attribute of attributes) setAttribute(api, 'node', description, attribute, status)
    if (tensor) api.TF_SetAttrTensor(description, 'value', tensor, status)
    const oper = api.TF_FinishOperation(description, status) as Pointer | null
    this.runtime.check(`record ${op}`, op)
    const outputs = api.TF_OperationNumOutputs(oper) as number
    return Array.from({ length: Math.max(outputs, 1) }, (_, index) => ({ oper: oper!, index: outputs ? index : -1 }))
  }

  op(name: string, inputs: readonly (Node | readonly Node[])[], attributes: AttributeValues = {}, after: readonly Node[] = []): Node[] {
    return this.#add(name, inputs, attributesFor(this.runtime.definitions.get(name), attributes), after)
  }

  /** An op as it was executed: flat inputs, and attributes that the inputs may already say. */
  executed(name: string, inputs: readonly Node[], attributes: readonly Attribute[]): Node[] {
    const definition = this.runtime.definitions.get(name)
    const counted = new Set(definition.inputs.flatMap(({ countedBy, typesBy }) => [countedBy, typesBy]))
    const grouped = groupInputs(definition, inputs, Object.fromEntries(attributes.map(({ name: attribute, value }) => [attribute, value])))
    return this.#add(name, grouped, attributes.filter((attribute) => !counted.has(attribute.name) && definition.attributes.has(attribute.name)))
  }

  input(dtype: number, shape?: readonly number[]): Node {
    const [node] = this.op('Placeholder', [], { dtype, ...(shape ? { shape } : {}) })
    this.#inputs.push(node!)
    return node!
  }

  constant(values: readonly number[], shape: readonly number[], dtype: number = DType.float32): Node {
    const key = `${dtype}:${shape}:${values}`
    const known = this.#constants.get(key)
    if (known) return known
    const id = this.runtime.tensors.create(shape, dtype, values)
    const node = this.tensor(id)
    this.runtime.tensors.delete(id)
    this.#constants.set(key, node)
    return node
  }

  /** A constant with the value of a tensor of the table. */
  tensor(id: number): Node {
    const { api, status, tensors } = this.runtime
    const tensor = api.TFE_TensorHandleResolve(tensors.handle(id), status) as Pointer
    this.runtime.check('record a constant')
    try {
      return this.#add('Const', [], attributesFor(this.runtime.definitions.get('Const'), { dtype: tensors.dtype(id) }), [], tensor)[0]!
    } finally {
      api.TF_DeleteTensor(tensor)
    }
  }

  dtype(node: Node): number { return this.runtime.api.TF_OperationOutputType(node) as number }

  /** What TensorFlow infers; undefined where it knows not even the rank, −1 for lengths that only a run can tell. */
  shapeOf(node: Node): number[] | undefined {
    const { api, status } = this.runtime, rank = api.TF_GraphGetTensorNumDims(this.#graph, node, status) as number
    if (rank < 0) return undefined
    const lengths = new BigInt64Array(rank)
    if (rank) api.TF_GraphGetTensorShape(this.#graph, node, lengths, rank, status)
    return Array.from(lengths, Number)
  }

  /** All operations of a type, those of the gradients included. */
  operations(type: string): Pointer[] {
    return this.#all().filter(([, name]) => name === type).map(([oper]) => oper)
  }

  /** How many operations there are of each type, those of the gradients included. */
  census(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const [, name] of this.#all()) counts[name] = (counts[name] ?? 0) + 1
    return counts
  }

  #all(): [Pointer, string][] {
    const { api } = this.runtime, at = new BigUint64Array(1), found: [Pointer, string][] = []
    for (let oper = api.TF_GraphNextOperation(this.#graph, at) as Pointer | null; oper; oper = api.TF_GraphNextOperation(this.#graph, at) as Pointer | null) found.push([oper, api.TF_OperationOpType(oper) as string])
    return found
  }

  /** What an operation's input is fed with. */
  inputOf(oper: Pointer, index: number): Node { return this.runtime.api.TF_OperationInput({ oper, index }) as Node }

  /** The inputs that a node feeds. */
  consumers(node: Node): Node[] {
    const { api } = this.runtime, count = api.TF_OperationOutputNumConsumers(node) as number, places = new BigUint64Array(2 * count)
    api.TF_OperationOutputConsumers(node, places, count)
    return Array.from({ length: count }, (_, i) => ({ oper: places[2 * i]!, index: Number(BigInt.asIntN(32, places[2 * i + 1]!)) }))
  }

  /** Feeds an input with another node. */
  redirect(input: Node, from: Node): void {
    this.runtime.api.TF_UpdateEdge(this.#graph, from, input, this.runtime.status)
    this.runtime.check('record the step')
  }

  /** TensorFlow's own gradients of y, a scalar or weighted by `slope`; undefined where it does not depend on an x. */
  gradients(y: Node, xs: readonly Node[], slope?: Node): (Node | undefined)[] {
    const { api, status } = this.runtime
    const found = new BigUint64Array(new ArrayBuffer(16 * xs.length))
    api.TF_AddGradients(this.#graph, inMemory([y]), 1, inMemory(xs), xs.length, slope ? inMemory([slope]) : null, status, found)
    const code = api.TF_GetCode(status) as number
    if (code !== 0) {
      const told = api.TF_Message(status) as string
      const op = /(?:No gradient defined for op: |gradient for op:? )(\w+)/i.exec(told)?.[1]
      throw new EngineError(op ? `TensorFlow's C++ has no gradient for ${op}` : `TensorFlow cannot differentiate it (${told.split('\n')[0]})`, { code, ...(op ? { op } : {}) })
    }
    return xs.map((_, i) => found[2 * i] ? { oper: found[2 * i]!, index: Number(BigInt.asIntN(32, found[2 * i + 1]!)) } : undefined)
  }

  /** Ends the graph: what is written becomes a function of the inputs, in the order in which they were made. */
  toFunction(outputs: readonly Node[], { xla = false }: { xla?: boolean } = {}): GraphFunction {
    const { api, status, context } = this.runtime
    const name = `afinar_${process.pid}_${++functions}`
    const inputs = inMemory(this.#inputs), results = inMemory(outputs)
    const made = api.TF_GraphToFunction(this.#graph, name, 0, -1, null, this.#inputs.length, inputs, outputs.length, results, null, null, null, status) as Pointer
    this.runtime.check('record the step')
    if (xla) {
      const yes = Buffer.from([0x28, 0x01])                                               // AttrValue { b: true }
      api.TF_FunctionSetAttrValueProto(made, '_XlaMustCompile', yes, yes.length, status)
    }
    api.TFE_ContextAddFunction(context, made, status)
    api.TF_DeleteFunction(made)
    this.runtime.check('record the step')
    return new GraphFunction(this.runtime, name, this.#inputs.length, outputs.length)
  }

  dispose(): void { this.runtime.api.TF_DeleteGraph(this.#graph) }
}

/** A function that TensorFlow knows by name. */
export class GraphFunction {
  constructor(readonly runtime: Runtime, readonly name: string, readonly inputs: number, readonly outputs: number) {}

  run(inputs: readonly number[]): number[] {
    return this.runtime.run(this.name, [], inputs, this.outputs).map(({ id }) => id)
  }

  async runAsync(inputs: readonly number[], signal?: AbortSignal): Promise<number[]> {
    return (await this.runtime.executeAsync(this.name, [], inputs, this.outputs, signal)).map(({ id }) => id)
  }

  dispose(): void {
    this.runtime.api.TFE_ContextRemoveFunction(this.runtime.context, this.name, this.runtime.status)
  }
}

/** TF_Output[] as it lies in memory: address, index, address, index … */
function inMemory(nodes: readonly Node[]): BigUint64Array {
  return BigUint64Array.from(nodes.flatMap(({ oper, index }) => [oper, BigInt(index)]))
}
