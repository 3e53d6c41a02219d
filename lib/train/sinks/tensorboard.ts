// A run as a TensorBoard log: scalars in TensorFlow's event files, written by hand because three message types are all that it takes.
//
//   record = length (uint64) · masked CRC-32C of it · Event message · masked CRC-32C of it
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { TrainEvent } from '../events.js'

/**
 * Loss and metrics of training and validation over steps, learning rate, gradient norm and speed. Point TensorBoard at the folder
 * above: `tensorboard --logdir runs`.
 * @example void writeTensorBoard(run, 'runs/ants-bees')
 */
export async function writeTensorBoard(events: AsyncIterable<TrainEvent> | Iterable<TrainEvent>, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  let file: FileHandle | undefined
  try {
    for await (const event of events) {
      file ??= await begin(folder, event.time)
      const scalars = scalarsOf(event)
      if (scalars.length > 0) await file.write(record(eventMessage(event.time, 'step' in event ? event.step : 0, scalars)))
    }
    await file?.sync()
  } finally { await file?.close() }
}

async function begin(folder: string, time: number): Promise<FileHandle> {
  const file = await open(join(folder, `events.out.tfevents.${String(Math.floor(time / 1000)).padStart(10, '0')}.${hostname()}.${process.pid}.afinar`), 'w')
  await file.write(record(Buffer.concat([double(1, time / 1000), bytes(3, Buffer.from('brain.Event:2'))])))
  return file
}

function scalarsOf(event: TrainEvent): [tag: string, value: number][] {
  const part = (name: string, figures: Record<string, number> = {}) => Object.entries(figures).map(([metric, value]): [string, number] => [`${metric}/${name}`, value])
  if (event.type === 'step') return [['loss/step', event.loss], ['learning_rate', event.learningRate], ['gradient_norm', event.gradNorm], ['examples_per_second', event.examplesPerSecond]]
  if (event.type === 'epoch') return [...part('train', event.train), ...part('validation', event.validation), ['epoch', event.epoch]]
  return []
}

// Protocol buffers, as far as Event (wall_time = 1, step = 2, file_version = 3, summary = 5) and Summary.Value (tag = 1, simple_value = 2) need them.
function varint(value: number): Buffer {
  const out: number[] = []
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) { out.push(Number(rest)); return Buffer.from(out) }
    out.push(Number(rest & 127n) | 128)
  }
}
const bytes = (field: number, value: Buffer) => Buffer.concat([varint(field << 3 | 2), varint(value.length), value])
const double = (field: number, value: number) => { const out = Buffer.alloc(8); out.writeDoubleLE(value); return Buffer.concat([varint(field << 3 | 1), out]) }
const float = (field: number, value: number) => { const out = Buffer.alloc(4); out.writeFloatLE(value); return Buffer.concat([varint(field << 3 | 5), out]) }

function eventMessage(time: number, step: number, scalars: readonly [string, number][]): Buffer {
  const summary = Buffer.concat(scalars.map(([tag, value]) => bytes(1, Buffer.concat([bytes(1, Buffer.from(tag)), float(2, value)]))))
  return Buffer.concat([double(1, time / 1000), varint(2 << 3), varint(step), bytes(5, summary)])
}

function record(message: Buffer): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(message.length))
  return Buffer.concat([length, checksum(length), message, checksum(message)])
}

/** CRC-32C (Castagnoli), rotated and shifted as TFRecord wants it. */
function checksum(data: Buffer): Buffer {
  let crc = 0xffffffff
  for (const byte of data) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8)
  crc = ~crc >>> 0
  const out = Buffer.alloc(4)
  out.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0)
  return out
}

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0x82f63b78 ^ (value >>> 1) : value >>> 1
  return value
})
