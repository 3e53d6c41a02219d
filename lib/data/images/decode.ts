// From a picture file to RGB bytes, in sharp's threads; bitmaps by our own reader. Resizing and scaling to a network's wish live in prepare.ts.
import { open, readFile, stat } from 'node:fs/promises'
import sharp from 'sharp'
import { DataError } from '../errors.js'
import type { DataProblem } from '../types.js'
import { decodeBmp, isBmp } from './bmp.js'

/** RGB, three bytes a pixel, rows top down. */
export interface Pixels { data: Uint8Array; width: number; height: number }

export const pictureFiles = /\.(jpe?g|png|bmp|dib|webp|gif|tiff?|avif)$/i

/** Pixels a picture may have; a 30,000 × 30,000 bomb is refused before it is unpacked. */
export const largestPicture = 200_000_000

const tooLarge = (width: number, height: number) => new DataError(`Cannot decode the picture: ${width} × ${height} pixels are more than the limit of ${largestPicture.toLocaleString('en')}. Make it smaller.`)

const bytesOf = async (file: string | Uint8Array): Promise<Uint8Array> => typeof file === 'string' ? readFile(file) : file

async function startsAsBmp(file: string | Uint8Array): Promise<boolean> {
  if (typeof file !== 'string') return isBmp(file.subarray(0, 64))
  const handle = await open(file)
  try {
    const head = new Uint8Array(64)
    const { bytesRead } = await handle.read(head, 0, 64)
    return isBmp(head.subarray(0, bytesRead))
  } finally { await handle.close() }
}

const reader = (file: string | Uint8Array) => sharp(file, { failOn: 'error', limitInputPixels: largestPicture, ignoreIcc: true })

/**
 * Decodes a file. Transparency shows `background`, EXIF orientation is applied, colour profiles are ignored (as Pillow does).
 * With `atLeast`, much larger pictures come back reduced, still at least twice that size.
 */
export async function decodePicture(file: string | Uint8Array, background: readonly [number, number, number], atLeast?: { width: number; height: number }): Promise<Pixels> {
  if (await startsAsBmp(file)) return decodeBmp(await bytesOf(file), largestPicture)
  const [r, g, b] = background
  let picture = reader(file).autoOrient()
  if (atLeast) {
    const { width, height } = await sizeOf(file)
    const reduce = Math.min(width / atLeast.width, height / atLeast.height) / 2
    if (reduce >= 2) picture = picture.resize(Math.ceil(width / reduce), Math.ceil(height / reduce), { fit: 'fill', kernel: 'linear' })
  }
  const { data, info } = await picture.flatten({ background: { r, g, b } }).toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  return { data: info.channels === 3 ? data : toThreeChannels(data, info.channels), width: info.width, height: info.height }
}

function toThreeChannels(data: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array((data.length / channels) * 3)
  for (let from = 0, to = 0; from < data.length; from += channels, to += 3) for (let c = 0; c < 3; c++) out[to + c] = data[from + (channels >= 3 ? c : 0)]!
  return out
}

/** Width and height as shown (EXIF orientation applied), from the header alone. */
export async function sizeOf(file: string | Uint8Array): Promise<{ width: number; height: number }> {
  if (await startsAsBmp(file)) {
    const { width, height } = decodeBmp(await bytesOf(file), largestPicture)
    return { width, height }
  }
  const { width, height, orientation } = await reader(file).metadata()
  if (width * height > largestPicture) throw tooLarge(width, height)
  return (orientation ?? 1) >= 5 ? { width: height, height: width } : { width, height }
}

/** What is wrong with a file that did not decode, in one line and without libvips' own words where they confuse. */
export async function problemOf(path: string, file: string, error: unknown): Promise<DataProblem> {
  const message = String((error as Error)?.message ?? error).split('\n')[0]!
  const size = await stat(path).then(({ size }) => size, () => undefined)
  if (size === undefined) return { file, rule: 'missing file', detail: 'no such file' }
  if (size === 0) return { file, rule: 'unreadable file', detail: 'the file is empty (0 bytes)' }
  if (/pixel limit|pixels are more than/i.test(message)) return { file, rule: 'too large', detail: `more than ${largestPicture.toLocaleString('en')} pixels` }
  if (/unsupported image format/i.test(message)) return { file, rule: 'unknown format', detail: `not a picture, whatever its name says; it begins with ${await beginning(path)}` }
  return { file, rule: 'unreadable file', detail: message.replace(/^Input file (is missing|contains unsupported image format):?/i, '').replace(/^Cannot decode the \w+: /, '') }
}

async function beginning(path: string): Promise<string> {
  const bytes = (await readFile(path)).subarray(0, 16)
  return bytes.every((byte) => byte >= 32 && byte < 127) ? JSON.stringify(bytes.toString('latin1')) : `bytes ${bytes.subarray(0, 4).toString('hex')}`
}
