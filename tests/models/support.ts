// What several tests of the model room share: fixtures read by a reader of their own, and models written to a folder to be loaded through the door.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { readTokenizer } from '../../lib/data/index.js'
import type { Model } from '../../lib/models/index.js'

jest.setTimeout(120_000) // machines may be busy; what hangs still ends

export interface Stored { shape: number[]; dtype: string; data: Float32Array | Int32Array; bytes: Uint8Array }

/** A fixture's tensors, read here and not by the library. */
export function fixture(name: string): Record<string, Stored> {
  const file = readFileSync(join('tests/fixtures', `${name}.safetensors`))
  const length = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>
  return Object.fromEntries(Object.entries(header).filter(([key]) => key !== '__metadata__').map(([key, { dtype, shape, data_offsets: [a, b] }]) => {
    const bytes = new Uint8Array(file.subarray(8 + length + a, 8 + length + b))
    const data = dtype === 'F32' ? new Float32Array(bytes.buffer) : dtype === 'I64' ? Int32Array.from(new BigInt64Array(bytes.buffer), Number) : dtype === 'U8' ? Int32Array.from(bytes) : new Int32Array(bytes.buffer)
    return [key, { shape, dtype, data, bytes }]
  }))
}

export const tensor = ({ data, shape }: Stored, dtype: 'float32' | 'int32' = 'float32') => tf.tensor(data, shape, dtype)

/** The parameters and buffers of a fixture under other names. */
export const parameters = (stored: Record<string, Stored>, rename: (name: string) => string) =>
  Object.fromEntries(Object.entries(stored).flatMap(([key, value]) => {
    const [, name] = /^(?:param|buffer)\/(.+)$/.exec(key) ?? []
    return name === undefined ? [] : [[rename(name), value] as const]
  }))

export function safetensors(tensors: Record<string, Pick<Stored, 'shape' | 'bytes'> & { dtype: string }>): Buffer {
  let end = 0
  const header = Object.fromEntries(Object.entries(tensors).map(([name, { shape, dtype, bytes }]) => [name, { dtype, shape, data_offsets: [end, end += bytes.length] }]))
  const json = Buffer.from(JSON.stringify(header)), size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([size, json, ...Object.values(tensors).map(({ bytes }) => bytes)])
}

/** A WordPiece tokenizer of BERT's kind with 40 tokens. */
export async function bertTokenizer() {
  const folder = temporary()
  writeFileSync(join(folder, 'vocab.txt'), ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...'the cat sat on mat un ##aff ##able . , ! dog ran far away near home bee ant wasp fly red blue green big small one two three four five six seven eight nine'.split(' ')].slice(0, 40).join('\n'))
  return readTokenizer(folder)
}

/** Adds noise to every weight, so that biases and norms count too. */
export function shaken(model: Model): Model {
  for (const [i, variable] of Object.values(model.weights()).entries()) tf.tidy(() => variable.assign(variable.add(tf.randomNormal(variable.shape, 0, 0.1, 'float32', i))))
  return model
}

export const temporary = () => mkdtempSync(join(os.tmpdir(), 'afinar-models-'))

/** A folder as `model.save` would write it, from weights that the library has not touched. */
export function savedFolder(tensors: Record<string, Stored>, config: Record<string, unknown>, afinar: Record<string, unknown>, preprocessing: unknown): string {
  const folder = temporary()
  writeFileSync(join(folder, 'model.safetensors'), safetensors(tensors))
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, afinar: { format: 1, task: 'classification', source: 'fixture', ...afinar } }))
  writeFileSync(join(folder, 'preprocessing.json'), JSON.stringify(preprocessing))
  return folder
}

export function largestDifference(a: tf.Tensor, b: tf.Tensor): number {
  if (a.shape.join() !== b.shape.join()) throw new Error(`shapes [${a.shape}] and [${b.shape}]`)
  return tf.tidy(() => a.sub(b).abs().max().dataSync()[0]!)
}

/** PyTorch's layout of a gradient → TensorFlow.js's. */
export function fromTorch(stored: Stored, shape: readonly number[]): tf.Tensor {
  const value = tensor(stored)
  if (shape.length === 2) return value.transpose([1, 0])
  if (shape.length !== 4) return value
  const depthwise = shape[3] === 1
  return depthwise ? value.transpose([2, 3, 0, 1]) : value.transpose([2, 3, 1, 0])
}

/** Lets only errors that the room made on purpose pass. */
export function ours(error: unknown): void { if ((error as Error).name !== 'ModelError') throw error }

/** Numbers in [0, 1) by mulberry32. */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Flips, cuts, doubles or inserts a few bytes. */
export function mutate(bytes: Buffer, random: () => number): Buffer {
  let out = Buffer.from(bytes)
  for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
    const at = Math.floor(random() * out.length), kind = Math.floor(random() * 4)
    if (kind === 0) out[at] = Math.floor(random() * 256)
    else if (kind === 1) out = out.subarray(0, at)
    else if (kind === 2) out = Buffer.concat([out.subarray(0, at), out.subarray(Math.floor(random() * (at + 1)), at), out.subarray(at)])
    else out = Buffer.concat([out.subarray(0, at), Buffer.from([Math.floor(random() * 256)]), out.subarray(at)])
    if (out.length === 0) return out
  }
  return out
}
