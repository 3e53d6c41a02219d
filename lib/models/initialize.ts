// Random starting weights, the same for the same seed on every machine and in any order of building.
import * as tf from '@tensorflow/tfjs'
import type { NetworkWeight } from './network-weights.js'

/** A generator of uniform numbers in (0, 1) from a name and a seed (xorshift128, seeded by FNV-1a). */
export function seededUniform(name: string, seed: number): () => number {
  let hash = 2166136261 ^ Math.imul(seed | 0, 0x9e3779b1)
  const state = new Uint32Array(4)
  for (let i = 0; i < 4; i++) {
    for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0)!, 16777619)
    state[i] = hash = Math.imul(hash ^ (hash >>> 15) ^ i, 0x85ebca6b)
  }
  if (state.every((word) => word === 0)) state[0] = 1
  return () => {
    const t = state[0]! ^ (state[0]! << 11)
    state[0] = state[1]!
    state[1] = state[2]!
    state[2] = state[3]!
    state[3] = state[3]! ^ (state[3]! >>> 19) ^ t ^ (t >>> 8)
    return (state[3]! + 0.5) / 4294967296
  }
}

function normal(uniform: () => number, n: number, deviation: number): Float32Array {
  const out = new Float32Array(n)
  for (let i = 0; i < n; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(uniform())), angle = 2 * Math.PI * uniform()
    out[i] = radius * Math.cos(angle)
    if (i + 1 < n) out[i + 1] = radius * Math.sin(angle)
  }
  return out
}

/**
 * Values for the weights of these layers: He's normal for convolutions (He et al. 2015), PyTorch's uniform ±1/√d for a head and recurrent layers,
 * normal with deviation 0.02 for the rest (Devlin et al. 2019). Biases, norms and averages keep what their layer gave them.
 */
export function randomize(weights: readonly NetworkWeight[], seed: number, isHead: (layer: string) => boolean): void {
  for (const { name, layer, variable } of weights) {
    const { shape, size } = variable
    if (shape.length < 2 || !/\.weight(_v|_ih|_hh)?$/.test(name)) continue
    const uniform = seededUniform(name, seed)
    let values
    if (shape.length === 4) values = normal(uniform, size, Math.sqrt(2 / (shape[0]! * shape[1]! * (shape[3] === 1 ? 1 : shape[2]!))))
    else if (shape.length === 3) values = normal(uniform, size, Math.sqrt(2 / (shape[0]! * shape[1]!)))
    else if (isHead(layer.name) || /_(ih|hh)$/.test(name)) {
      const bound = 1 / Math.sqrt(shape[0]!)
      values = Float32Array.from({ length: size }, () => (2 * uniform() - 1) * bound)
    } else values = normal(uniform, size, 0.02)
    tf.tidy(() => { variable.assign(tf.tensor(values, shape, 'float32')) })
  }
}
