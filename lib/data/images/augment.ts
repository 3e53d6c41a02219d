// Random changes of one picture, as a pure function of (options, stream of random numbers). Which stream belongs to which row: content.ts.
import { DataError, shown } from '../errors.js'
import type { Random } from '../random.js'
import type { AugmentOptions } from '../types.js'
import type { Pixels } from './decode.js'

/** What was drawn for one picture. The draws come in a fixed order, so that switching one change on leaves the others as they were. */
interface Draw {
  flip: boolean
  flipVertical: boolean
  shiftX: number
  shiftY: number
  angle: number
  zoom: number
  brightness: number
  contrast: number
  saturation: number
  erase: { left: number; top: number; right: number; bottom: number } | undefined
}

const probability = (value: boolean | number | undefined): number => value === true ? 0.5 : value === false ? 0 : value ?? 0

/** Throws for options that mean nothing. */
export function checkAugment(o: AugmentOptions): void {
  const between = (name: keyof AugmentOptions, low: number, high: number, example: string) => {
    const value = typeof o[name] === 'boolean' ? probability(o[name]) : o[name]
    if (value !== undefined && !(typeof value === 'number' && value >= low && value <= high)) throw new DataError(`Cannot augment: "${name}" must be between ${low} and ${high}, got ${shown(o[name])}. Use for example ${name}: ${example}.`)
  }
  between('flip', 0, 1, '0.5')
  between('flipVertical', 0, 1, '0.5')
  between('shift', 0, 1, '0.1')
  between('rotate', 0, 180, '15')
  between('brightness', 0, 1, '0.2')
  between('contrast', 0, 1, '0.2')
  between('saturation', 0, 1, '0.2')
  between('erase', 0, 1, '0.25')
  between('mixup', 0, 100, '0.2')
  between('tokenDropout', 0, 1, '0.1')
  if (o.zoom && !(o.zoom[0] > 0 && o.zoom[1] >= o.zoom[0] && o.zoom[1] < 100)) throw new DataError(`Cannot augment: "zoom" must be [smallest, largest] with 0 < smallest ≤ largest, got ${shown([...o.zoom])}. Use for example zoom: [0.8, 1.2].`)
}

function draw(o: AugmentOptions, width: number, height: number, random: Random): Draw {
  const spread = (reach = 0) => (random() * 2 - 1) * reach
  const drawn = {
    flip: random() < probability(o.flip),
    flipVertical: random() < probability(o.flipVertical),
    shiftX: spread(o.shift) * width,
    shiftY: spread(o.shift) * height,
    angle: (spread(o.rotate) * Math.PI) / 180,
    zoom: (o.zoom?.[0] ?? 1) * ((o.zoom?.[1] ?? 1) / (o.zoom?.[0] ?? 1)) ** random(),
    brightness: 1 + spread(o.brightness),
    contrast: 1 + spread(o.contrast),
    saturation: 1 + spread(o.saturation),
  }
  const [chance, area, ratio, x, y] = [random(), random(), random(), random(), random()] as [number, number, number, number, number]
  if (chance >= (o.erase ?? 0)) return { ...drawn, erase: undefined }
  const size = (0.02 + area * 0.31) * width * height, aspect = 0.3 * (1 / 0.09) ** ratio
  const w = Math.min(width, Math.round(Math.sqrt(size * aspect))), h = Math.min(height, Math.round(Math.sqrt(size / aspect)))
  const left = Math.floor(x * (width - w + 1)), top = Math.floor(y * (height - h + 1))
  return { ...drawn, erase: { left, top, right: left + w, bottom: top + h } }
}

/** The changed picture as values 0..255; erased pixels take `fill`. Same options and same stream: same picture. */
export function augment(picture: Pixels, o: AugmentOptions, random: Random, fill: readonly number[]): Float32Array {
  const d = draw(o, picture.width, picture.height, random)
  const values = moved(picture, d)
  recolour(values, d)
  if (d.erase) {
    for (let y = d.erase.top; y < d.erase.bottom; y++) for (let x = d.erase.left; x < d.erase.right; x++) for (let c = 0; c < 3; c++) values[(y * picture.width + x) * 3 + c] = fill[c] ?? fill[0] ?? 0
  }
  return values
}

/** Mirror, shift, rotation and zoom in one bilinear pass; beyond the edge the edge goes on. */
function moved({ data, width, height }: Pixels, d: Draw): Float32Array {
  const out = new Float32Array(data.length)
  const still = d.shiftX === 0 && d.shiftY === 0 && d.angle === 0 && d.zoom === 1
  if (still && !d.flip && !d.flipVertical) { out.set(data); return out }
  if (still) {
    for (let y = 0, at = 0; y < height; y++) {
      const line = (d.flipVertical ? height - 1 - y : y) * width
      for (let x = 0; x < width; x++, at += 3) {
        const from = (line + (d.flip ? width - 1 - x : x)) * 3
        out[at] = data[from]!
        out[at + 1] = data[from + 1]!
        out[at + 2] = data[from + 2]!
      }
    }
    return out
  }
  const cos = Math.cos(d.angle) / d.zoom, sin = Math.sin(d.angle) / d.zoom
  const cx = (width - 1) / 2, cy = (height - 1) / 2
  for (let y = 0, at = 0; y < height; y++) {
    const dy = (d.flipVertical ? -(y - cy) : y - cy) - d.shiftY
    for (let x = 0; x < width; x++, at += 3) {
      const dx = (d.flip ? -(x - cx) : x - cx) - d.shiftX
      const sx = Math.min(width - 1, Math.max(0, cos * dx + sin * dy + cx)), sy = Math.min(height - 1, Math.max(0, cos * dy - sin * dx + cy))
      const x0 = sx | 0, y0 = sy | 0, fx = sx - x0, fy = sy - y0
      const a = (y0 * width + x0) * 3, right = x0 < width - 1 ? 3 : 0, below = y0 < height - 1 ? width * 3 : 0
      const wa = (1 - fx) * (1 - fy), wb = fx * (1 - fy), wc = (1 - fx) * fy, wd = fx * fy
      for (let c = 0; c < 3; c++) out[at + c] = data[a + c]! * wa + data[a + right + c]! * wb + data[a + below + c]! * wc + data[a + below + right + c]! * wd
    }
  }
  return out
}

const luma = (values: Float32Array, at: number) => 0.299 * values[at]! + 0.587 * values[at + 1]! + 0.114 * values[at + 2]!
const clip = (value: number) => value < 0 ? 0 : value > 255 ? 255 : value

/** Brightness, contrast around the mean grey, saturation around each pixel's grey, as torchvision's ColorJitter in this order. */
function recolour(values: Float32Array, { brightness, contrast, saturation }: Draw): void {
  if (brightness === 1 && contrast === 1 && saturation === 1) return
  let sum = 0
  for (let at = 0; at < values.length; at += 3) {
    for (let c = 0; c < 3; c++) values[at + c] = clip(values[at + c]! * brightness)
    sum += luma(values, at)
  }
  const mean = sum / (values.length / 3)
  for (let at = 0; at < values.length; at += 3) {
    for (let c = 0; c < 3; c++) values[at + c] = clip(mean + (values[at + c]! - mean) * contrast)
    const grey = luma(values, at)
    for (let c = 0; c < 3; c++) values[at + c] = clip(grey + (values[at + c]! - grey) * saturation)
  }
}
