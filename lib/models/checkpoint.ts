// Moves weights between a checkpoint on disk and a network, name by name, with one tensor in memory at a time.
import * as tf from '@tensorflow/tfjs'
import { ModelError } from './errors.js'
import type { Config, Family } from './family.js'
import type { WritableTensor } from './formats/safetensors-writer.js'
import { bytesOf, type WeightFile } from './formats/weights.js'
import { storedAxes, storedShape, type NetworkWeight } from './network-weights.js'

const list = (names: readonly string[]) => `${names.slice(0, 4).join(', ')}${names.length > 4 ? ` and ${names.length - 4} more` : ''}`
const alwaysIgnored = /(^|\.)(num_batches_tracked|position_ids)$/

export interface FillOptions { family: Family; config: Config; /** Leave weights of these layers as they are. */ skip(layer: string): boolean; what: string; onTensor?(done: number, total: number): void }

/** Fills `weights` from `file`. Every weight must be there in its shape, and no other may be there. */
export async function fillWeights(weights: readonly NetworkWeight[], file: WeightFile, { family, config, skip, what, onTensor }: FillOptions): Promise<void> {
  const wanted = weights.map((weight) => ({ weight, stored: family.checkpointName(weight.name, config) }))
  const body = wanted.filter(({ weight }) => !skip(weight.layer.name))
  const prefixes = ['', ...(family.prefixes ?? []), 'module.']
  const hits = (prefix: string) => body.filter(({ stored }) => file.entries.has(prefix + stored)).length
  const prefix = prefixes.reduce((best, next) => hits(next) > hits(best) ? next : best)
  // Heads stand beside the prefixed body in many checkpoints ('bert.encoder…' but 'classifier.weight').
  const nameIn = (stored: string) => file.entries.has(prefix + stored) ? prefix + stored : stored
  const missing = body.map(({ stored }) => nameIn(stored)).filter((name) => !file.entries.has(name))
  if (missing.length > 0) throw new ModelError(`Cannot load ${what} as ${family.title}: ${missing.length} of its ${body.length} weights are missing, such as ${list(missing)}. Check that the file belongs to this family.`)
  const known = new Set(wanted.map(({ stored }) => nameIn(stored)))
  const extra = [...file.entries.keys()].filter((name) => !known.has(name) && !alwaysIgnored.test(name) && !family.ignored?.test(name))
  if (extra.length > 0) throw new ModelError(`Cannot load ${what} as ${family.title}: it holds ${extra.length} weights that this family has no place for, such as ${list(extra)}. Check that the file belongs to this family.`)
  for (const { weight, stored } of body) {
    const shape = storedShape(weight), found = file.entries.get(nameIn(stored))!
    if (found.shape.join() !== shape.join()) throw new ModelError(`Cannot load ${what} as ${family.title}: weight ${nameIn(stored)} has shape [${found.shape.join(', ')}] and the network needs [${shape.join(', ')}].`)
  }
  // Weights that are turned are copied by that, so one piece of memory serves them all; otherwise their numbers would wait for the garbage collector.
  const scratch = new Uint8Array(Math.max(8, ...body.filter(({ weight }) => weight.axes).map(({ weight, stored }) => bytesOf[file.entries.get(nameIn(stored))!.dtype] * weight.variable.size)))
  let done = 0
  for (const { weight: { variable, axes }, stored } of body) {
    const name = nameIn(stored), data = await file.read(name, axes && scratch)
    tf.tidy(() => {
      const value = tf.tensor(data, file.entries.get(name)!.shape as number[], 'float32')
      variable.assign(axes ? value.transpose([...axes]) : value)
    })
    onTensor?.(++done, body.length)
  }
}

/** The weights in the layout and under the names of the family's checkpoints, read from the network when they are written. */
export function checkpointTensors(weights: readonly NetworkWeight[], family: Family, config: Config): WritableTensor[] {
  return weights.map((weight) => ({
    name: family.checkpointName(weight.name, config),
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
