// MurmurHash2 (Appleby, public domain): by it front ends name the file that a cell's text stands for.

const multiplier = 0x5bd1e995

/** 32 bits, unsigned, of the text's UTF-8. */
export function murmur2(text: string, seed: number): number {
  const data = new TextEncoder().encode(text), whole = data.length & ~3, view = new DataView(data.buffer)
  let hash = seed ^ data.length
  for (let at = 0; at < whole; at += 4) {
    const mixed = Math.imul(view.getUint32(at, true), multiplier)
    hash = Math.imul(hash, multiplier) ^ Math.imul(mixed ^ mixed >>> 24, multiplier)
  }
  if (data.length > whole) {
    for (let at = whole; at < data.length; at++) hash ^= data[at]! << 8 * (at - whole)
    hash = Math.imul(hash, multiplier)
  }
  hash = Math.imul(hash ^ hash >>> 13, multiplier)
  return (hash ^ hash >>> 15) >>> 0
}
