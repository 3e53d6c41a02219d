// Moves weights between a checkpoint on disk and a network, name by name, with one tensor in memory at a time.
import * as tf from '@tensorflow/tfjs'
import { ModelError } from './errors.js'
import type { Config, Family } from './family.js'
import type { WritableTensor } from './formats/safetensors-writer.js'
import { bytesOf, type WeightFile } from './formats/weights.js'
import { storedAxes, storedShape, type NetworkWeight } from './network-weights.js'

const list = (names: readonly string[]) => `${names.slice(0, 4).join(', ')}${names.length > 4 ? ` and ${names.length - 4} more` : ''}`
const alwaysIgnored = /(^|\.)(num_batches_tracked|position_ids)$/

export interface FillOptions { family: Family; config: Config; /** Leave weights of these layers as they are. */ skip(layer: string): boolean; /** Weights of the file that are left out on purpose. */ leftOut?(name: string): boolean; what: string; onTensor?(done: number, total: number): void }

/** A weight and the entry of the file that fills it. */
interface Match { weight: NetworkWeight; entry: string; /** Axes of the entry in the network's order. */ axes: readonly number[] | undefined; shape: readonly number[] }

/** Files in PyTorch's layout: by the family's names, with the prefix that fits most of them. */
function byCheckpointName(weights: readonly NetworkWeight[], file: WeightFile, { family, config, skip }: FillOptions): { matches: Match[]; known: Set<string> } {
  const wanted = weights.map((weight) => ({ weight, stored: family.checkpointName(weight.name, config) }))
  const body = wanted.filter(({ weight }) => !skip(weight.layer.name))
  const prefixes = ['', ...(family.prefixes ?? []), 'module.']
  const hits = (prefix: string) => body.filter(({ stored }) => [stored, ...family.alternatives?.(stored) ?? []].some((name) => file.entries.has(prefix + name))).length
  const prefix = prefixes.reduce((best, next) => hits(next) > hits(best) ? next : best)
  // Heads stand beside the prefixed body in many checkpoints ('bert.encoder…' but 'classifier.weight').
  const nameIn = (stored: string) => [stored, ...family.alternatives?.(stored) ?? []].flatMap((name) => [prefix + name, name]).find((name) => file.entries.has(name)) ?? stored
  return { matches: body.map(({ weight, stored }) => ({ weight, entry: nameIn(stored), axes: weight.axes, shape: storedShape(weight) })), known: new Set(wanted.map(({ stored }) => nameIn(stored))) }
}

/** Files in TensorFlow's layout: 'layer/weight', or 'layer/number' as Keras 3 counts. Batch norms made without scale or center keep ones and zeros there. */
function byLayer(weights: readonly NetworkWeight[], file: WeightFile, { family, config, skip }: FillOptions): { matches: Match[]; known: Set<string> } {
  const known = new Set<string>(), matches: Match[] = []
  for (const weight of weights) {
    const layer = family.tensorflowLayer?.(weight.layer.name, config) ?? weight.layer.name
    const siblings = weights.filter((other) => other.layer === weight.layer).length
    const counted = [...file.entries.keys()].filter((name) => name.startsWith(`${layer}/`) && /^\d+$/.test(name.slice(layer.length + 1))).length
    const norm = weight.leaf === 'gamma' || weight.leaf === 'beta'
    // Without a scale the shift comes first: Keras 3 counts only what is there.
    const number = weight.place - (counted > 0 && counted < siblings ? siblings - counted : 0)
    // Keras 3 calls a depthwise kernel a kernel.
    const entry = [`${layer}/${weight.leaf}`, `${layer}/${weight.leaf.replace('depthwise_', '')}`, `${layer}/${number}`].find((name) => file.entries.has(name)) ?? `${layer}/${weight.leaf}`
    if (!file.entries.has(entry) && norm) continue
    if (counted > 0 && counted < siblings && weight.leaf === 'gamma') continue
    known.add(entry)
    if (!skip(weight.layer.name)) matches.push({ weight, entry, axes: undefined, shape: weight.variable.shape })
  }
  return { matches, known }
}

/** Fills `weights` from `file`. Every weight must be there in its shape, and no other may be there. */
export async function fillWeights(weights: readonly NetworkWeight[], file: WeightFile, o: FillOptions): Promise<void> {
  const { family, what, onTensor } = o
  const { matches, known } = file.layout === 'tensorflow' ? byLayer(weights, file, o) : byCheckpointName(weights, file, o)
  const missing = matches.map(({ entry }) => entry).filter((name) => !file.entries.has(name))
  if (missing.length > 0) throw new ModelError(`Cannot load ${what} as ${family.title}: ${missing.length} of its ${matches.length} weights are missing, such as ${list(missing)}. Check that the file belongs to this family.`)
  const extra = [...file.entries.keys()].filter((name) => !known.has(name) && !alwaysIgnored.test(name) && !family.ignored?.test(name) && !o.leftOut?.(name))
  if (extra.length > 0) throw new ModelError(`Cannot load ${what} as ${family.title}: it holds ${extra.length} weights that this family has no place for, such as ${list(extra)}. Check that the file belongs to this family.`)
  for (const { entry, shape } of matches) {
    const found = file.entries.get(entry)!
    if (found.shape.join() !== shape.join()) throw new ModelError(`Cannot load ${what} as ${family.title}: weight ${entry} has shape [${found.shape.join(', ')}] and the network needs [${shape.join(', ')}].`)
  }
  // Weights that are turned are copied by that, so one piece of memory serves them all; otherwise their numbers would wait for the garbage collector.
  const scratch = new Uint8Array(Math.max(8, ...matches.filter(({ axes }) => axes).map(({ weight, entry }) => bytesOf[file.entries.get(entry)!.dtype] * weight.variable.size)))
  let done = 0
  for (const { weight: { variable }, entry, axes } of matches) {
    const data = await file.read(entry, axes && scratch)
    tf.tidy(() => {
      const value = tf.tensor(data, file.entries.get(entry)!.shape as number[], 'float32')
      variable.assign(axes ? value.transpose([...axes]) : value)
    })
    onTensor?.(++done, matches.length)
  }
}

/** The name under which a weight is saved: the family's own, with `prefix` in front of what is not the head. */
export function savedName({ name, layer }: NetworkWeight, family: Family, config: Config, prefix = ''): string {
  const stored = family.checkpointName(name, config)
  return layer.name === family.head || layer.name.startsWith(`${family.head}.`) ? stored : prefix + stored
}

/** The weights in the layout and under the names of the family's checkpoints, read from the network when they are written. */
export function checkpointTensors(weights: readonly NetworkWeight[], family: Family, config: Config, prefix?: string): WritableTensor[] {
  return weights.map((weight) => ({
    name: savedName(weight, family, config, prefix),
    shape: storedShape(weight),
    dtype: 'F32' as const,
    async data() {
      const value = weight.axes ? tf.tidy(() => weight.variable.transpose(storedAxes(weight.axes!))) : weight.variable
      const data = await value.data()
      if (value !== weight.variable) value.dispose()
      return data as Float32Array
    },
  }))
}
