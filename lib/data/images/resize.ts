// Pillow's antialiased resampling of 8-bit pictures, to the bit, so that a network sees here what it saw in Python. Nothing about files.
import type { Pixels } from './decode.js'

export type Interpolation = 'bilinear' | 'bicubic'

const filters: Record<Interpolation, { support: number; weight(x: number): number }> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { // Keys with a = −0.5
    support: 2,
    weight(x) {
      x = Math.abs(x)
      return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    },
  },
}

/** Pillow's fixed point: 22 bits, so that 8-bit sums fit 32 bits. */
const precision = 22

interface Taps { first: Int32Array; count: Int32Array; weights: Int32Array; width: number }

const tapsCache = new Map<string, Taps>()

/** For each target pixel the source pixels that it reads and their weights; from, to: the source interval that fills the target. */
function tapsOf(source: number, target: number, from: number, to: number, interpolation: Interpolation): Taps {
  const key = `${source} ${target} ${from} ${to} ${interpolation}`
  const known = tapsCache.get(key)
  if (known) return known
  const { support, weight } = filters[interpolation]
  const scale = (to - from) / target, stretch = Math.max(1, scale), reach = support * stretch
  const width = Math.ceil(reach) * 2 + 1
  const taps: Taps = { first: new Int32Array(target), count: new Int32Array(target), weights: new Int32Array(target * width), width }
  for (let i = 0; i < target; i++) {
    const centre = from + (i + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - reach + 0.5)), end = Math.min(source, Math.trunc(centre + reach + 0.5))
    const raw = Array.from({ length: end - first }, (_, k) => weight((k + first - centre + 0.5) / stretch))
    const sum = raw.reduce((a, b) => a + b, 0)
    taps.first[i] = first
    taps.count[i] = raw.length
    raw.forEach((w, k) => {
      const fixed = (sum === 0 ? w : w / sum) * 2 ** precision
      taps.weights[i * width + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5)
    })
  }
  if (tapsCache.size > 256) tapsCache.clear()
  tapsCache.set(key, taps)
  return taps
}

const clip = (sum: number) => { const v = sum >> precision; return v < 0 ? 0 : v > 255 ? 255 : v }

const half = 1 << (precision - 1)

/** Resizes the box (default: all) of a picture to width × height, as `Image.resize((width, height), filter, box)`. */
export function resize(picture: Pixels, width: number, height: number, interpolation: Interpolation, box = { left: 0, top: 0, right: picture.width, bottom: picture.height }): Pixels {
  const across = box.left !== 0 || box.right !== picture.width || width !== picture.width
  const down = box.top !== 0 || box.bottom !== picture.height || height !== picture.height
  const flat = across ? resizeAcross(picture, tapsOf(picture.width, width, box.left, box.right, interpolation), width) : picture
  return down ? resizeDown(flat, tapsOf(picture.height, height, box.top, box.bottom, interpolation), height) : flat
}

function resizeAcross({ data, width: from, height }: Pixels, { first, count, weights, width: stride }: Taps, width: number): Pixels {
  const out = new Uint8Array(width * height * 3)
  for (let y = 0, at = 0; y < height; y++) {
    const line = y * from * 3
    for (let x = 0; x < width; x++, at += 3) {
      let r = half, g = half, b = half
      const n = count[x]!, w0 = x * stride
      for (let k = 0, p = line + first[x]! * 3; k < n; k++, p += 3) {
        const w = weights[w0 + k]!
        r += data[p]! * w
        g += data[p + 1]! * w
        b += data[p + 2]! * w
      }
      out[at] = clip(r)
      out[at + 1] = clip(g)
      out[at + 2] = clip(b)
    }
  }
  return { data: out, width, height }
}

function resizeDown({ data, width }: Pixels, { first, count, weights, width: stride }: Taps, height: number): Pixels {
  const line = width * 3
  const out = new Uint8Array(line * height)
  const sums = new Int32Array(line)
  for (let y = 0; y < height; y++) {
    sums.fill(half)
    for (let k = 0; k < count[y]!; k++) {
      const w = weights[y * stride + k]!, from = (first[y]! + k) * line
      for (let x = 0; x < line; x++) sums[x]! += data[from + x]! * w
    }
    for (let x = 0, at = y * line; x < line; x++) out[at + x] = clip(sums[x]!)
  }
  return { data: out, width, height }
}

/** How a picture meets the network's rectangle. */
export interface Frame { width: number; height: number; fit: 'stretch' | 'crop' | 'pad'; cropFraction: number; interpolation: Interpolation; background: readonly [number, number, number] }

/** Stretch, crop the middle, or pad to exactly `frame.width × frame.height`. */
export function fitInto(picture: Pixels, frame: Frame): Pixels {
  const { width, height, fit, interpolation } = frame
  if (fit === 'stretch') return resize(picture, width, height, interpolation)
  if (fit === 'crop') {
    const scale = Math.max(width / picture.width, height / picture.height) / frame.cropFraction
    const w = Math.max(width, Math.floor(picture.width * scale + 1e-6)), h = Math.max(height, Math.floor(picture.height * scale + 1e-6))
    return cutOut(resize(picture, w, h, interpolation), halfToEven((w - width) / 2), halfToEven((h - height) / 2), width, height)
  }
  const scale = Math.min(width / picture.width, height / picture.height)
  const w = Math.max(1, Math.min(width, Math.round(picture.width * scale))), h = Math.max(1, Math.min(height, Math.round(picture.height * scale)))
  return placeOn(resize(picture, w, h, interpolation), width, height, Math.floor((width - w) / 2), Math.floor((height - h) / 2), frame.background)
}

/** As Python rounds, and so torchvision's CenterCrop. */
const halfToEven = (value: number) => value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value)

function cutOut({ data, width: from }: Pixels, left: number, top: number, width: number, height: number): Pixels {
  const out = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) out.set(data.subarray(((top + y) * from + left) * 3, ((top + y) * from + left + width) * 3), y * width * 3)
  return { data: out, width, height }
}

function placeOn(picture: Pixels, width: number, height: number, left: number, top: number, background: readonly [number, number, number]): Pixels {
  const out = new Uint8Array(width * height * 3)
  for (let i = 0; i < out.length; i++) out[i] = background[i % 3]!
  for (let y = 0; y < picture.height; y++) out.set(picture.data.subarray(y * picture.width * 3, (y + 1) * picture.width * 3), ((top + y) * width + left) * 3)
  return { data: out, width, height }
}
