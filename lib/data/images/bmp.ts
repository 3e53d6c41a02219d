// Windows bitmaps to RGB: 1, 4, 8, 16, 24 and 32 bits, bit fields and run lengths. libvips, which reads everything else, lacks them.
import { DataError } from '../errors.js'
import type { Pixels } from './decode.js'

const refuse = (rule: string): never => { throw new DataError(`Cannot decode the bitmap: ${rule}. Save it again as PNG.`) }

/** Mask of a 16- or 32-bit channel → reader of that channel scaled to 0..255. */
function channel(mask: number): (value: number) => number {
  if (mask === 0) return () => 0
  const shift = 31 - Math.clz32(mask & -mask), largest = mask >>> shift
  return (value) => Math.round((((value & mask) >>> shift) / largest) * 255)
}

export function isBmp(bytes: Uint8Array): boolean { return bytes.length > 30 && bytes[0] === 0x42 && bytes[1] === 0x4d }

/** Pixel rows top down, three bytes a pixel. Alpha is ignored, as Pillow does. */
export function decodeBmp(bytes: Uint8Array, largest: number): Pixels {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 54) refuse(`its header is cut off after ${bytes.length} bytes`)
  const start = view.getUint32(10, true), header = view.getUint32(14, true)
  if (header < 40) refuse(`headers of ${header} bytes (OS/2) are not read`)
  const width = view.getInt32(18, true), signedHeight = view.getInt32(22, true), height = Math.abs(signedHeight)
  const bits = view.getUint16(28, true), compression = view.getUint32(30, true)
  if (width < 1 || height < 1) refuse(`its size is ${width} × ${signedHeight}`)
  if (width * height > largest) refuse(`${width} × ${height} pixels are more than the limit of ${largest}`)
  const runLength = compression === 1 || compression === 2
  if (![1, 4, 8, 16, 24, 32].includes(bits) || (compression > 3 && compression !== 6) || (runLength && bits !== (compression === 1 ? 8 : 4))) refuse(`${bits} bits with compression ${compression} are not read`)
  const stride = Math.ceil((width * bits) / 32) * 4
  if (!runLength && start + stride * height > bytes.length) refuse(`its pixels are cut off: ${start + stride * height} bytes are needed, the file has ${bytes.length}`)
  const data = new Uint8Array(width * height * 3)
  const target = (y: number) => (signedHeight < 0 ? y : height - 1 - y) * width * 3

  if (bits <= 8) {
    const colours = view.getUint32(46, true) || 1 << bits
    const palette = 14 + header
    const paint = (at: number, index: number) => {
      const entry = palette + index * 4
      if (index >= colours || entry + 2 >= bytes.length) refuse(`a pixel names colour ${index}, the palette has ${colours}`)
      data[at] = bytes[entry + 2]!
      data[at + 1] = bytes[entry + 1]!
      data[at + 2] = bytes[entry]!
    }
    const indices = runLength ? expandRuns(bytes, start, width, height, bits) : undefined
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const bit = x * bits
        paint(target(y) + x * 3, indices ? indices[y * width + x]! : (bytes[start + y * stride + (bit >> 3)]! >> (8 - bits - (bit & 7))) & ((1 << bits) - 1))
      }
    }
    return { data, width, height }
  }

  const masks = compression === 3 || compression === 6 ? [54, 58, 62].map((at) => view.getUint32(at, true)) : bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff]
  const [red, green, blue] = masks.map(channel) as [(v: number) => number, (v: number) => number, (v: number) => number]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = start + y * stride + (x * bits) / 8, to = target(y) + x * 3
      if (bits === 24) {
        data[to] = bytes[from + 2]!
        data[to + 1] = bytes[from + 1]!
        data[to + 2] = bytes[from]!
      } else {
        const value = bits === 16 ? view.getUint16(from, true) : view.getUint32(from, true)
        data[to] = red(value)
        data[to + 1] = green(value)
        data[to + 2] = blue(value)
      }
    }
  }
  return { data, width, height }
}

/** RLE8 and RLE4: pairs of (count, value); count 0 escapes to end of line, end of picture, a jump, or a literal run. Skipped pixels are colour 0. */
function expandRuns(bytes: Uint8Array, start: number, width: number, height: number, bits: number): Uint8Array {
  const out = new Uint8Array(width * height)
  let x = 0, y = 0
  const put = (index: number) => { if (x < width && y < height) out[y * width + x] = index; x++ }
  for (let at = start; at + 1 < bytes.length;) {
    const count = bytes[at++]!, value = bytes[at++]!
    if (count > 0) {
      for (let i = 0; i < count; i++) put(bits === 8 ? value : i % 2 === 0 ? value >> 4 : value & 15)
    } else if (value === 0) {
      x = 0
      y++
    } else if (value === 1) {
      return out
    } else if (value === 2) {
      x += bytes[at++] ?? 0
      y += bytes[at++] ?? 0
    } else {
      const length = bits === 8 ? value : Math.ceil(value / 2)
      if (at + length > bytes.length) break
      for (let i = 0; i < value; i++) put(bits === 8 ? bytes[at + i]! : i % 2 === 0 ? bytes[at + (i >> 1)]! >> 4 : bytes[at + (i >> 1)]! & 15)
      at += length + (length % 2)
    }
    if (y >= height) return out
  }
  return refuse('its runs are cut off')
}
