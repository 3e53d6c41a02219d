// From an encoder–decoder's training network to two that write one token at a time on the same weights, whatever the family: what the encoder
// says is computed once, and a token's step keeps the keys and values of those before it.
import * as tf from '@tensorflow/tfjs'
import { steps, type Symbolic } from './blocks/layer.js'

export interface Decoder {
  /** The encoder's inputs → all that the decoder sees of them. */
  readonly source: tf.LayersModel
  /** [token int32 `[b, 1]`, position int32 `[b]`, places int32 `[longest]`, …what `source` gave, …caches] → [scores `[b, 1, words]`, …caches]. */
  readonly step: tf.LayersModel
  /** Width of each cache `[b, longest, width]`. */
  readonly caches: readonly number[]
}

/** Names of the inputs that only the encoder reads; `written` is what the decoder has written so far. */
export interface DecoderInputs { source: readonly string[]; written: string }

/**
 * Walks from the scores back to the inputs. What does not depend on `written` is the source's; a layer that looks at places is replaced by
 * its form for one token; attention whose keys depend on `written` gets a cache; every other layer is applied as it is.
 */
export function decoderOf(name: string, network: tf.LayersModel, inputs: DecoderInputs): Decoder {
  const symbolic = (wanted: string) => network.inputs[network.inputNames.indexOf(wanted)]!
  const written = symbolic(inputs.written)
  const dependent = new Map<Symbolic, boolean>()
  const depends = (tensor: Symbolic): boolean => {
    const known = dependent.get(tensor)
    if (known !== undefined) return known
    const value = tensor === written || tensor.inputs.some(depends)
    dependent.set(tensor, value)
    return value
  }
  const input = (suffix: string, shape: (number | null)[], dtype: 'int32' | 'float32') => tf.input({ name: `${name}.${suffix}`, shape, dtype })
  const token = input('token', [1], 'int32'), position = input('position', [], 'int32')
  // TensorFlow.js's inputs have a batch axis always; here it is the places'.
  const places = input('places', [], 'int32')
  const seen: { from: Symbolic; as: Symbolic }[] = [], caches: { input: Symbolic; output: Symbolic; width: number }[] = []
  const made = new Map<Symbolic, Symbolic>([[written, token]])
  const remake = (tensor: Symbolic): Symbolic => {
    const known = made.get(tensor)
    if (known) return known
    const result = depends(tensor) ? reapply(tensor) : fromSource(tensor)
    made.set(tensor, result)
    return result
  }
  const fromSource = (tensor: Symbolic): Symbolic => {
    const as = input(`seen${seen.length}`, tensor.shape.slice(1), tensor.dtype as 'float32')
    seen.push({ from: tensor, as })
    return as
  }
  const reapply = (tensor: Symbolic): Symbolic => {
    const layer = tensor.sourceLayer, own = tensor.inputs.map(remake)
    const cached = layer.getClassName() === 'MultiHeadAttention' && depends(tensor.inputs[1]!)
    if (!steps(layer) || (layer.getClassName() === 'MultiHeadAttention' && !cached)) return layer.apply(own.length === 1 ? own[0]! : own) as Symbolic
    if (!cached) return layer.atPosition().apply([position, places, ...own]) as Symbolic
    const [k, v] = [1, 2].map((i) => input(`cache${caches.length + i - 1}`, [null, tensor.inputs[i]!.shape.at(-1)!], 'float32')) as [Symbolic, Symbolic]
    const [out, newK, newV] = layer.atPosition().apply([position, k, v, ...own]) as Symbolic[]
    caches.push(...([[k, newK], [v, newV]] as [Symbolic, Symbolic][]).map(([before, after]) => ({ input: before, output: after, width: before.shape.at(-1)! })))
    return out!
  }
  const scores = remake(network.outputs[0]!)
  return {
    source: tf.model({ name: `${name}.source`, inputs: inputs.source.map(symbolic), outputs: seen.map(({ from }) => from) }),
    step: tf.model({ name: `${name}.step`, inputs: [token, position, places, ...seen.map(({ as }) => as), ...caches.map((cache) => cache.input)], outputs: [scores, ...caches.map(({ output }) => output)] }),
    caches: caches.map(({ width }) => width),
  }
}
