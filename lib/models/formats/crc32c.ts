// CRC-32C (Castagnoli), as TensorFlow and LevelDB keep it: turned and shifted, so that a checksum of checksums is no special case.

/** Eight tables, so that eight bytes are one step. */
let tables: Uint32Array[] | undefined

function made(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
    return value >>> 0
  })
  const all = [first]
  for (let k = 1; k < 8; k++) all.push(Uint32Array.from(all[k - 1]!, (value) => (first[value & 255]! ^ (value >>> 8)) >>> 0))
  return all
}

export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables ??= made()
  let crc = 0xffffffff, at = 0
  for (const end = bytes.length - 7; at < end; at += 8) {
    crc ^= bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24
    crc = t7![crc & 255]! ^ t6![(crc >>> 8) & 255]! ^ t5![(crc >>> 16) & 255]! ^ t4![crc >>> 24]! ^ t3![bytes[at + 4]!]! ^ t2![bytes[at + 5]!]! ^ t1![bytes[at + 6]!]! ^ t0![bytes[at + 7]!]!
  }
  for (; at < bytes.length; at++) crc = t0![(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

export function unmasked(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}
