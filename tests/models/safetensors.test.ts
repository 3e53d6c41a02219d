// The safetensors reader and writer: what they keep to the bit, and what they refuse.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { openSafetensors } from '../../lib/models/formats/safetensors.js'
import { writeSafetensors } from '../../lib/models/formats/safetensors-writer.js'
import { openWeights } from '../../lib/models/formats/open.js'
import { fixture, mutate, ours, safetensors, seeded, temporary } from './support.js'

const folder = temporary()
const file = (name: string, contents: Uint8Array) => {
  const path = join(folder, name)
  writeFileSync(path, contents)
  return path
}
function withHeader(header: unknown, data = 16, length?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header)), size = Buffer.alloc(8)
  size.writeBigUInt64LE(length ?? BigInt(json.length))
  return Buffer.concat([size, json, Buffer.alloc(data)])
}
const f32 = (shape: unknown, data_offsets: unknown, dtype: unknown = 'F32') => ({ dtype, shape, data_offsets })

test('a file written by PyTorch’s library comes back as it is', async () => {
  const stored = fixture('resnet_basic_bn_eval')
  const opened = await openSafetensors('tests/fixtures/resnet_basic_bn_eval.safetensors')
  expect([...opened.entries.keys()].sort()).toEqual(Object.keys(stored).sort())
  for (const [name, { data, shape }] of Object.entries(stored)) {
    expect(opened.entries.get(name)!.shape).toEqual(shape)
    expect([...await opened.read(name)]).toEqual([...data])
  }
  await opened.close()
})

test('what the writer writes, the reader reads to the bit, and nothing is left half written', async () => {
  const path = join(folder, 'written.safetensors')
  const values = new Float32Array([1.5, -0, NaN, Infinity, 1e-45, 3.4e38])
  await writeSafetensors(path, [
    { name: 'a', shape: [2, 3], dtype: 'F32', data: () => values },
    { name: 'none', shape: [0, 4], dtype: 'F32', data: () => new Float32Array(0) },
    { name: 'ids', shape: [2], dtype: 'I32', data: () => new Int32Array([-1, 2 ** 31 - 1]) },
  ], { format: 'pt' })
  const opened = await openSafetensors(path)
  expect(new Uint32Array((await opened.read('a')).buffer)).toEqual(new Uint32Array(values.buffer))
  expect(await opened.read('ids')).toEqual(new Int32Array([-1, 2 ** 31 - 1]))
  expect(opened.entries.get('none')!.shape).toEqual([0, 4])
  expect(opened.metadata).toEqual({ format: 'pt' })
  await opened.close()
  await expect(writeSafetensors(join(folder, 'bad.safetensors'), [{ name: 'a', shape: [3], dtype: 'F32', data: () => new Float32Array(2) }])).rejects.toThrow('asks for 3 numbers and it has 2')
  expect(readdirSync(folder).filter((name) => /bad|partial/.test(name))).toEqual([])
})

test('half, bfloat16, double and integers become float32 and int32', async () => {
  const path = file('types.safetensors', safetensors({
    f16: { dtype: 'F16', shape: [4], bytes: new Uint8Array(new Uint16Array([0x3c00, 0xc000, 0x0001, 0x7c00]).buffer) },
    bf16: { dtype: 'BF16', shape: [2], bytes: new Uint8Array(new Uint16Array([0x3f80, 0xc000]).buffer) },
    f64: { dtype: 'F64', shape: [1], bytes: new Uint8Array(new Float64Array([0.5]).buffer) },
    i64: { dtype: 'I64', shape: [2], bytes: new Uint8Array(new BigInt64Array([-7n, 7n]).buffer) },
    i8: { dtype: 'I8', shape: [1], bytes: new Uint8Array([0xff]) },
    far: { dtype: 'I64', shape: [1], bytes: new Uint8Array(new BigInt64Array([2n ** 40n]).buffer) },
  }))
  const opened = await openSafetensors(path)
  expect([...await opened.read('f16')]).toEqual([1, -2, 2 ** -24, Infinity])
  expect([...await opened.read('bf16')]).toEqual([1, -2])
  expect([...await opened.read('f64')]).toEqual([0.5])
  expect([...await opened.read('i64')]).toEqual([-7, 7])
  expect([...await opened.read('i8')]).toEqual([-1])
  await expect(opened.read('far')).rejects.toThrow('1099511627776 does not fit')
  await opened.close()
})

