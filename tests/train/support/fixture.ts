// Reads a safetensors fixture as TensorFlow.js tensors.
import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs'

export function readFixture(name: string): Record<string, tf.Tensor> {
  const file = readFileSync(`tests/fixtures/${name}.safetensors`)
  const length = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>
  return Object.fromEntries(Object.entries(header).filter(([key]) => key !== '__metadata__').map(([key, { dtype, shape, data_offsets: [from, to] }]) => {
    const bytes = file.subarray(8 + length + from, 8 + length + to)
    const values = dtype === 'I64'
      ? Int32Array.from({ length: bytes.length / 8 }, (_, i) => Number(bytes.readBigInt64LE(i * 8)))
      : Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4))
    return [key, tf.tensor(values, shape, dtype === 'I64' ? 'int32' : 'float32')]
  }))
}
