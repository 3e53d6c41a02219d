// traceGraph: a forward computation as plain records of ops and constants, for writing it to a file. Nothing is run from it here.
// It is traced twice, with inputs of two sizes: numbers that differ between the two are written as what they are computed from.
import * as tf from '@tensorflow/tfjs'
import { type Attribute, AttributeKind } from './attributes.js'
import { DType, nameOf } from './dtypes.js'
import { engineFor, type StartedEngine } from './engine.js'
import { EngineError } from './errors.js'
import { Replay, variablesById } from './replay.js'
import type { TensorMetadata } from './runtime.js'
import { type Entry, Tape } from './tape.js'
import { dimensionsIn, type Dimension, solve } from './trace-shapes.js'
import type { TensorMap } from './types.js'

export type AttributeKindName = keyof typeof AttributeKind
/** A dtype is TensorFlow's number; a list's values are an array. */
export interface TracedAttribute { name: string; kind: AttributeKindName; list: boolean; value: unknown }
/** Inputs are 'node' or 'node:output'. */
export interface TracedNode { name: string; op: string; inputs: string[]; attributes: TracedAttribute[] }
export interface TracedConstant { name: string; /** TensorFlow's number. */ dtype: number; shape: readonly number[]; values(): Float32Array | Int32Array | Uint8Array }
export interface TracedGraph {
  /** null: any size. */
  inputs: { name: string; dtype: number; shape: (number | null)[] }[]
  constants: TracedConstant[]
  nodes: TracedNode[]
  outputs: { name: string; dtype: number; shape: (number | null)[] }[]
}

interface Pass { entries: Entry[]; inputs: Map<number, string>; outputs: { name: string; id: number }[]; hostMade: ReadonlySet<number>; release(): void }

/** Runs f once and keeps what happened. */
function passOf({ runtime, backend }: StartedEngine, f: (inputs: TensorMap) => TensorMap, inputs: TensorMap): Pass {
  const names = Object.keys(inputs), ids = backend.getInputTensorIds(names.map((name) => inputs[name]!))
  const tape = new Tape(runtime)
  let outputs: TensorMap = {}
  try {
    outputs = tf.tidy(() => f(inputs))
    backend.getInputTensorIds(Object.values(outputs))
  } finally {
    tape.stop()
  }
  if (tape.reason) throw new EngineError(`Cannot trace the function: ${tape.reason}.`)
  const wanted = backend.getInputTensorIds(Object.values(outputs))
  return {
    entries: Replay.needed(tape.entries, wanted), inputs: new Map(ids.map((id, i) => [id, names[i]!])), hostMade: new Set(tape.created.map(({ id }) => id)),
    outputs: Object.keys(outputs).map((name, i) => ({ name, id: wanted[i]! })),
    release: () => { tape.release(); tf.dispose(outputs) },
  }
}

/**
 * Writes down f as a graph of TensorFlow ops.
 *
 * @param examples two sets of inputs that differ in the sizes that are to stay free, such as batches of 2 and 3 rows
 * @param nameOfVariable names for the variables that f reads
 * @throws EngineError where f reads values in JavaScript, runs other ops for other sizes, or computes with a size in a way that cannot be written
 * @example
 * traceGraph(({ x }) => ({ y: tf.matMul(x!, w) }), [{ x: tf.zeros([2, 4]) }, { x: tf.zeros([3, 4]) }]).nodes // MatMul
 */
export function traceGraph(f: (inputs: TensorMap) => TensorMap, examples: readonly [TensorMap, TensorMap], nameOfVariable: (variable: tf.Variable) => string | undefined = () => undefined): TracedGraph {
  const engine = engineFor(), passes: Pass[] = []
  try {
    for (const example of examples) passes.push(passOf(engine, f, example))
    return new Writer(engine, passes as [Pass, Pass], examples, nameOfVariable).write()
  } finally {
    for (const pass of passes) pass.release()
  }
}

