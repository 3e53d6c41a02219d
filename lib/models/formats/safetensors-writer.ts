// Writes safetensors files, one tensor in memory at a time, complete or not at all.
import { open, rename, rm } from 'node:fs/promises'
import { ModelError } from '../errors.js'
import { elements } from './weights.js'

export interface WritableTensor { name: string; shape: readonly number[]; dtype: 'F32' | 'I32'; data(): Promise<Float32Array | Int32Array> | Float32Array | Int32Array }

/** Writes `tensors` in the given order. The file appears under its name only when it is complete. */
export async function writeSafetensors(path: string, tensors: readonly WritableTensor[], metadata: Record<string, string> = {}): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: metadata }
  let end = 0
  for (const { name, shape, dtype } of tensors) {
    if (Object.hasOwn(header, name)) throw new ModelError(`Cannot write ${path}: two tensors have the name "${name}".`)
    const begin = end
    header[name] = { dtype, shape, data_offsets: [begin, end += elements(shape) * 4] }
  }
  const json = Buffer.from(JSON.stringify(header))
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ')
  json.copy(padded)
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(padded.length))
  const partial = `${path}.${process.pid}.partial`
  const file = await open(partial, 'w')
  try {
    await file.writeFile(Buffer.concat([size, padded]))
    for (const { name, shape, data } of tensors) {
      const values = await data()
      if (values.length !== elements(shape)) throw new ModelError(`Cannot write tensor "${name}" to ${path}: its shape [${shape.join(', ')}] asks for ${elements(shape)} numbers and it has ${values.length}.`)
      await file.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    }
    await file.sync()
    await file.close()
    await rename(partial, path)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(partial, { force: true })
    throw error
  }
}
