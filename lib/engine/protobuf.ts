// The few lines of protocol buffers that the C API asks for: writing configurations, reading op definitions.

const varint = (value: number): number[] => {
  const bytes: number[] = []
  while (value > 127) {
    bytes.push((value % 128) | 128)
    value = Math.floor(value / 128)
  }
  return [...bytes, value]
}

/** Field with a length: a string, bytes or a message. */
export const lengthField = (field: number, content: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(content as Uint8Array)
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(bytes.length)]), bytes])
}

/** Field with a whole number or a boolean. */
export const intField = (field: number, value: number | boolean): Buffer => Buffer.from([...varint(field * 8), ...varint(Number(value))])

/** Field with a packed list of 32-bit floats. */
export const floatsField = (field: number, values: number[]): Buffer => lengthField(field, new Uint8Array(Float32Array.from(values).buffer))

export const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields)

export interface Field { field: number; value: number | Uint8Array }

/** The fields of a message, in order; messages inside come as bytes to be read again. */
export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = []
  let at = 0
  const number = (): number => {
    let value = 0, scale = 1
    for (;;) {
      const byte = bytes[at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
  }
  while (at < bytes.length) {
    const tag = number(), field = Math.floor(tag / 8)
    switch (tag % 8) {
      case 0: fields.push({ field, value: number() }); break
      case 1: fields.push({ field, value: bytes.subarray(at, at += 8) }); break
      case 2: { const length = number(); fields.push({ field, value: bytes.subarray(at, at += length) }); break }
      case 5: fields.push({ field, value: bytes.subarray(at, at += 4) }); break
      default: throw new Error(`wire type ${tag % 8}`)
    }
  }
  return fields
}

export const text = (value: number | Uint8Array): string => Buffer.from(value as Uint8Array).toString()
