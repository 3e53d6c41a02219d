// Pixels: resizing and bitmaps against Pillow, augmentation as a pure function of its seed.
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { augment } from '../../lib/data/images/augment.js'
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

const all = { flip: true, flipVertical: true, shift: 0.1, rotate: 20, zoom: [0.8, 1.2] as const, brightness: 0.3, contrast: 0.3, saturation: 0.3, erase: 1 }

test('augmentation depends on its stream alone, stays within 0..255, and changes the picture', () => {
  const once = augment(source, all, randomStream(3, 1, 5), [127, 127, 127])
  expect(augment(source, all, randomStream(3, 1, 5), [127, 127, 127])).toEqual(once)
  expect(augment(source, all, randomStream(3, 2, 5), [127, 127, 127])).not.toEqual(once)
  expect(once.every((value) => value >= 0 && value <= 255)).toBe(true)
  expect(augment(source, {}, randomStream(3), [0, 0, 0])).toEqual(Float32Array.from(source.data))
})

test('mirrors exactly, and erases 2 to 33 % of the area', () => {
  const mirrored = augment(source, { flip: 1 }, randomStream(0), [0, 0, 0])
  expect(Array.from(mirrored.subarray(0, 3))).toEqual(Array.from(source.data.subarray((source.width - 1) * 3, source.width * 3)))
  const flat = { width: 50, height: 50, data: new Uint8Array(7500).fill(10) }
  for (let seed = 0; seed < 50; seed++) {
    const share = augment(flat, { erase: 1 }, randomStream(seed), [200, 200, 200]).filter((value) => value === 200).length / 7500
    expect(share).toBeGreaterThan(0.01)
    expect(share).toBeLessThan(0.36)
  }
})
