// Gradients that TensorFlow.js lacks or has wrong, in its own terms. Each is held against finite differences in tests/engine/gradients.test.ts.
import * as tf from '@tensorflow/tfjs'
import { AttributeKind } from './attributes.js'
import type { Backend } from './backend.js'

type Saved = tf.Tensor[]
type Attributes = Record<string, unknown>

const run = (name: string, attributes: { name: string; type: number; value: unknown }[], inputs: tf.Tensor[]) => (tf.backend() as Backend).executeSingleOutput(name, attributes, inputs)
const type = (name: string, value: number) => ({ name, type: AttributeKind.type, value })
const int = (name: string, value: unknown) => ({ name, type: AttributeKind.int, value })
const text = (name: string, value: string) => ({ name, type: AttributeKind.string, value })
const [float, int32] = [1, 3]
const ints = (values: readonly number[]) => tf.tensor1d([...values], 'int32')

function register(kernelName: string, inputsToSave: string[], outputsToSave: boolean[], gradFunc: (dy: tf.Tensor | tf.Tensor[], saved: Saved, attributes: Attributes) => Record<string, () => tf.Tensor>): void {
  if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName)
  tf.registerGradient({ kernelName, inputsToSave, outputsToSave, gradFunc: gradFunc as never })
}

export function registerGradients(): void {
  // Comparisons have no slope; TensorFlow.js stops at them although tf.where needs none of theirs.
  for (const kernel of ['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual', 'LogicalAnd', 'LogicalOr']) {
    register(kernel, ['a', 'b'], [], (_, [a, b]) => ({ a: () => tf.zeros(a!.shape), b: () => tf.zeros(b!.shape) }))
  }
  register('LogicalNot', ['x'], [], (_, [x]) => ({ x: () => tf.zeros(x!.shape) }))
  register('GatherNd', ['params', 'indices'], [], (dy, [params, indices]) => ({ params: () => tf.scatterND(indices!, dy as tf.Tensor, params!.shape as never), indices: () => tf.zeros(indices!.shape) }))
  register('StridedSlice', ['x'], [], (dy, [x], attributes) => ({ x: () => stridedSlice(dy as tf.Tensor, x!.shape, attributes) }))
  register('TopK', ['x'], [false, true], (dys, [x, indices]) => ({ x: () => tf.sum(tf.mul(tf.oneHot(indices! as tf.Tensor1D, x!.shape.at(-1)!), tf.expandDims((dys as tf.Tensor[])[0]!, -1)), -2) }))
  register('Cumprod', ['x'], [true], (dy, [x, y], attributes) => ({ x: () => cumprod(dy as tf.Tensor, x!, y!, attributes as never) }))
  register('MirrorPad', ['x'], [], (dy, _, { paddings, mode }) => ({
    x: () => run('MirrorPadGrad', [type('T', float), type('Tpaddings', int32), text('mode', (mode as string).toUpperCase())], [dy as tf.Tensor, tf.tensor2d(paddings as number[][], undefined, 'int32')]),
  }))
  register('CropAndResize', ['image', 'boxes', 'boxInd'], [], (dy, [image, boxes, boxInd], { method }) => ({
    image: () => run('CropAndResizeGradImage', [type('T', float), text('method', method as string)], [dy as tf.Tensor, boxes!, boxInd!, ints(image!.shape)]),
    boxes: () => run('CropAndResizeGradBoxes', [type('T', float), text('method', method as string)], [dy as tf.Tensor, image!, boxes!, boxInd!]),
    boxInd: () => tf.zeros(boxInd!.shape),
  }))
  register('BatchMatMul', ['a', 'b'], [], (dy, [a, b], { transposeA: ta, transposeB: tb }) => batchMatMul(dy as tf.Tensor, a!, b!, ta as boolean, tb as boolean))
  registerEinsum()
}