test.each([
  ['overlap', withHeader({ a: f32([2], [0, 8]), b: f32([2], [4, 12]) }, 12), 'another tensor still lies'],
  ['gap', withHeader({ a: f32([2], [0, 8]), b: f32([1], [12, 16]) }), 'gap'],
  ['bytes after the last tensor', withHeader({ a: f32([2], [0, 8]) }), 'end at byte 8 and the file at 16'],
  ['negative offset', withHeader({ a: f32([4], [-16, 0]) }), 'two whole numbers from 0'],
  ['end before begin', withHeader({ a: f32([0], [8, 4]) }), 'lies at bytes 8 to 4'],
  ['offset beyond the file', withHeader({ a: f32([400], [0, 1600]) }), 'the file holds 16'],
  ['huge shape', withHeader({ a: f32([2 ** 40, 2 ** 40], [0, 16]) }), 'needs'],
  ['negative shape', withHeader({ a: f32([-4], [0, 16]) }), 'whole numbers from 0'],
  ['fraction in a shape', withHeader({ a: f32([1.5], [0, 6]) }, 6), 'whole numbers from 0'],
  ['shape and bytes differ', withHeader({ a: f32([3], [0, 16]) }), 'needs 12 bytes and has 16'],
  ['unknown type', withHeader({ a: f32([4], [0, 16], 'F8_E4M3') }), 'F8_E4M3'],
  ['type from Object.prototype', withHeader({ a: f32([4], [0, 16], 'constructor') }), '"constructor"'],
  ['header longer than the file', withHeader({}, 0, 10n ** 15n), 'claims'],
  ['not JSON', withHeader('{"a": [', 0), 'not JSON'],
  ['a list', withHeader('[]', 0), 'not a JSON object'],
  ['an entry that is null', withHeader({ a: null }, 0), 'has type undefined'],
  ['metadata with numbers', withHeader({ __metadata__: { a: 1 } }, 0), 'table of strings'],
  ['empty file', Buffer.alloc(0), '0 bytes'],
  ['seven bytes', Buffer.alloc(7), '7 bytes'],
])('refuses: %s', async (name, contents, message) => {
  await expect(openSafetensors(file('refused.safetensors', contents))).rejects.toThrow(message)
})

test('shards are one file; a tensor in two shards is refused', async () => {
  const one = { dtype: 'F32', shape: [1], bytes: new Uint8Array(new Float32Array([1]).buffer) }
  const [a, b, c] = [file('a.safetensors', safetensors({ x: one })), file('b.safetensors', safetensors({ y: one })), file('c.safetensors', safetensors({ x: one }))]
  const opened = await openWeights([a, b])
  expect([...opened.entries.keys()]).toEqual(['x', 'y'])
  expect([...await opened.read('y')]).toEqual([1])
  await opened.close()
  await expect(openWeights([a, c])).rejects.toThrow('is also in')
})

test('2,000 seeded mutations: an error of ours or the tensors, never a crash', async () => {
  const original = readFileSync('tests/fixtures/real_efficientnet_lite0.safetensors').subarray(0, 300)
  const small = safetensors({ a: { dtype: 'F32', shape: [2, 2], bytes: new Uint8Array(16) }, b: { dtype: 'I64', shape: [1], bytes: new Uint8Array(8) } })
  const random = seeded(7)
  const path = join(folder, 'mutated.safetensors')
  let opened = 0
  for (let i = 0; i < 2000; i++) {
    writeFileSync(path, mutate(i % 5 === 0 ? original : small, random))
    try {
      const weights = await openSafetensors(path)
      for (const name of weights.entries.keys()) await weights.read(name).catch(ours)
      await weights.close()
      opened++
    } catch (error) {
      ours(error)
    }
  }
  expect(opened).toBeLessThan(2000)
}, 60_000)
