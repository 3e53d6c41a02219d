// Pictures that come as arrays: in memory, in NumPy's .npz (MedMNIST's and Keras' names), in IDX files (MNIST).
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { zipEntries } from '../archive.js'
import { checkClasses, classify } from '../classes.js'
import { createDataset } from '../dataset.js'
import { DataError, shown } from '../errors.js'
import { hash32 } from '../random.js'
import type { DataProblem, Dataset } from '../types.js'
import type { ImageRow } from './build.js'
import { arraySource, PictureContent } from './content.js'
import { parseIdx, parseNpy, type NumberArray } from './npy.js'

export interface ArrayOptions {
  name?: string
  /** Name of class 0, 1, 2 … Default: the numbers themselves. */
  classes?: readonly string[]
}

/** Pictures of one part: `[rows, height, width]` or `[rows, height, width, channels]` (1, 3 or 4), values 0..255, and one class number per row. */
export interface ArrayPart { images: Uint8Array; shape: readonly number[]; labels: ArrayLike<number | bigint> }

/**
 * Pictures in arrays, by part.
 * @throws DataError when shapes, lengths and labels don't fit.
 * @example images.fromArrays({ train: { images: bytes, shape: [100, 28, 28], labels } }, { classes: ['normal', 'pneumonia'] })
 */
export function fromArrays(parts: Readonly<Record<string, ArrayPart>>, o: ArrayOptions = {}): Dataset<ImageRow> {
  const name = o.name ?? 'arrays', entries = Object.entries(parts)
  if (entries.length === 0) throw new DataError('Cannot make a data set of arrays: no part was given. Give { train: { images, shape, labels } }.')
  const geometry = entries.map(([part, { images, shape, labels }]) => {
    const [rows = 0, height = 0, width = 0, channels = 1] = shape
    if ((shape.length !== 3 && shape.length !== 4) || ![1, 3, 4].includes(channels) || images.length !== rows * height * width * channels || rows * height * width === 0) throw new DataError(`Cannot read the pictures of "${part}": shape must be [rows, height, width] or [rows, height, width, 1, 3 or 4] and match the ${images.length} values, got [${shape.join(', ')}].`)
    if (labels.length !== rows) throw new DataError(`Cannot read the labels of "${part}": there must be one for each of ${rows} pictures, got ${labels.length}.`)
    return [height, width, channels].join(' × ')
  })
  if (new Set(geometry).size > 1) throw new DataError(`Cannot join the parts of "${name}": all pictures must have one size, got ${[...new Set(geometry)].join(' and ')}.`)
  const [, height = 1, width = 1, channels = 1] = entries[0]![1].shape
  const data = entries.length === 1 ? entries[0]![1].images : Buffer.concat(entries.map(([, { images }]) => images))
  const rowOf = entries.flatMap(([part, { labels }]) => Array.from(labels, (label, i) => ({ file: `${part}/${i}`, part, value: Number(label) })))
  const wrong = rowOf.find(({ value }) => !Number.isInteger(value) || value < 0 || (o.classes && value >= o.classes.length))
  if (wrong) throw new DataError(`Cannot read the label of ${wrong.file}: it must be a whole number from 0${o.classes ? ` to ${o.classes.length - 1} (there are ${o.classes.length} class names)` : ''}, got ${shown(wrong.value)}.`)
  const problems: DataProblem[] = []
  const { classes, ids } = classify(rowOf.map(({ value }) => o.classes?.[value] ?? String(value)), o.classes, (row) => rowOf[row]!.file, problems)
  checkClasses(`the pictures of "${name}"`, classes, ids, problems, 'Check the labels.')
  const rows = rowOf.map(({ file }, i) => ({ file, label: classes[ids[i]!]!, width, height }))
  const each = height * width * channels
  const key = (id: number) => String(hash32(Buffer.from(data.buffer, data.byteOffset + id * each, each).toString('latin1')))
  const source = arraySource(data, height, width, channels, rows.map(({ file }) => file))
  return createDataset<ImageRow>({ kind: 'images', name, task: 'classification', classes, rows, labels: ids, key, content: new PictureContent(source, ids.length, ids, problems), problems, notes: [] }, rowOf.map(({ part }) => part))
}

function bytesOf({ data }: NumberArray, what: string): Uint8Array {
  if (data instanceof Uint8Array) return data
  const values = Array.from(data as ArrayLike<number | bigint>, Number)
  const wrong = values.find((value) => !(value >= 0 && value <= 255))
  if (wrong !== undefined) throw new DataError(`Cannot read ${what}: pixels must be 0..255, got ${wrong}. Rescale before saving.`)
  const fractions = values.some((value) => value > 0 && value < 1) && values.every((value) => value <= 1)
  return Uint8Array.from(values, (value) => Math.round(fractions ? value * 255 : value))
}

/**
 * Pictures in a NumPy archive: arrays `train_images`, `train_labels` … (MedMNIST) or `x_train`, `y_train` … (Keras); part names train, val, test.
 * @throws DataError when the arrays are not there or don't fit.
 * @example const xrays = await images.fromNpz('pneumoniamnist.npz', { classes: ['normal', 'pneumonia'] })
 */
export async function fromNpz(file: string, o: ArrayOptions = {}): Promise<Dataset<ImageRow>> {
  const entries = await zipEntries(file, (name) => name.endsWith('.npy'))
  const names = [...entries.keys()].map((name) => name.slice(0, -4))
  const read = (name: string) => parseNpy(entries.get(`${name}.npy`)!, `${name} in ${shown(file)}`)
  const parts = names.flatMap((name) => {
    const medmnist = /^(.+)_images$/.exec(name)?.[1], keras = /^x_(.+)$/.exec(name)?.[1]
    const part = medmnist ?? keras, labels = medmnist ? `${medmnist}_labels` : `y_${keras}`
    if (part === undefined || !names.includes(labels)) return []
    const pictures = read(name), ids = read(labels)
    if (ids.shape.length > 1 && ids.shape[1]! > 1) throw new DataError(`Cannot read ${labels} in ${shown(file)}: one class per picture is read, got ${ids.shape[1]} columns. Choose one of them.`)
    return [[part, { images: bytesOf(pictures, `${name} in ${shown(file)}`), shape: pictures.shape, labels: ids.data as ArrayLike<number | bigint> }] as const]
  })
  if (parts.length === 0) throw new DataError(`Cannot load images from ${shown(file)}: arrays must be called train_images and train_labels, or x_train and y_train, got ${names.join(', ') || 'none'}. Rename them, or use images.fromArrays.`)
  return fromArrays(Object.fromEntries(parts), { name: o.name ?? basename(file, '.npz'), ...o })
}

/**
 * Pictures in IDX files as MNIST's, packed or not: for each part the file of pictures and the file of labels.
 * @example await images.fromIdx({ train: ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'] })
 */
export async function fromIdx(files: Readonly<Record<string, readonly [images: string, labels: string]>>, o: ArrayOptions = {}): Promise<Dataset<ImageRow>> {
  const read = async (file: string) => {
    const bytes = await readFile(file)
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b
    return parseIdx(packed ? await promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)(bytes, { maxOutputLength: 4e9 }) : bytes, shown(file))
  }
  const parts = await Promise.all(Object.entries(files).map(async ([part, [pictures, labels]]) => {
    const [images, ids] = await Promise.all([read(pictures), read(labels)])
    return [part, { images: bytesOf(images, shown(pictures)), shape: images.shape, labels: ids.data as ArrayLike<number | bigint> }] as const
  }))
  return fromArrays(Object.fromEntries(parts), { name: 'idx', ...o })
}
