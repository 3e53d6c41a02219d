// The weights of a tf.LayersModel under stable names, and their layout in PyTorch's checkpoints. Reads no files.
import type * as tf from '@tensorflow/tfjs'

export interface NetworkWeight {
  /** 'blocks.0.expand.conv.weight': the layer's name and PyTorch's name for the weight. Stable across processes. */
  readonly name: string
  readonly layer: tf.layers.Layer
  /** The weight's name inside its layer, and its place among the layer's weights. */
  readonly leaf: string
  readonly place: number
  readonly variable: tf.Variable
  readonly trainable: boolean
  /** Axes of the stored tensor in the order that TensorFlow.js wants; undefined: the same. */
  readonly axes: readonly number[] | undefined
}

const leaves: Record<string, string> = { kernel: 'weight', depthwise_kernel: 'weight', gamma: 'weight', embeddings: 'weight', beta: 'bias', moving_mean: 'running_mean', moving_variance: 'running_var', lora_A: 'lora_A.weight', lora_B: 'lora_B.weight' }

/** PyTorch keeps Linear as [out, in], Conv as [out, in, …kernel], depthwise as [channels, 1, …kernel]. */
function axesOf(leaf: string, rank: number): number[] | undefined {
  if (leaf === 'depthwise_kernel') return [2, 3, 0, 1]
  if (leaf.startsWith('lora_') || leaf === 'weight_ih' || leaf === 'weight_hh') return [1, 0]
  if (leaf === 'weight_g' || leaf === 'weight_v') return [2, 1, 0]
  if (leaf !== 'kernel') return undefined
  return { 2: [1, 0], 3: [2, 1, 0], 4: [2, 3, 1, 0] }[rank]
}

/** Every weight of a network, moving averages included, in the order from input to output. */
export function networkWeights(network: tf.LayersModel): NetworkWeight[] {
  return network.layers.flatMap((layer) => {
    const trainable = new Set(layer.trainableWeights)
    return layer.weights.map((weight, place) => {
      const { originalName } = weight as unknown as { originalName: string }
      const leaf = originalName.slice(originalName.lastIndexOf('/') + 1)
      return { name: `${layer.name}.${leaves[leaf] ?? leaf}`, layer, leaf, place, variable: weight.read() as tf.Variable, trainable: trainable.has(weight), axes: axesOf(leaf, weight.shape.length) }
    })
  })
}

/** The shape that a weight has in a checkpoint. */
export function storedShape({ variable, axes }: NetworkWeight): number[] {
  if (!axes) return variable.shape
  const stored: number[] = []
  axes.forEach((from, to) => { stored[from] = variable.shape[to]! })
  return stored
}

/** Axes that bring a weight back into its stored order. */
export const storedAxes = (axes: readonly number[]): number[] => axes.map((_, i) => axes.indexOf(i))
