// A small data set that a small network learns in a second: pictures with horizontal or vertical stripes in noise.
import { images, type Dataset } from '../../../lib/data/index.js'
import { buildModel, type Model } from '../../../lib/models/index.js'
import { randomNumbers } from '../../../lib/train/index.js'

const side = 16

/** @param noise 0..1; at 1 nothing is left to see */
export function stripes(o: { train?: number; validation?: number; test?: number; noise?: number; seed?: number; classes?: readonly string[] } = {}): Dataset<any> {
  const { noise = 0.4, seed = 0, classes = ['horizontal', 'vertical'] } = o
  const random = randomNumbers(seed, 99)
  const part = (rows: number) => {
    const pixels = new Uint8Array(rows * side * side * 3), labels = Array.from({ length: rows }, (_, i) => i % 2)
    labels.forEach((label, row) => {
      const phase = Math.floor(random() * 4)
      for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
        const on = ((label === 1 ? x : y) + phase) % 4 < 2
        for (let c = 0; c < 3; c++) pixels[((row * side + y) * side + x) * 3 + c] = 255 * ((1 - noise) * (on ? 0.8 : 0.2) + noise * random())
      }
    })
    return { images: pixels, shape: [rows, side, side, 3], labels }
  }
  return images.fromArrays({ train: part(o.train ?? 64), ...(o.validation === 0 ? {} : { validation: part(o.validation ?? 32) }), test: part(o.test ?? 32) }, { name: 'stripes', classes }) as Dataset<any>
}

export const tinyModel = (o: { seed?: number; classes?: readonly string[] } = {}): Model =>
  buildModel('small-cnn', { classes: o.classes ?? ['horizontal', 'vertical'], imageSize: side, seed: o.seed ?? 0, config: { channels: [8, 16], dropout: 0.1 } })

/** Values of all weights, for comparing to the bit. */
export const valuesOf = (model: Model): Record<string, number[]> => Object.fromEntries(Object.entries(model.weights()).map(([name, variable]) => [name, [...variable.dataSync()]]))
