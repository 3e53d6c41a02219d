// Keras' description of a network (Keras 2 and 3, as TensorFlow.js, .h5 and .keras files hold it), made into the one dialect that TensorFlow.js reads.
// Names of the input become 'images'; batch norms and dropouts become this library's own; a softmax at the end is left to the loss.
import * as tf from '@tensorflow/tfjs'
import { BatchNorm, type Statistics } from '../blocks/batch-norm.js'
import { Dropout } from '../blocks/dropout.js'
import type { Symbolic } from '../blocks/layer.js'
import { ModelError } from '../errors.js'

type JSONObject = Record<string, unknown>
export interface Topology { class_name: string; config: JSONObject }
interface LayerRecord { name: string; class_name: string; config: JSONObject; inbound_nodes: [string, number, number, JSONObject][] }

const isObject = (value: unknown): value is JSONObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const refuse = (why: string): never => { throw new ModelError(`Cannot build the network that the file describes: ${why}. Networks of one image input and one line of layers or branches can be read, made of TensorFlow.js' own layers.`) }

export const isTopology = (value: unknown): value is Topology => isObject(value) && typeof value['class_name'] === 'string' && ['Sequential', 'Functional', 'Model'].includes(value['class_name']) && (isObject(value['config']) || Array.isArray(value['config']))

/** Keras 3 wraps what Keras 2 writes plainly: initializers and activations by module, types by policy. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (!isObject(value)) return value
  if (value['class_name'] === 'DTypePolicy') return 'float32'
  if ('class_name' in value && 'module' in value) return { class_name: value['class_name'], config: plain(value['config'] ?? {}) }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

/** Where a layer's inputs come from: ['layer', node, tensor, arguments] in both dialects. */
function inbound(nodes: unknown): LayerRecord['inbound_nodes'] {
  const first: unknown = Array.isArray(nodes) ? nodes[0] : undefined
  if (first === undefined) return []
  if ((nodes as unknown[]).length > 1) return refuse('a layer is used twice')
  if (Array.isArray(first)) return first.map((one) => Array.isArray(one) && typeof one[0] === 'string' ? [one[0], Number(one[1]), Number(one[2]), {}] : refuse('a connection has no name'))
  const found: LayerRecord['inbound_nodes'] = []
  const search = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(search)
    else if (isObject(value) && value['class_name'] === '__keras_tensor__') {
      const history = isObject(value['config']) ? value['config']['keras_history'] : undefined
      if (!Array.isArray(history) || typeof history[0] !== 'string') refuse('a connection has no history')
      found.push([(history as [string, number, number])[0], Number((history as unknown[])[1]), Number((history as unknown[])[2]), {}])
    }
  }
  search((first as JSONObject)['args'])
  return found
}

/** The layers in order, each with what it takes; a Sequential becomes a line. */
export function layersOf({ class_name: kind, config }: Topology): LayerRecord[] {
  const listed = Array.isArray(config) ? config as unknown[] : config['layers']
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > 5000) return refuse('it lists no layers')
  const layers = listed.map((one) => {
    const config = isObject(one) && isObject(one['config']) ? plain(one['config']) as JSONObject : refuse('a layer has no configuration')
    const name = (one as JSONObject)['name'] ?? config['name']
    if (typeof name !== 'string' || typeof (one as JSONObject)['class_name'] !== 'string') return refuse('a layer has no name')
    return { name, class_name: (one as JSONObject)['class_name'] as string, config, inbound_nodes: inbound((one as JSONObject)['inbound_nodes']) }
  })
  if (kind !== 'Sequential') return layers
  const first = layers[0]!
  if (first.class_name !== 'InputLayer') {
    const shape = first.config['batch_input_shape'] ?? first.config['batch_shape']
    if (!Array.isArray(shape)) return refuse('its first layer does not say the size of the images')
    layers.unshift({ name: 'images', class_name: 'InputLayer', config: { batch_input_shape: shape }, inbound_nodes: [] })
  }
  return layers.map((layer, i) => ({ ...layer, inbound_nodes: i === 0 ? [] : [[layers[i - 1]!.name, 0, 0, {}]] }))
}

