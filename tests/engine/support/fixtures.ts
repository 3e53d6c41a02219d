// Reads the stored answers of PyTorch (safetensors files) for the engine's tests.
import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs'

export interface Stored { shape: number[]; values: Float32Array | Int32Array }

export function fixture(name: string): Record<string, Stored> {
  const bytes = readFileSync(`tests/fixtures/${name}.safetensors`)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>
  return Object.fromEntries(Object.entries(header).filter(([key]) => key !== '__metadata__').map(([key, { dtype, shape, data_offsets: [from, to] }]) => {
    const data = Uint8Array.from(bytes.subarray(8 + length + from, 8 + length + to)).buffer
    const values = dtype === 'F32' ? new Float32Array(data) : dtype === 'U8' ? Int32Array.from(new Uint8Array(data)) : Int32Array.from(new BigInt64Array(data), Number)
    return [key, { shape, values }]
  }))
}

export const tensor = ({ shape, values }: Stored) => tf.tensor(values, shape, values instanceof Float32Array ? 'float32' : 'int32')

/** The part of a fixture under a prefix, without it. */
export function under(all: Record<string, Stored>, prefix: string): Record<string, Stored> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]))
}

export const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
