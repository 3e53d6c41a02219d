// Any image classifier that Keras or TensorFlow.js wrote as layers: the file itself describes the network.
//
//   image [s, s, 3] ─► the file's own layers ─► (a new head: up to where pixels are pooled) ─► features ─► head
//
// Saved in this library's form, its description is in config.json. Weight names are 'layer.weight'.
import * as tf from '@tensorflow/tfjs'
import { meanOverPixels } from '../blocks/convolution.js'
import { Dense } from '../blocks/dense.js'
import { Dropout } from '../blocks/dropout.js'
import type { Symbolic } from '../blocks/layer.js'
import { ModelError } from '../errors.js'
import type { Family } from '../family.js'
import { imagePreprocessing, positiveSize } from './image.js'
import { buildLayers, imageSizeOf, isTopology, layersOf, type Topology } from './keras-topology.js'

interface LayersModelConfig { topology: Topology; image_size: number; /** Name of the layer whose output is the features. */ features: string; /** Name of the dense layer that was the head. */ classifier: string; dropout: number; /** Features of an image that is left are averaged over its pixels, else laid out. */ pool?: 'mean' }

const idle = ['Activation', 'Softmax', 'Dropout', 'InputLayer']

/** The last dense layer, and what it takes. */
function classifierOf(topology: Topology): { classifier: string; features: string } {
  const layers = layersOf(topology)
  const rest = [...layers].reverse()
  const last = rest.find(({ class_name: kind }) => !idle.includes(kind))
  if (last?.class_name !== 'Dense') throw new ModelError(`Cannot use the network that the file describes: it ends in ${last ? `"${last.name}" (${last.class_name})` : 'nothing'}, and a classifier ends in a dense layer.`)
  return { classifier: last.name, features: last.inbound_nodes[0]![0] }
}

/** Where the pixels become one vector. An average over a fixed number of pixels becomes one over all that there are, so that images of any size will do. */
function pooledOf(topology: Topology): Pick<LayersModelConfig, 'features' | 'pool'> | undefined {
  const layers = layersOf(topology), found = [...layers].reverse().find(({ class_name: kind }) => /^(GlobalAveragePooling2D|GlobalMaxPooling2D|Flatten)$/.test(kind))
  const before = layers.find(({ name }) => name === found?.inbound_nodes[0]?.[0])
  return found?.class_name === 'Flatten' && before?.class_name === 'AveragePooling2D' ? { features: before.inbound_nodes[0]![0], pool: 'mean' } : found && { features: found.name }
}

export const layersModel: Family<LayersModelConfig> = {
  name: 'layers-model',
  title: 'Keras or TensorFlow.js layers',
  inputs: 'image',
  fromFile: true,
  head: 'head',
  configure({ imageSize, given }) {
    const topology = given?.['topology']
    if (!isTopology(topology)) throw new ModelError('Cannot build a layers model without its layers: it comes from a TensorFlow.js model.json, a .keras or an .h5 file. Pass such a source to loadModel.')
    const found = classifierOf(topology)
    const { features = found.features, classifier = found.classifier, dropout = 0, pool, image_size: size = imageSizeOf(layersOf(topology)) } = given as Partial<LayersModelConfig>
    return { topology, features, classifier, dropout, ...(pool && { pool }), image_size: positiveSize(imageSize ?? size, 8) }
  },
  forNewHead(config) {
    const pooled = pooledOf(config.topology)
    return pooled === undefined ? config : { ...config, ...pooled, dropout: 0.2 }
  },
  build(config, { outputs, statistics }) {
    const { input, tensors } = buildLayers(layersOf(config.topology), config.features, config.image_size, statistics)
    let features = tensors.get(config.features)!
    if (features.shape.length === 4 && config.pool === 'mean') features = meanOverPixels(features, 'features.mean')
    if (features.shape.length !== 2) features = tf.layers.flatten({ name: 'features.flatten' }).apply(features) as Symbolic
    const dropped = config.dropout > 0 ? new Dropout({ name: 'head.dropout', rate: config.dropout }).apply(features) as Symbolic : features
    const logits = new Dense({ name: 'head', units: outputs }).apply(dropped) as Symbolic
    return { network: tf.model({ name: 'layers-model', inputs: input, outputs: logits }), features }
  },
  group: (layer) => layer === 'head' || layer.startsWith('head.') ? 'head' : layer.replace(/_?(bn|BN|norm|batchnorm|depthwise|project|expand|pointwise|dw|pw)(_.*)?$/i, '') || layer,
  checkpointName: (weight) => weight,
  tensorflowLayer: (layer, { classifier }) => layer === 'head' ? classifier : layer,
  readConfig: (json) => isTopology(json['topology']) ? json : undefined,
  preprocessing: ({ image_size: size }) => imagePreprocessing(size, { mean: [0, 0, 0], std: [255, 255, 255] }),
}