class Writer {
  readonly #graph: TracedGraph = { inputs: [], constants: [], nodes: [], outputs: [] }
  /** Node that gives a tensor, by the tensor's number in each pass. */
  readonly #known: [Map<number, string>, Map<number, string>] = [new Map(), new Map()]
  /** What the ops of each pass made. */
  readonly #made: Map<number, TensorMetadata>[]
  readonly #variables: Map<number, tf.Variable>
  readonly #inputDimensions: Dimension[]
  readonly #names = new Set<string>()
  readonly #shared = new Map<string, string>()

  constructor(readonly engine: StartedEngine, readonly passes: [Pass, Pass], examples: readonly [TensorMap, TensorMap], readonly nameOfVariable: (variable: tf.Variable) => string | undefined) {
    this.#variables = variablesById(engine.backend)
    this.#made = passes.map(({ entries }) => new Map(entries.flatMap(({ outputs }) => outputs.map((output) => [output.id, output] as const))))
    for (const [at, pass] of passes.entries()) for (const [id, name] of pass.inputs) this.#known[at]!.set(id, name)
    const names = Object.keys(examples[0])
    this.#inputDimensions = names.flatMap((name) => dimensionsIn(name, examples[0][name]!.shape, examples[1][name]!.shape))
    this.#graph.inputs = names.map((name) => ({ name, dtype: DType[examples[0][name]!.dtype as 'float32'], shape: examples[0][name]!.shape.map((size, axis) => examples[1][name]!.shape[axis] === size ? size : null) }))
    for (const name of [...names, ...passes[0].outputs.map((output) => output.name)]) this.#names.add(name)
  }

  write(): TracedGraph {
    const [first, second] = this.passes
    if (first.entries.length !== second.entries.length) throw new EngineError('Cannot trace the function: it runs other ops for inputs of other sizes. Leave decisions on sizes out of it.')
    for (const [i, entry] of first.entries.entries()) this.#entry(entry, second.entries[i]!)
    for (const [i, { name, id }] of first.outputs.entries()) {
      const dtype = this.#dtype(id), shapes = [id, second.outputs[i]!.id].map((one) => this.#shape(one))
      this.#node(name, 'Identity', [this.#source(id, second.outputs[i]!.id, [])], [{ name: 'T', kind: 'type', list: false, value: dtype }])
      this.#graph.outputs.push({ name, dtype, shape: shapes[0]!.map((size, axis) => shapes[1]![axis] === size ? size : null) })
    }
    return this.#graph
  }

  /** What was computed on the way may be gone by now; its type is known. */
  #dtype(id: number): number { return this.#made[0]!.get(id)?.dtype ?? this.engine.runtime.tensors.dtype(id) }
  #shape(id: number): number[] { const { tensors } = this.engine.runtime; return tensors.shapeOf(tensors.handle(id)) }

