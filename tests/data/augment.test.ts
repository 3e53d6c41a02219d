// Random changes: what a draw does against SciPy and Pillow, seeds, mixing, masks and dropout, each as the engine runs it, recorded.
import { readFileSync } from 'node:fs'
import { beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { applyChange } from '../../lib/data/augment/apply.js'
import { checkAugment, draw, placesOf, stretch, type Draw } from '../../lib/data/augment/draw.js'
import { changePictures, mixPictures } from '../../lib/data/augment/pictures.js'
import { dropTokens, maskSounds } from '../../lib/data/augment/sequences.js'
import { disposeBatch, images, texts, type AugmentOptions } from '../../lib/data/index.js'
import { randomStream } from '../../lib/data/random.js'
import { wordPiece } from '../../lib/data/texts/tokenizer.js'
import { startEngine } from '../../lib/engine/index.js'

jest.setTimeout(240_000)
beforeAll(() => { startEngine() })

interface Judged { width: number; height: number; picture: number[]; moved: Record<string, { draw: Draw; values: number[] }>; coloured: Record<string, { colours: number[]; values: number[] }> }
const judged = JSON.parse(readFileSync('tests/fixtures/data/changes.json', 'utf8')) as Judged
const { width, height } = judged

/** Changes of so many copies of the judged picture, twice, so that the second run is the recorded one. */
async function changed(places: number[][], colours: number[][], erased: number[][], channels: 1 | 3 = 3): Promise<Float32Array[]> {
  const n = places.length, inputs = () => ({
    pictures: tf.tensor(Array.from({ length: n }, () => judged.picture).flat(), [n, height, width, 3], 'float32'), places: tf.tensor2d(places), colours: tf.tensor2d(colours), erased: tf.tensor2d(erased),
    fill: tf.tensor1d([9, 8, 7]), mean: tf.zeros([channels]), std: tf.ones([channels]),
  })
  tf.dispose(await applyChange(changePictures, inputs(), true))
  const { images } = await applyChange(changePictures, inputs(), true), values = images!.dataSync() as Float32Array, each = values.length / n
  images!.dispose()
  return Array.from({ length: n }, (_, i) => values.slice(i * each, (i + 1) * each))
}
const still = [1, 0, 0, 0, 1, 0], plain = [1, 1, 1], whole = [0, 0, 0, 0]
const apart = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

test('mirror, shift, rotation and zoom are SciPy\'s', async () => {
  const cases = Object.values(judged.moved), found = await changed(cases.map(({ draw }) => placesOf(draw, width, height)), cases.map(() => plain), cases.map(() => whole))
  expect(found.map((values, i) => apart(values, cases[i]!.values)).filter((distance) => !(distance < 0.02))).toEqual([])
})

test('brightness, contrast and saturation are Pillow\'s, but for its rounding to whole numbers', async () => {
  const cases = Object.values(judged.coloured), found = await changed(cases.map(() => still), cases.map(({ colours }) => colours), cases.map(() => whole))
  expect(found.map((values, i) => apart(values, cases[i]!.values)).filter((distance) => !(distance < 1.6))).toEqual([])
})

test('erases its rectangle and nothing else; one channel is grey', async () => {
  const [values] = await changed([still], [plain], [[2, 1, 5, 4]])
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const gone = x >= 2 && x < 5 && y >= 1 && y < 4
    expect(Array.from(values!.slice((y * width + x) * 3, (y * width + x) * 3 + 3))).toEqual(gone ? [9, 8, 7] : judged.picture.slice((y * width + x) * 3, (y * width + x) * 3 + 3))
  }
  const [grey] = await changed([still], [plain], [whole], 1)
  expect(grey!.length).toBe(width * height)
  expect(grey![5]).toBeCloseTo(0.299 * judged.picture[15]! + 0.587 * judged.picture[16]! + 0.114 * judged.picture[17]!, 1)
})

test('a draw depends on its stream alone, and areas and ranges are as said', () => {
  const all: AugmentOptions = { flip: true, shift: 0.1, rotate: 20, zoom: [0.8, 1.2], brightness: 0.3, erase: 1 }
  expect(draw(all, 50, 50, randomStream(3, 1, 5))).toEqual(draw(all, 50, 50, randomStream(3, 1, 5)))
  expect(draw(all, 50, 50, randomStream(3, 1, 5))).not.toEqual(draw(all, 50, 50, randomStream(3, 2, 5)))
  for (let seed = 0; seed < 50; seed++) {
    const { erase, zoom, angle } = draw(all, 50, 50, randomStream(seed)), share = ((erase!.right - erase!.left) * (erase!.bottom - erase!.top)) / 2500
    expect(share > 0.01 && share < 0.36 && zoom >= 0.8 && zoom <= 1.2 && Math.abs(angle) <= (20 * Math.PI) / 180).toBe(true)
    const [start, end] = stretch(10, 40, randomStream(seed))
    expect(start >= 0 && end <= 40 && end - start <= 10).toBe(true)
  }
  expect(() => checkAugment({ rotate: 400 })).toThrow(/"rotate" must be between 0 and 180, got 400/)
})