function stridedSlice(dy: tf.Tensor, shape: number[], attributes: Attributes): tf.Tensor {
  const masks = ['begin', 'end', 'ellipsis', 'newAxis', 'shrinkAxis'].map((name) => int(`${name.replace('Axis', '_axis')}_mask`, (attributes[`${name}Mask`] as number | undefined) ?? 0))
  const { begin, end, strides } = attributes as Record<string, number[]>
  return run('StridedSliceGrad', [type('T', float), type('Index', int32), ...masks], [ints(shape), ints(begin!), ints(end!), ints(strides!), dy])
}

/**
 * Σ dyᵢ · yᵢ / xⱼ over the products i that hold xⱼ. Of a row with zeros that serves what stands before the first; the first zero itself
 * has the products without it, up to the next zero; what follows has none.
 */
function cumprod(dy: tf.Tensor, x: tf.Tensor, y: tf.Tensor, { axis, exclusive, reverse }: { axis: number; exclusive: boolean; reverse: boolean }): tf.Tensor {
  const zero = tf.cast(tf.equal(x, 0), 'float32'), count = (without: boolean) => tf.cumsum(zero, axis, without, reverse)
  const is = (counted: tf.Tensor, number: number) => tf.cast(tf.equal(counted, number), 'float32')
  const back = (products: tf.Tensor) => tf.cumsum(tf.mul(dy, products), axis, exclusive, !reverse)
  const first = tf.mul(zero, is(count(false), 1)), without = tf.cumprod(tf.add(x, first), axis, exclusive, reverse)
  return tf.add(tf.mul(tf.divNoNan(back(y), x), is(count(false), 0)), tf.mul(first, back(tf.mul(without, is(count(exclusive), 1)))))
}

/** As TensorFlow.js has it, and summed over the batch axes that one side was broadcast over. */
function batchMatMul(dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor, ta: boolean, tb: boolean): Record<string, () => tf.Tensor> {
  const by = (x: tf.Tensor, y: tf.Tensor, transposeX: boolean, transposeY: boolean) => tf.matMul(x, y, transposeX, transposeY)
  return {
    a: () => reduced(ta ? by(b, dy, tb, true) : by(dy, b, false, !tb), a.shape),
    b: () => reduced(tb ? by(dy, a, true, ta) : by(a, dy, !ta, false), b.shape),
  }
}

function reduced(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  const padded = [...new Array<number>(gradient.rank - shape.length).fill(1), ...shape]
  const axes = padded.flatMap((length, axis) => length === 1 && gradient.shape[axis] !== 1 ? [axis] : [])
  return axes.length || padded.length !== shape.length ? tf.reshape(tf.sum(gradient, axes), shape) : gradient
}

/**
 * Of C = einsum('ab,bc->ac', A, B): the gradient of A is einsum('ac,bc->ab', dC, B), the other operands taking part as they are;
 * an index that A alone has was summed away, so its gradient is the same along it.
 */
function registerEinsum(): void {
  const gradFunc = (dy: tf.Tensor, saved: Saved, { equation }: Attributes) => {
    const [left, output] = (equation as string).replace(/\s/g, '').split('->') as [string, string]
    const terms = left.split(',')
    const repeated = terms.find((term) => new Set(term).size !== term.length)
    if (repeated !== undefined || left.includes('.')) throw new Error(`Cannot compute gradient: gradient function not found for Einsum.`)
    return Object.fromEntries(terms.map((term, i) => [String(i), () => {
      const others = terms.flatMap((other, j) => j === i ? [] : [{ other, tensor: saved[j]! }])
      const known = new Set([output, ...others.map(({ other }) => other)].join(''))
      const part = [...term].filter((index) => known.has(index)).join('')
      const gradient = tf.einsum(`${[output, ...others.map(({ other }) => other)].join(',')}->${part}`, dy, ...others.map(({ tensor }) => tensor))
      if (part === term) return gradient
      const shape = saved[i]!.shape
      return tf.broadcastTo(tf.reshape(gradient, [...term].map((index, axis) => known.has(index) ? shape[axis]! : 1)), shape)
    }]))
  }
  if (tf.getGradient('Einsum')) tf.unregisterGradient('Einsum')
  tf.registerGradient({ kernelName: 'Einsum', saveAllInputs: true, gradFunc: gradFunc as never })
}
