// Pictures to display: encoded bytes, pixels, tensors, canvases. Not here: loading and preparing pictures for training (lib/data).
import { displayable, type Displayable, type MimeBundle } from './bundle.js'

/** Pixels row by row from the top, 1 (grey), 3 (RGB) or 4 (RGBA) values of 0 to 255 each; 4 where `channels` is left out, as in a browser's ImageData. */
export interface Pixels { data: ArrayLike<number>; width: number; height: number; channels?: number }

/** What is read of a TensorFlow.js tensor. */
export interface ImageTensor { shape: number[]; dtype: string; data(): Promise<ArrayLike<number>> }

/** What is used of a canvas, such as that of node-canvas. */
export interface Canvas { getContext: unknown; toBuffer(type: 'image/png'): Uint8Array | Promise<Uint8Array> }

const encoded: [type: string, start: number[], at: number][] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47], 0], ['image/jpeg', [0xff, 0xd8, 0xff], 0], ['image/gif', [0x47, 0x49, 0x46, 0x38], 0], ['image/webp', [0x57, 0x45, 0x42, 0x50], 8],
]

/**
 * A picture to display. Takes the bytes of a PNG, JPEG, GIF or WebP file, pixels, a canvas, or a tensor `[height, width]` or
 * `[height, width, 1 | 3 | 4]`. As in `tf.browser.toPixels` a float32 tensor holds 0 to 1 and an int32 tensor 0 to 255; what lies
 * outside is clamped. The tensor is read at once and may be disposed of after the call.
 *
 * @param o `width` in CSS pixels, for pictures too small or too large to look at; the height follows
 * @throws TypeError for anything else, by its kind or shape
 * @example
 * image(tf.randomUniform([64, 64, 3]), { width: 256 })
 */
export function image(source: Uint8Array | Pixels | ImageTensor | Canvas, o: { width?: number } = {}): Displayable {
  if (o.width !== undefined && !(o.width > 0)) throw new TypeError(`Cannot show a picture ${o.width} pixels wide: width must be a number above 0.`)
  const bundle = bundleOf(source)
  return displayable(bundle instanceof Promise ? quiet(bundle.then((made) => sized(made, o.width))) : sized(bundle, o.width))
}

/** @throws at once where the kind or the shape is wrong */
function bundleOf(source: Uint8Array | Pixels | ImageTensor | Canvas): MimeBundle | Promise<MimeBundle> {
  if (source instanceof Uint8Array) {
    const type = encoded.find(([, start, at]) => start.every((byte, i) => source[at + i] === byte))?.[0]
    if (!type) throw new TypeError(`Cannot show ${source.length} bytes as a picture: they must be a PNG, JPEG, GIF or WebP file, and begin with ${Buffer.from(source.subarray(0, 4)).toString('hex') || 'nothing'}. For bare pixels give { data, width, height, channels }.`)
    return ofBytes(type, source, '')
  }
  if (typeof source === 'object' && source !== null) {
    if ('getContext' in source && 'toBuffer' in source) return Promise.resolve(source.toBuffer('image/png')).then((bytes) => ofBytes('image/png', bytes, ''))
    if ('shape' in source && 'dtype' in source) return ofTensor(source)
    if ('width' in source && 'height' in source && 'data' in source) return ofPixels(source)
  }
  throw new TypeError(`Cannot show ${source === null ? 'null' : typeof source === 'object' ? `an object ${(source as object).constructor?.name ?? ''}`.trim() : `a ${typeof source}`} as a picture: give a file's bytes, pixels, a tensor or a canvas.`)
}

function ofTensor(tensor: ImageTensor): Promise<MimeBundle> {
  const { shape, dtype } = tensor, [height = 0, width = 0, channels = 1] = shape
  if (shape.length < 2 || shape.length > 3 || ![1, 3, 4].includes(channels) || height < 1 || width < 1) {
    throw new TypeError(`Cannot show a tensor [${shape.join(', ')}] as a picture: its shape must be [height, width] or [height, width, 1 | 3 | 4].${shape.length === 4 ? ' Of a batch take one: batch.gather(0).' : ''}`)
  }
  const scale = dtype === 'float32' || dtype === 'bool' ? 255 : 1
  return tensor.data().then((values) => ofPixels({ data: Uint8ClampedArray.from(values, (value) => value * scale), width, height, channels }))
}

function ofPixels({ data, width, height, channels = 4 }: Pixels): Promise<MimeBundle> {
  if (data.length !== width * height * channels) throw new TypeError(`Cannot show ${data.length} values as a picture of ${width} × ${height} pixels with ${channels} channels: it has ${width * height * channels}.`)
  return encode(data instanceof Uint8ClampedArray ? data : Uint8ClampedArray.from(data), width, height, channels as 1 | 3 | 4)
}

async function encode(bytes: Uint8ClampedArray, width: number, height: number, channels: 1 | 3 | 4): Promise<MimeBundle> {
  const { default: sharp } = await import('sharp')
  const png = await sharp(bytes, { raw: { width, height, channels } }).png().toBuffer()
  return ofBytes('image/png', png, `, ${width} × ${height} pixels`)
}

const ofBytes = (type: string, bytes: Uint8Array, size: string): MimeBundle => ({
  [type]: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'), 'text/plain': `[${type.slice(6).toUpperCase()} picture${size}]`,
})

/** Its failure is told to whoever shows it, and to nobody else. */
function quiet(bundle: Promise<MimeBundle>): Promise<MimeBundle> {
  bundle.catch(() => {})
  return bundle
}

/** A size goes into HTML: the bundle of an object carries no metadata. */
function sized(bundle: MimeBundle, width: number | undefined): MimeBundle {
  if (width === undefined) return bundle
  const [type = '', content] = Object.entries(bundle)[0] ?? []
  return { 'text/html': `<img width="${width}" style="image-rendering:${width > 128 ? 'pixelated' : 'auto'}" src="data:${type};base64,${String(content)}">`, 'text/plain': bundle['text/plain'] }
}
