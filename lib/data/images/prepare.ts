// Pictures as a network wants them: fitted once, kept in memory up to a limit, scaled into a batch. Where pixels come from: the source.
import { totalmem } from 'node:os'
import { DataError, shown } from '../errors.js'
import { randomStream, symmetricBeta } from '../random.js'
import type { AssembleRequest, Assembled } from '../store.js'
import type { ImagePreprocessing } from '../types.js'
import { augment, checkAugment } from './augment.js'
import type { Pixels } from './decode.js'
import { fitInto } from './resize.js'

/** Bytes of fitted pictures that one data set keeps; beyond it they are decoded again each epoch. */
const keptBytes = Math.min(1 << 30, Math.floor(totalmem() / 8))

const white = [255, 255, 255] as const

function checkPreprocessing({ height, width, channels, scale, cropFraction }: ImagePreprocessing): void {
  for (const [name, value] of Object.entries({ height, width })) if (!Number.isInteger(value) || value < 1 || value > 8192) throw new DataError(`Cannot prepare pictures: ${name} must be a whole number of pixels from 1 to 8192, got ${shown(value)}. Use for example ${name}: 224.`)
  if (channels !== 1 && channels !== 3) throw new DataError(`Cannot prepare pictures: channels must be 1 or 3, got ${shown(channels)}.`)
  if (scale.mean.length !== channels || scale.std.length !== channels || scale.std.some((std) => !(std > 0))) throw new DataError(`Cannot prepare pictures: scale needs ${channels} means and ${channels} positive deviations on values 0..255, got mean ${shown([...scale.mean])} and std ${shown([...scale.std])}.`)
  if (cropFraction !== undefined && !(cropFraction > 0 && cropFraction <= 1)) throw new DataError(`Cannot prepare pictures: cropFraction must be above 0 and at most 1, got ${shown(cropFraction)}.`)
}

/** Fitted pictures by row, for the rectangle that was asked for last. */
export class FittedPictures {
  #geometry = ''
  #kept = new Map<number, Pixels>()
  #bytes = 0

  async get(id: number, p: ImagePreprocessing, decode: (id: number, atLeast: { width: number; height: number }, background: readonly [number, number, number]) => Promise<Pixels>): Promise<Pixels> {
    const frame = { width: p.width, height: p.height, fit: p.fit ?? 'stretch', cropFraction: p.cropFraction ?? 1, interpolation: p.interpolation ?? 'bilinear', background: p.background ?? white }
    const geometry = JSON.stringify(frame)
    if (geometry !== this.#geometry) {
      this.#geometry = geometry
      this.#kept.clear()
      this.#bytes = 0
    }
    const known = this.#kept.get(id)
    if (known) return known
    const fitted = fitInto(await decode(id, { width: p.width / frame.cropFraction, height: p.height / frame.cropFraction }, frame.background), frame)
    if (geometry === this.#geometry && !this.#kept.has(id) && this.#bytes + fitted.data.length <= keptBytes) {
      this.#kept.set(id, fitted)
      this.#bytes += fitted.data.length
    }
    return fitted
  }
}

/** Luminance as Pillow's mode 'L' (ITU-R 601). */
const grey = (r: number, g: number, b: number) => (r * 19595 + g * 38470 + b * 7471 + 32768) / 65536

function write(out: Float32Array, offset: number, values: Uint8Array | Float32Array, { channels, scale }: ImagePreprocessing): void {
  if (channels === 1) {
    const mean = scale.mean[0]!, factor = 1 / scale.std[0]!, whole = values instanceof Uint8Array
    for (let from = 0, at = offset; from < values.length; from += 3, at++) {
      const value = grey(values[from]!, values[from + 1]!, values[from + 2]!)
      out[at] = ((whole ? Math.floor(value) : value - 0.5) - mean) * factor
    }
    return
  }
  const [m0, m1, m2] = scale.mean as [number, number, number], [s0, s1, s2] = scale.std as [number, number, number]
  for (let at = 0; at < values.length; at += 3) {
    out[offset + at] = (values[at]! - m0) / s0
    out[offset + at + 1] = (values[at + 1]! - m1) / s1
    out[offset + at + 2] = (values[at + 2]! - m2) / s2
  }
}

/** A batch of pictures. `pictureOf` gives undefined for a file that broke. */
export async function assemblePictures({ ids, size, preprocessing, augment: changes, epoch }: AssembleRequest, pictureOf: (id: number, p: ImagePreprocessing) => Promise<Pixels | undefined>, labels: Int32Array): Promise<Assembled> {
  if (preprocessing.kind !== 'image') throw new DataError('Cannot prepare pictures: the preprocessing is not for images.')
  const p = preprocessing
  checkPreprocessing(p)
  if (changes) checkAugment(changes)
  const each = p.height * p.width * p.channels
  const data = new Float32Array(size * each)
  const broken: number[] = []
  const seed = changes?.seed ?? 0
  const fill = p.channels === 3 ? p.scale.mean : [p.scale.mean[0]!, p.scale.mean[0]!, p.scale.mean[0]!]
  await Promise.all(Array.from(ids, async (id, place) => {
    const picture = await pictureOf(id, p)
    if (!picture) broken.push(place)
    else write(data, place * each, changes ? augment(picture, changes, randomStream(seed, epoch, id), fill) : picture.data, p)
  }))
  const inputs = { images: { data, shape: [size, p.height, p.width, p.channels] } }
  if (!changes?.mixup) return { inputs, broken }
  return { inputs, broken, mixed: mixUp(data, each, ids, size, labels, changes.mixup, randomStream(seed, epoch, ids[0] ?? 0, 7), new Set(broken)) }
}

/** Blends every picture with another of its batch, in place (Zhang et al. 2018). */
function mixUp(data: Float32Array, each: number, ids: Int32Array, size: number, labels: Int32Array, alpha: number, random: () => number, broken: ReadonlySet<number>): NonNullable<Assembled['mixed']> {
  const originals = data.slice()
  const other = new Int32Array(size), share = new Float32Array(size).fill(1)
  const whole = Array.from(ids, (_, place) => place).filter((place) => !broken.has(place))
  ids.forEach((id, place) => {
    other[place] = labels[id] ?? -1
    const drawn = symmetricBeta(alpha, random), partner = whole[Math.floor(random() * whole.length)]
    if (broken.has(place) || partner === undefined || partner === place) return
    share[place] = drawn
    other[place] = labels[ids[partner]!] ?? -1
    for (let i = 0, a = place * each, b = partner * each; i < each; i++) data[a + i] = drawn * originals[a + i]! + (1 - drawn) * originals[b + i]!
  })
  return { labels: { data: other, shape: [size] }, share: { data: share, shape: [size] } }
}