  #entry(a: Entry, b: Entry): void {
    if (a.op !== b.op || a.inputs.length !== b.inputs.length || JSON.stringify(a.attributes.map(({ value }) => String(value))) !== JSON.stringify(b.attributes.map(({ value }) => String(value)))) {
      throw new EngineError(`Cannot trace the function: for inputs of other sizes it runs ${b.op} where it ran ${a.op}, or with other attributes.`, { op: a.op })
    }
    const own = a.inputs.length > 0 ? this.#ownDimensions(a.inputs[0]!, b.inputs[0]!) : []
    const inputs = a.inputs.map((id, i) => this.#source(id, b.inputs[i]!, own, a.op === 'Reshape' && i === 1))
    const name = this.#free(a.op)
    this.#node(name, a.op, inputs, this.#attributes(a))
    a.outputs.forEach(({ id }, i) => this.#known[0].set(id, i === 0 ? name : `${name}:${i}`))
    b.outputs.forEach(({ id }, i) => this.#known[1].set(id, i === 0 ? name : `${name}:${i}`))
  }

  /** Sizes of an op's first input, where it is computed. */
  #ownDimensions(a: number, b: number): Dimension[] {
    const known = this.#known[0].get(a)
    if (known === undefined || known !== this.#known[1].get(b)) return []
    const [x, y] = [a, b].map((id, pass) => this.#made[pass]!.get(id))
    return x && y ? dimensionsIn(known, x.shape, y.shape).map((one) => ({ ...one, dtype: x.dtype })) : []
  }

  #attributes({ op, attributes, inputs }: Entry): TracedAttribute[] {
    const definition = this.engine.runtime.definitions.get(op), kinds = Object.entries(AttributeKind)
    const told = attributes.filter(({ name }) => definition.attributes.has(name)).map(({ name, type, value }: Attribute) => {
      const list = /^list\(/.test(definition.attributes.get(name)!)
      return { name, kind: kinds.find(([, number]) => number === type)![0] as AttributeKindName, list, value: list && !Array.isArray(value) ? [value] : value }
    })
    const missing: TracedAttribute[] = []
    const has = (name: string) => [...told, ...missing].some((attribute) => attribute.name === name)
    const lists = definition.inputs.filter(({ countedBy, typesBy }) => countedBy ?? typesBy).length
    let at = 0
    for (const { countedBy, typesBy, typeBy } of definition.inputs) {
      const length = countedBy ?? typesBy ? lists === 1 ? inputs.length - definition.inputs.length + 1 : Number(told.find(({ name }) => name === countedBy)?.value) : 1
      if (typeBy && !has(typeBy) && at < inputs.length) missing.push({ name: typeBy, kind: 'type', list: false, value: this.#dtype(inputs[at]!) })
      if (countedBy && !has(countedBy)) missing.push({ name: countedBy, kind: 'int', list: false, value: length })
      if (typesBy && !has(typesBy)) missing.push({ name: typesBy, kind: 'type', list: true, value: inputs.slice(at, at + length).map((id) => this.#dtype(id)) })
      at += length
    }
    return [...told, ...missing]
  }

  #node(name: string, op: string, inputs: string[], attributes: TracedAttribute[]): string {
    this.#graph.nodes.push({ name, op, inputs, attributes })
    return name
  }

  #free(wanted: string): string {
    const base = wanted.replace(/[^\w.]/g, '_').replace(/^_+/, '') || 'node'
    let name = base
    for (let i = 1; this.#names.has(name); i++) name = `${base}_${i}`
    this.#names.add(name)
    return name
  }

  /** The node behind a tensor: computed before, a weight, or numbers made in JavaScript. */
  #source(a: number, b: number, own: readonly Dimension[], reshape = false): string {
    const known = this.#known[0].get(a), other = this.#known[1].get(b)
    if (known !== undefined || other !== undefined) {
      if (known === other) return known!
      throw new EngineError('Cannot trace the function: for inputs of other sizes its ops are wired in another way.')
    }
    const variable = this.#variables.get(a)
    if (variable) {
      const dtype = this.#dtype(a), name = this.#constant(this.nameOfVariable(variable) ?? 'variable', dtype, variable.shape, () => variable.dataSync() as Float32Array)
      this.#known[0].set(a, name)
      this.#known[1].set(b, name)
      return name
    }
    const { tensors } = this.engine.runtime, dtype = this.#dtype(a), shapes = [this.#shape(a), this.#shape(b)]
    const [x, y] = [a, b].map((id) => tensors.read(id)) as [Float32Array, Float32Array]
    const same = String(shapes[0]) === String(shapes[1]) && x.length === y.length && x.every((value, i) => Object.is(value, y[i]))
    if (same) {
      const values = x.slice()
      const key = `${dtype} [${shapes[0]}] ${values.length <= 64 ? Array.from(values, (v) => Object.is(v, -0) ? '-0' : v).join() : a}`
      const before = this.#shared.get(key)
      if (before !== undefined) return before
      const name = this.#constant('constant', dtype, shapes[0]!, () => values)
      this.#shared.set(key, name)
      return name
    }
    if (dtype !== DType.int32 || shapes[0]!.length > 1 || String(shapes[0]) !== String(shapes[1])) throw new EngineError(`Cannot trace the function: it makes ${nameOf(dtype)} numbers in JavaScript from the sizes of its inputs. Use ops of TensorFlow.js for them.`)
    return this.#sizes([...x], [...y], shapes[0]!.length === 1, own, reshape)
  }

  #constant(name: string, dtype: number, shape: readonly number[], values: TracedConstant['values']): string {
    const free = this.#free(name)
    this.#graph.constants.push({ name: free, dtype, shape, values })
    return free
  }

  #integers(values: readonly number[], vector: boolean): string {
    const key = `3 [${vector ? values.length : ''}] ${values.join()}`, before = this.#shared.get(key)
    if (before !== undefined) return before
    const name = this.#constant('constant', DType.int32, vector ? [values.length] : [], () => Int32Array.from(values))
    this.#shared.set(key, name)
    return name
  }

  /** A vector of sizes (or one size), each fixed or computed from the inputs. */
  #sizes(x: readonly number[], y: readonly number[], vector: boolean, own: readonly Dimension[], reshape: boolean): string {
    const changing = x.filter((value, i) => value !== y[i]).length
    if (reshape && changing === 1 && !x.includes(-1)) return this.#integers(x.map((value, i) => value === y[i] ? value : -1), vector)
    let open = reshape && !x.includes(-1) ? 1 : 0
    const parts = x.map((value, i) => {
      if (value === y[i]) return this.#integers([value], false)
      const found = solve(value, y[i]!, this.#inputDimensions) ?? solve(value, y[i]!, own)
      if (found) return this.#computed(found.dimensions, found.factor, found.offset)
      if (open-- > 0) return this.#integers([-1], false)
      throw new EngineError(`Cannot trace the function: it computes with sizes of its inputs (${value} for one example, ${y[i]} for the other) in a way that cannot be written as ops.`)
    })
    if (!vector) return parts[0]!
    return this.#node(this.#free('Pack'), 'Pack', parts, [{ name: 'T', kind: 'type', list: false, value: DType.int32 }, { name: 'N', kind: 'int', list: false, value: parts.length }, { name: 'axis', kind: 'int', list: false, value: 0 }])
  }

  #computed(dimensions: readonly Dimension[], factor: number, offset: number): string {
    const product = dimensions.map((dimension) => this.#size(dimension)).concat(factor === 1 ? [] : this.#integers([factor], false)).reduce((a, b) => this.#arithmetic('Mul', a, b))
    return offset === 0 ? product : this.#arithmetic('AddV2', product, this.#integers([offset], false))
  }

  #arithmetic(op: string, a: string, b: string): string {
    const key = `${op} ${a} ${b}`, before = this.#shared.get(key)
    if (before !== undefined) return before
    const name = this.#node(this.#free(op), op, [a, b], [{ name: 'T', kind: 'type', list: false, value: DType.int32 }])
    this.#shared.set(key, name)
    return name
  }

  /** One size of a tensor, as a scalar. */
  #size({ node, axis, dtype = this.#graph.inputs.find(({ name }) => name === node)?.dtype ?? DType.float32 }: Dimension): string {
    const key = `size ${node} ${axis}`, before = this.#shared.get(key)
    if (before !== undefined) return before
    const shapeKey = `shape ${node}`
    const shape = this.#shared.get(shapeKey) ?? this.#node(this.#free('Shape'), 'Shape', [node], [{ name: 'T', kind: 'type', list: false, value: dtype }, { name: 'out_type', kind: 'type', list: false, value: DType.int32 }])
    this.#shared.set(shapeKey, shape)
    const masks = { begin_mask: 0, end_mask: 0, ellipsis_mask: 0, new_axis_mask: 0, shrink_axis_mask: 1 }
    const name = this.#node(this.#free('StridedSlice'), 'StridedSlice', [shape, this.#integers([axis], true), this.#integers([axis + 1], true), this.#integers([1], true)], [
      { name: 'T', kind: 'type', list: false, value: DType.int32 }, { name: 'Index', kind: 'type', list: false, value: DType.int32 },
      ...Object.entries(masks).map(([mask, value]) => ({ name: mask, kind: 'int' as const, list: false, value })),
    ])
    this.#shared.set(key, name)
    return name
  }
}