/** Height (and width) in pixels that the file was made for. */
export function imageSizeOf(layers: readonly LayerRecord[]): number {
  const { config } = layers.find(({ class_name: kind }) => kind === 'InputLayer') ?? refuse('it has no input')
  const shape = (config['batch_input_shape'] ?? config['batch_shape']) as unknown
  if (!Array.isArray(shape) || shape.length !== 4 || shape[3] !== 3) return refuse(`its input has the shape ${JSON.stringify(shape)}, and images have [any, height, width, 3]`)
  return Number.isSafeInteger(shape[1]) ? shape[1] as number : 224
}

/** snake_case → camelCase for keys and for the names of choices, as TensorFlow.js does it. */
const camel = (text: string) => text.replace(/_+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase())
function forTensorFlowJS(value: unknown, key?: string): unknown {
  if (typeof value === 'string') return key === 'name' ? value : camel(value)
  if (Array.isArray(value)) return value.map((inner) => forTensorFlowJS(inner))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [camel(name), name === 'class_name' ? inner : forTensorFlowJS(inner, name)]))
}

type LayerClass = { new (config: never): tf.layers.Layer; fromConfig(cls: unknown, config: unknown): tf.layers.Layer }
const classes = () => (tf.serialization.SerializationMap as unknown as { getMap(): { classNameMap: Record<string, [LayerClass, LayerClass['fromConfig']]> } }).getMap().classNameMap

/** One of TensorFlow.js' layers, or ours where ours can do more. Weights of layers come from the file, so initializers are zeros. */
function make({ class_name: kind, name, config }: LayerRecord, statistics: Statistics): tf.layers.Layer {
  if (kind === 'BatchNormalization') {
    const axis = Array.isArray(config['axis']) ? config['axis'][0] as unknown : config['axis']
    if (axis !== undefined && axis !== -1 && axis !== 3) refuse(`the batch norm "${name}" works on axis ${JSON.stringify(axis)}`)
    if (config['center'] === false) refuse(`the batch norm "${name}" has no shift`)
    return new BatchNorm({ name, epsilon: Number(config['epsilon'] ?? 1e-3), momentum: 1 - Number(config['momentum'] ?? 0.99), statistics })
  }
  if (kind === 'Dropout') return new Dropout({ name, rate: Number(config['rate']) })
  const known = Object.hasOwn(classes(), kind) ? classes()[kind]! : refuse(`TensorFlow.js has no layer "${kind}" (${name})`)
  const { build_config: _, trainable: __, ...rest } = config // what was frozen when it was saved says nothing about what is to be tuned
  const zeros = Object.fromEntries(Object.keys(rest).filter((key) => /_initializer$/.test(key)).map((key) => [key, { class_name: 'Zeros', config: {} }]))
  try {
    return known[1](known[0], forTensorFlowJS({ ...rest, ...zeros, name }))
  } catch (error) {
    return refuse(`the layer "${name}" (${kind}) cannot be made: ${(error as Error).message}`)
  }
}

export interface Built { input: Symbolic; tensors: Map<string, Symbolic>; layers: LayerRecord[] }

/** Applies the layers up to and with `last` to images of `size` pixels. */
export function buildLayers(layers: LayerRecord[], last: string, size: number, statistics: Statistics): Built {
  const input = tf.input({ shape: [size, size, 3], name: 'images' }), tensors = new Map<string, Symbolic>()
  for (const layer of layers) {
    if (layer.class_name === 'InputLayer') tensors.set(layer.name, input)
    else {
      const from = layer.inbound_nodes.map(([name]) => tensors.get(name) ?? refuse(`the layer "${layer.name}" takes "${name}", which comes later or never`))
      if (from.length === 0) refuse(`the layer "${layer.name}" takes nothing`)
      try {
        const made = make(layer, statistics).apply(from.length === 1 ? from[0]! : from) as Symbolic
        if (made.shape.some((axis) => axis !== null && axis < 1)) refuse(`images of ${size} pixels are too small, the layer "${layer.name}" leaves nothing of them`)
        tensors.set(layer.name, made)
      } catch (error) {
        if (error instanceof ModelError) throw error
        refuse(`the layer "${layer.name}" does not fit its input: ${(error as Error).message}`)
      }
    }
    if (layer.name === last) break
  }
  return { input, tensors, layers }
}
