// What changes at random, drawn in JavaScript as a pure function of (options, stream of random numbers); what a draw does to a picture: pictures.ts.
import { DataError, shown } from '../errors.js'
import type { Random } from '../random.js'
import type { AugmentOptions } from '../types.js'

/** What was drawn for one picture. The draws come in a fixed order, so that switching one change on leaves the others as they were. */
export interface Draw {
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
  between('timeMask', 0, 1e6, '20')
  between('bandMask', 0, 1e6, '8')
  if (o.zoom && !(o.zoom[0] > 0 && o.zoom[1] >= o.zoom[0] && o.zoom[1] < 100)) throw new DataError(`Cannot augment: "zoom" must be [smallest, largest] with 0 < smallest ≤ largest, got ${shown([...o.zoom])}. Use for example zoom: [0.8, 1.2].`)
}

export function draw(o: AugmentOptions, width: number, height: number, random: Random): Draw {
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

/** Where pixel (x, y) of the changed picture comes from: (a·x + b·y + c, d·x + e·y + f), for mirror, shift, rotation and zoom in one. */
export function placesOf({ flip, flipVertical, shiftX, shiftY, angle, zoom }: Draw, width: number, height: number): number[] {
  const cos = Math.cos(angle) / zoom, sin = Math.sin(angle) / zoom, fx = flip ? -1 : 1, fy = flipVertical ? -1 : 1
  const cx = (width - 1) / 2, cy = (height - 1) / 2, px = -fx * cx - shiftX, py = -fy * cy - shiftY
  return [cos * fx, sin * fy, cx + cos * px + sin * py, -sin * fx, cos * fy, cy - sin * px + cos * py]
}

/** SpecAugment: a stretch of so many at most, [start, end). */
export function stretch(most: number, of: number, random: Random): [number, number] {
  const length = Math.floor(random() * (Math.min(most, of) + 1)), start = Math.floor(random() * (of - length + 1))
  return [start, start + length]
}
