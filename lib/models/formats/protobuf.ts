// Protocol buffers, read: the fields of a message in order, nothing known of their meaning. Damage becomes an error that names the file.
import { createRequire } from 'node:module'
import { ModelError } from '../errors.js'

/** `number` for whole numbers (NaN where they are beyond 2^53), `content` for strings, bytes and messages inside. */
export interface Field { field: number; number: number; content: Uint8Array }

interface Reader { nextField(): boolean; getFieldNumber(): number; getWireType(): number; readInt64(): number; readBytes(): Uint8Array; readFixed32(): number; skipField(): void }
const { BinaryReader } = createRequire(import.meta.url)('google-protobuf') as { BinaryReader: new (bytes: Uint8Array) => Reader }
const none = new Uint8Array(0)

export function readFields(bytes: Uint8Array, path: string): Field[] {
  const fields: Field[] = []
  try {
    const reader = new BinaryReader(bytes)
    while (reader.nextField()) {
      const field = reader.getFieldNumber()
      switch (reader.getWireType()) {
        case 0: fields.push({ field, number: reader.readInt64(), content: none }); break
        case 2: fields.push({ field, number: NaN, content: reader.readBytes() }); break
        case 5: fields.push({ field, number: reader.readFixed32(), content: none }); break
        default: reader.skipField()
      }
    }
    return fields
  } catch (error) {
    throw new ModelError(`Cannot read ${path}: a record in it is not a valid protocol buffer (${(error as Error).message}). The file is truncated or damaged; fetch it again.`, { cause: error })
  }
}
