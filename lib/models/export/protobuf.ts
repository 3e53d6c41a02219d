// Protocol buffers as lists of pieces, so that a message with large tensors inside can be written without ever being in memory as a whole.

/** Bytes, or bytes that are fetched when they are written. */
export type Piece = Uint8Array | { length: number; load(): Uint8Array }
export type Message = readonly Piece[]

const lengthOf = (message: Message) => message.reduce((sum, { length }) => sum + length, 0)

/** A whole number in seven bits a byte; a negative one as its 64-bit complement. */
function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

export const whole = (field: number, value: number | boolean): Message => [Uint8Array.from([...varint(field * 8), ...varint(Number(value))])]

export function float(field: number, value: number): Message {
  return [Uint8Array.from([...varint(field * 8 + 5), ...new Uint8Array(Float32Array.of(value).buffer)])]
}

/** A message inside a message. */
export const inside = (field: number, ...parts: Message[]): Message => {
  const content = parts.flat()
  return [Uint8Array.from([...varint(field * 8 + 2), ...varint(lengthOf(content))]), ...content]
}

export const text = (field: number, value: string | Uint8Array): Message => inside(field, [typeof value === 'string' ? new TextEncoder().encode(value) : value])

/** One entry of a map from strings to messages. */
export const entry = (field: number, key: string, value: Message): Message => inside(field, text(1, key), inside(2, value))
