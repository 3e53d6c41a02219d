// The restricted reader of PyTorch files: what it reads, and what it refuses by name.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { openPyTorch } from '../../lib/models/formats/pytorch.js'
import { unpickle } from '../../lib/models/formats/pickle.js'
import { mutate, ours, seeded, temporary } from './support.js'

const folder = temporary()
const file = (contents: Uint8Array, name = 'x.pth') => {
  const path = join(folder, name)
  writeFileSync(path, contents)
  return path
}
const base = Array.from({ length: 24 }, (_, i) => i / 8)

test.each(['zip', 'legacy', 'protocol4'])('%s: every type and every view', async (name) => {
  const opened = await openPyTorch(`tests/fixtures/checkpoints/${name}.pth`)
  const values = Object.fromEntries(await Promise.all([...opened.entries].map(async ([key, { shape }]) => [key, [shape, [...await opened.read(key)]]])))
  expect(values).toEqual({
    f32: [[4, 6], base], f64: [[2], [1.5, -2.25]], f16: [[2], [0.5, -3]], bf16: [[2], [1, -2]], i64: [[3], [1, -2, 2 ** 31 - 1]], i32: [[2], [7, -7]], i16: [[1], [-300]], i8: [[2], [-5, 5]], u8: [[2], [0, 255]], bool: [[2], [1, 0]],
    transposed: [[6, 4], base.map((_, i) => base[(i % 4) * 6 + Math.floor(i / 4)])], slice: [[2, 3], [1, 1.125, 1.25, 1.75, 1.875, 2]], column: [[4], [0.375, 1.125, 1.875, 2.625]], scalar: [[], [2.5]], empty: [[0, 3], []], tied: [[4, 6], base],
  })
  await opened.close()
})

test('weights inside a training checkpoint, wrapped as parameters', async () => {
  const opened = await openPyTorch('tests/fixtures/checkpoints/training.pth')
  expect([...opened.entries]).toEqual([['weight', { shape: [4, 6], dtype: 'F32' }]])
  expect([...await opened.read('weight')]).toEqual(base)
  await opened.close()
})

const legacyHead = readFileSync('tests/fixtures/checkpoints/legacy.pth').subarray(0, 137)
/** A legacy file whose object is this pickle. */
const legacy = (pickle: string) => file(Buffer.concat([legacyHead, Buffer.from(pickle, 'latin1')]))
const marker = join(folder, 'ran')

test.each([
  ['os.system by REDUCE', `\x80\x02cos\nsystem\nX${'\x10\0\0\0'}touch /tmp/hacked\x85R.`, 'asks to import "os.system"'],
  ['posix.system by STACK_GLOBAL', '\x80\x04\x8c\x05posix\x8c\x06system\x93.', '"posix.system"'],
  ['builtins.eval', '\x80\x02cbuiltins\neval\nX\x03\0\0\x001+1\x85R.', '"builtins.eval"'],
  ['torch.load', '\x80\x02ctorch.serialization\nload\n.', '"torch.serialization.load"'],
  ['torch.jit', '\x80\x02ctorch.jit._script\nRecursiveScriptModule\n.', '"torch.jit._script.RecursiveScriptModule"'],
  ['a whole module', '\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81.', '"torch.nn.modules.linear.Linear"'],
  ['a name from Object.prototype', '\x80\x02c\nconstructor\n.', '".constructor"'],
  ['NEWOBJ on an allowed name', '\x80\x02ccollections\nOrderedDict\n)\x81.', 'NEWOBJ'],
  ['INST', '\x80\x02(ios\nsystem\n.', 'INST'],
  ['EXT1', '\x80\x02\x82\x01.', 'EXT1'],
  ['a call of something that is no function', '\x80\x02}]R.', 'calls something that is not a function'],
  ['a storage type as a function', '\x80\x02ctorch\nFloatStorage\n)R.', 'calls something that is not a function'],
  ['attributes on a tensor', '\x80\x02ctorch\nFloatStorage\n}b.', 'not a dictionary'],
  ['a tensor with a negative shape', '\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04NtQK\x00(J\xff\xff\xff\xfft(K\x01t\x89NtR.', 'whole numbers from 0'],
  ['a persistent id that is a path', '\x80\x02U\x0b/etc/passwdQ.', 'refers to something outside'],
  ['no table', '\x80\x02K\x01.\x80\x02].', 'holds no table of named tensors'],
  ['a table that holds itself', '\x80\x02}q\x00X\x05\0\0\0modelh\x00s.\x80\x02].', 'holds no table of named tensors'],
  ['empty stack', '\x80\x02R.', 'not a valid pickle'],
  ['unknown instruction', '\x80\x02\xff.', '0xff'],
  ['ends in the middle', '\x80\x02}q', 'truncated'],
])('refuses: %s', async (_, pickle, message) => {
  await expect(openPyTorch(legacy(pickle))).rejects.toThrow(message)
  expect(existsSync(marker) || existsSync('/tmp/hacked')).toBe(false)
})

test('every truncation of every file is an error that says so, never a wrong tensor', async () => {
  for (const name of ['zip', 'legacy', 'training']) {
    const whole = readFileSync(`tests/fixtures/checkpoints/${name}.pth`)
    for (let n = 0; n < whole.length; n += 37) await expect(openPyTorch(file(whole.subarray(0, n)))).rejects.toThrow(/^Cannot (read|open)/)
  }
}, 60_000)

test('other files are named for what they are', async () => {
  await expect(openPyTorch(file(Buffer.from('<html>not found</html>')))).rejects.toThrow('neither a zip archive nor a pickle')
  await expect(openPyTorch(file(Buffer.alloc(0)))).rejects.toThrow('begins with nothing')
  await expect(openPyTorch(join(folder, 'nowhere.pth'))).rejects.toThrow('there is no such file')
  await expect(openPyTorch(folder)).rejects.toThrow('not a file')
  await expect(openPyTorch(file(Buffer.from('\x80\x02K\x01.', 'latin1')))).rejects.toThrow('not torch.save’s'.replace('’', "'"))
})

test('a shape that reaches beyond its storage is refused', async () => {
  const whole = readFileSync('tests/fixtures/checkpoints/zip.pth')
  const at = whole.indexOf(Buffer.from('K\x04K\x06', 'latin1'))
  whole[at + 1] = 200
  await expect(openPyTorch(file(whole))).rejects.toThrow(/reaches beyond|checksum|damaged/)
})

test('pickle reads what Python’s protocols 0 to 5 write for plain values', () => {
  const read = (text: string) => unpickle(Buffer.from(text, 'latin1'), { what: 'x', global: () => undefined }).value
  expect(read("(lp0\nI1\naL-5L\naF0.5\naVhi\np1\naI01\na.")).toEqual([1, -5, 0.5, 'hi', true])
  expect(read('\x80\x05\x95\x0f\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94]\x94u.')).toEqual(new Map<string, unknown>([['a', 1], ['b', []]]))
  expect(read('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.')).toBe(0x1950a86a20f9469cfc6cn)
})

test('2,000 seeded mutations: an error of ours or tensors inside the file, never a crash', async () => {
  const random = seeded(11)
  const originals = ['zip', 'legacy', 'training'].map((name) => readFileSync(`tests/fixtures/checkpoints/${name}.pth`))
  for (let i = 0; i < 2000; i++) {
    const path = file(mutate(originals[i % 3]!, random), 'mutated.pth')
    try {
      const weights = await openPyTorch(path)
      for (const name of weights.entries.keys()) await weights.read(name).catch(ours)
      await weights.close()
    } catch (error) {
      ours(error)
    }
  }
}, 120_000)