test('mixing blends pictures and leaves labels and shares to the loss', async () => {
  const inputs = { pictures: tf.tensor4d([10, 10, 10, 200, 200, 200], [2, 1, 1, 3]), places: tf.tensor2d([still, still]), colours: tf.tensor2d([plain, plain]), erased: tf.tensor2d([whole, whole]), fill: tf.zeros([3]), mean: tf.zeros([3]), std: tf.ones([3]), share: tf.tensor1d([0.25, 1]), partner: tf.tensor1d([1, 1], 'int32') }
  const { images: mixed } = await applyChange(mixPictures, inputs, true)
  expect(Array.from(mixed!.dataSync()).map((value) => Math.round(value * 10) / 10)).toEqual([152.5, 152.5, 152.5, 200, 200, 200])
  const pixels = new Uint8Array(8 * 4 * 4 * 3).map((_, i) => Math.floor(i / 48) * 30), data = images.fromArrays({ train: { images: pixels, shape: [8, 4, 4, 3], labels: [0, 1, 0, 1, 0, 1, 0, 1] } }, { classes: ['a', 'b'] })
  const split = Object.values(data.splits).find(({ size }) => size >= 4)!
  const once = async () => {
    const out: number[][] = []
    for await (const batch of split.batches({ batchSize: 4, preprocessing: { kind: 'image', height: 4, width: 4, channels: 3, scale: { mean: [0, 0, 0], std: [1, 1, 1] } }, shuffle: { seed: 0, epoch: 1 }, augment: { mixup: 0.4, seed: 3 } })) {
      const share = batch.mixed!.share.dataSync(), values = batch.inputs['images']!.dataSync(), rows = batch.rows.map((row) => (split.rows[row] as { file: string }).file)
      for (let i = 0; i < batch.size; i++) expect(share[i]! >= 0 && share[i]! <= 1 && values[i * 48]! >= 0 && values[i * 48]! <= 210).toBe(true)
      out.push([...values, ...share, rows.length])
      disposeBatch(batch)
    }
    return out
  }
  expect(await once()).toEqual(await once())
})

test('SpecAugment covers its frames and bands with the mean', async () => {
  const sounds = tf.range(0, 2 * 4 * 3).reshape([2, 4, 3]) as tf.Tensor3D, before = sounds.arraySync()
  const { sounds: masked } = await applyChange(maskSounds, { sounds, masks: tf.tensor2d([[1, 3, 0, 0], [0, 0, 2, 3]]) }, true), after = masked!.arraySync() as number[][][]
  before.forEach((example, i) => example.forEach((frame, t) => frame.forEach((value, b) => {
    const gone = i === 0 ? t >= 1 && t < 3 : b === 2
    expect(after[i]![t]![b]).toBeCloseTo(gone ? example.flat().reduce((sum, other) => sum + other, 0) / 12 : value, 4)
  })))
})

test('token dropout turns tokens into the unknown one, special ones and padding never', async () => {
  const { input_ids: ids } = await applyChange(dropTokens, { input_ids: tf.tensor2d([[101, 7, 8, 102]], [1, 4], 'int32'), dropped: tf.tensor2d([[0, 1, 0, 0]], [1, 4], 'int32'), unknown: tf.tensor1d([100], 'int32') }, true)
  expect([ids!.dtype, Array.from(ids!.dataSync())]).toEqual(['int32', [101, 100, 8, 102]])
  const tokenizer = wordPiece(['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'word', 'other'].join('\n'))
  const data = texts.fromRows(Array.from({ length: 32 }, (_, i) => ({ text: 'word '.repeat(1 + (i % 9)), label: i % 2 ? 'a' : 'b' })), { split: false })
  let dropped = 0, words = 0
  for await (const batch of data.train.batches({ batchSize: 8, preprocessing: { kind: 'text', tokenizer: { tokenizer }, maxLength: 16 }, shuffle: { seed: 0, epoch: 1 }, augment: { tokenDropout: 0.5 } })) {
    const values = Array.from(batch.inputs['input_ids']!.dataSync()), mask = Array.from(batch.inputs['attention_mask']!.dataSync())
    for (const [i, id] of values.entries()) if (mask[i] === 0) expect(id).toBe(0)
    dropped += values.filter((id) => id === 1).length
    words += values.filter((id) => id === 1 || id === 4).length
    expect(values.filter((id) => id === 2)).toHaveLength(8)
    disposeBatch(batch)
  }
  expect(dropped / words).toBeGreaterThan(0.35)
  expect(dropped / words).toBeLessThan(0.65)
})
