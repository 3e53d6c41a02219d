// Pixels: resizing and bitmaps against Pillow, augmentation as a pure function of its seed.
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { decodeBmp } from '../../lib/data/images/bmp.js'
import { fitInto, resize, type Interpolation } from '../../lib/data/images/resize.js'
import { randomStream } from '../../lib/data/random.js'

interface Answers { width: number; height: number; rgb: string; resized: { width: number; height: number; interpolation: Interpolation; rgb: string }[]; bitmaps: Record<string, { file: string; rgb: string; width: number; height: number }> }
const pillow = JSON.parse(readFileSync('tests/fixtures/data/pictures.json', 'utf8')) as Answers
const bytes = (text: string) => Buffer.from(text, 'base64')
const source = { data: bytes(pillow.rgb), width: pillow.width, height: pillow.height }

test.each(pillow.resized.map((answer) => [`${answer.interpolation} to ${answer.width} × ${answer.height}`, answer] as const))('resizes as Pillow, to the bit: %s', (_, { width, height, interpolation, rgb }) => {
  expect(Buffer.from(resize(source, width, height, interpolation).data).equals(bytes(rgb))).toBe(true)
})

test.each(Object.entries(pillow.bitmaps))('reads bitmaps as Pillow: %s', (_, { file, rgb, width, height }) => {
  const picture = decodeBmp(bytes(file), 1e6)
  expect([picture.width, picture.height]).toEqual([width, height])
  expect(Buffer.from(picture.data).equals(bytes(rgb))).toBe(true)
})

test('bitmaps that lie about their size end in an error, whatever byte is changed', () => {
  const good = bytes(pillow.bitmaps['8 bits, palette']!.file)
  expect(() => decodeBmp(good.subarray(0, 200), 1e6)).toThrow(/Cannot decode the bitmap: its pixels are cut off/)
  const random = randomStream(1)
  for (let i = 0; i < 2000; i++) {
    const mutated = Buffer.from(good)
    for (let k = 0; k < 3; k++) mutated[Math.floor(random() * 60)] = Math.floor(random() * 256)
    try { expect(decodeBmp(mutated, 1e6).data.length).toBeGreaterThan(0) } catch (error) { expect((error as Error).message).toMatch(/^Cannot decode the bitmap/) }
  }
})

test('fits into a rectangle: the crop takes the middle, the padding is the background', () => {
  const frame = { width: 8, height: 8, cropFraction: 1, interpolation: 'bilinear' as const, background: [9, 8, 7] as const }
  const picture = { width: 16, height: 8, data: Uint8Array.from({ length: 16 * 8 * 3 }, (_, i) => Math.floor(i / 3) % 16) }
  expect(Array.from(fitInto(picture, { ...frame, fit: 'crop' }).data.subarray(0, 24)).filter((_, i) => i % 3 === 0)).toEqual([4, 5, 6, 7, 8, 9, 10, 11])
  expect(Array.from(fitInto(picture, { ...frame, fit: 'pad' }).data.subarray(0, 3))).toEqual([9, 8, 7])
  expect(fitInto(picture, { ...frame, fit: 'stretch' })).toMatchObject({ width: 8, height: 8 })
})
