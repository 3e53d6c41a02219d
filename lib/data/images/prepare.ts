// Pictures as a network wants them: fitted once, kept in memory up to a limit, scaled into a batch. Where pixels come from: the source.
import { totalmem } from 'node:os'
import { DataError, shown } from '../errors.js'
import { randomStream, symmetricBeta } from '../random.js'
import type { AssembleRequest, Assembled, Block } from '../store.js'
import type { ImagePreprocessing } from '../types.js'
import { checkAugment, draw, placesOf } from '../augment/draw.js'
import { changePictures, mixPictures } from '../augment/pictures.js'
import type { Pixels } from './decode.js'
import { fitInto } from './resize.js'

/** Bytes of fitted pictures that one data set keeps, all of them or none: a part of a shuffled epoch would cost the memory and save little. */
const keptBytes = Math.min(256 * 2 ** 20, Math.floor(totalmem() / 16))

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
  /** Of a data set of so many pictures. */
  constructor(private readonly rows: number) {}

  async get(id: number, p: ImagePreprocessing, decode: (id: number, atLeast: { width: number; height: number }, background: readonly [number, number, number]) => Promise<Pixels>): Promise<Pixels> {
    const frame = { width: p.width, height: p.height, fit: p.fit ?? 'stretch', cropFraction: p.cropFraction ?? 1, interpolation: p.interpolation ?? 'bilinear', background: p.background ?? white }
    const geometry = JSON.stringify(frame)
    if (geometry !== this.#geometry) {
      this.#geometry = geometry
      this.#kept.clear()
    }
    const known = this.#kept.get(id)
    if (known) return known
    const fitted = fitInto(await decode(id, { width: p.width / frame.cropFraction, height: p.height / frame.cropFraction }, frame.background), frame)
    if (geometry === this.#geometry && this.rows * fitted.data.length <= keptBytes) this.#kept.set(id, fitted)
    return fitted
  }
}

/** Luminance as Pillow's mode 'L' (ITU-R 601). */
const grey = (r: number, g: number, b: number) => (r * 19595 + g * 38470 + b * 7471 + 32768) / 65536

function write(out: Float32Array, offset: number, values: Uint8Array, { channels, scale }: ImagePreprocessing): void {
  if (channels === 1) {
    const mean = scale.mean[0]!, factor = 1 / scale.std[0]!
    for (let from = 0, at = offset; from < values.length; from += 3, at++) {
      const value = grey(values[from]!, values[from + 1]!, values[from + 2]!)
      out[at] = (Math.floor(value) - mean) * factor
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
  const each = p.height * p.width * (changes ? 3 : p.channels)
  const data = new Float32Array(size * each), broken: number[] = []
  await Promise.all(Array.from(ids, async (id, place) => {
    const picture = await pictureOf(id, p)
    if (!picture) broken.push(place)
    else if (changes) data.set(picture.data, place * each)
    else write(data, place * each, picture.data, p)
  }))
  if (!changes) return { inputs: { images: { data, shape: [size, p.height, p.width, p.channels] } }, broken }
  const seed = changes.seed ?? 0, places = new Float32Array(size * 6), colours = new Float32Array(size * 3).fill(1), erased = new Float32Array(size * 4)
  ids.forEach((id, place) => {
    const drawn = draw(changes, p.width, p.height, randomStream(seed, epoch, id)), { brightness, contrast, saturation, erase } = drawn
    places.set(placesOf(drawn, p.width, p.height), place * 6)
    colours.set([brightness, contrast, saturation], place * 3)
    if (erase) erased.set([erase.left, erase.top, erase.right, erase.bottom], place * 4)
  })
  const fill = p.channels === 3 ? p.scale.mean : [p.scale.mean[0]!, p.scale.mean[0]!, p.scale.mean[0]!]
  const vector = (values: readonly number[]) => ({ data: Float32Array.from(values), shape: [values.length] })
  const inputs = { pictures: { data, shape: [size, p.height, p.width, 3] } }
  const change = { places: { data: places, shape: [size, 6] }, colours: { data: colours, shape: [size, 3] }, erased: { data: erased, shape: [size, 4] }, fill: vector(fill), mean: vector(p.scale.mean), std: vector(p.scale.std) }
  if (!changes.mixup) return { inputs, broken, change: { apply: changePictures, inputs: change } }
  const { labels: others, share, partner } = drawMix(ids, size, labels, changes.mixup, randomStream(seed, epoch, ids[0] ?? 0, 7), new Set(broken))
  return { inputs, broken, mixed: { labels: others, share }, change: { apply: mixPictures, inputs: { ...change, share, partner } } }
}

/** With whom every picture of a batch is blended, and how (Zhang et al. 2018). */
function drawMix(ids: Int32Array, size: number, labels: Int32Array, alpha: number, random: () => number, broken: ReadonlySet<number>): Record<'labels' | 'share' | 'partner', Block> {
  const other = new Int32Array(size), share = new Float32Array(size).fill(1), partners = Int32Array.from({ length: size }, (_, place) => place)
  const whole = Array.from(ids, (_, place) => place).filter((place) => !broken.has(place))
  ids.forEach((id, place) => {
    other[place] = labels[id] ?? -1
    const drawn = symmetricBeta(alpha, random), partner = whole[Math.floor(random() * whole.length)]
    if (broken.has(place) || partner === undefined || partner === place) return
    share[place] = drawn
    partners[place] = partner
    other[place] = labels[ids[partner]!] ?? -1
  })
  const shape = [size]
  return { labels: { data: other, shape }, share: { data: share, shape }, partner: { data: partners, shape } }
}
