// The binding: every dtype goes in and comes out, TensorFlow's errors become errors of the call, no handle is left behind.
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { type Engine, EngineError, execute, findTensorFlow, startEngine } from '../../lib/engine/index.js'

jest.setTimeout(60_000) // the machine may be busy

let engine: Engine, before = 0
beforeAll(() => { engine = startEngine(); before = engine.numTensors() })
afterEach(() => expect([engine.numTensors(), tf.memory().numTensors]).toEqual([before, 0]))

test('starting twice gives the same engine, and TensorFlow.js runs on it', () => {
  expect(startEngine()).toBe(engine)
  expect(tf.getBackend()).toBe('tensorflow')
  expect(engine.tensorflowVersion).toMatch(/^2\./)
  expect(existsSync(engine.libraryPath)).toBe(true)
  expect(engine.devices()[0]).toMatchObject({ name: 'CPU:0', type: 'CPU', index: 0 })
  expect(engine.devices()[0]!.memoryBytes).toBeGreaterThan(1e8)
})

describe('dtypes', () => {
  const comesBack = (values: tf.TensorLike, dtype: tf.DataType, shape?: number[]) => tf.tidy(() => {
    const tensor = tf.tensor(values, shape, dtype)
    return tf.concat([tensor, tensor]).arraySync()
  })
  test('float32, int32, bool and complex64', () => {
    expect(comesBack([1.5, -2], 'float32')).toEqual([1.5, -2, 1.5, -2])
    expect(comesBack([2 ** 31 - 1, -5], 'int32')).toEqual([2 ** 31 - 1, -5, 2 ** 31 - 1, -5])
    expect(comesBack([true, false], 'bool')).toEqual([1, 0, 1, 0])
    tf.tidy(() => expect([...tf.real(tf.mul(tf.complex([1, 2], [3, 4]), tf.complex([0, 1], [1, 0]))).dataSync()]).toEqual([-3, 2]))
  })
  test('strings of any length and any bytes', () => tf.tidy(() => {
    const words = ['', 'a', 'ação 漢字 🎸', 'x'.repeat(10_000)]
    const tensor = tf.tensor(words)
    expect(tf.concat([tensor, tensor]).arraySync()).toEqual([...words, ...words])
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 256)
    const [length] = execute('StringLength', { unit: 'BYTE' }, [tf.scalar(bytes as never, 'string')], 1)
    expect(length!.arraySync()).toBe(300)
  }))
  test('what TensorFlow.js has no dtype for is cast when it leaves', () => tf.tidy(() => {
    const x = tf.tensor1d([1.5, -300, 70_000])
    const through = (dtype: string) => execute('Cast', { SrcT: 'float32', DstT: dtype }, [x], 1)[0]!
    expect([through('int64').dtype, [...through('int64').dataSync()]]).toEqual(['int32', [1, -300, 70_000]])
    expect([through('float16').dtype, [...through('bfloat16').dataSync()]]).toEqual(['float32', [1.5, -300, 70_144]])
    expect([...through('float64').dataSync()]).toEqual([1.5, -300, 70_000])
  }))
  test('pictures, decoded from the bytes of a file', () => tf.tidy(() => {
    // A 2 × 1 bitmap: blue, then red, as rows of BGR padded to four bytes.
    const bitmap = Uint8Array.from([66, 77, 62, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0])
    const [pixels] = execute('DecodeBmp', { channels: 3 }, [tf.scalar(bitmap as never, 'string')], 1)
    expect([pixels!.dtype, pixels!.arraySync()]).toEqual(['int32', [[[0, 0, 255], [255, 0, 0]]]])
  }))
  test('resources live as long as their tensor', () => {
    for (let i = 0; i < 3; i++) execute('MutableHashTableV2', { key_dtype: 'string', value_dtype: 'float32' }, [], 1)[0]!.dispose()
  })
})

describe('errors', () => {
  const failure = (run: () => unknown): EngineError => {
    try {
      tf.tidy(() => { run() })
    } catch (error) {
      return error as EngineError
    }
    throw new Error('nothing was thrown')
  }
  test("TensorFlow's refusal is the error of the call that made it", () => {
    const error = failure(() => execute('MatMul', {}, [tf.ones([2, 3]), tf.ones([2, 3])], 1))
    expect(error).toBeInstanceOf(EngineError)
    expect([error.op, error.code]).toEqual(['MatMul', 3])
    expect(error.message).toMatch(/^Cannot run MatMul: Matrix size-incompatible: In\[0\]: \[2,3\], In\[1\]: \[2,3\]/)
    expect(tf.tidy(() => tf.add(1, 2).arraySync())).toBe(3)
  })
  test('an op, an attribute or a number of inputs that does not exist', () => {
    expect(failure(() => execute('MatMull', {}, [], 1)).message).toMatch(/no op of that name/)
    expect(failure(() => execute('MatMul', { transpose: true }, [tf.ones([1, 1]), tf.ones([1, 1])], 1)).message).toMatch(/no such attribute. It has: transpose_a, transpose_b/)
    expect(failure(() => execute('MatMul', {}, [tf.ones([1, 1])], 1)).message).toMatch(/takes the inputs a, b: got 1/)
  })
  test('an index out of range in an embedding', () => {
    expect(failure(() => tf.gather(tf.ones([3, 2]), [5])).message).toMatch(/indices\[0\] = 5 is not in \[0, 3\)/)
  })
  test('a tensor that is gone', () => {
    const gone = tf.tidy(() => tf.add(1, 2))
    gone.dispose()
    expect(() => gone.dataSync()).toThrow(/disposed/)
  })
})

describe('finding TensorFlow', () => {
  const place = mkdtempSync(join(tmpdir(), 'afinar-engine-'))
  const wheel = (folder: string, version: string) => {
    mkdirSync(join(folder, 'tensorflow'), { recursive: true })
    mkdirSync(join(folder, `tensorflow_cpu-${version}.dist-info`))
    for (const file of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) writeFileSync(join(folder, 'tensorflow', file), '')
  }
  test('AFINAR_TENSORFLOW first, then the .venv above the current folder, then the system', () => {
    const site = join(place, '.venv/lib/python3.12/site-packages')
    wheel(site, '2.21.0')
    wheel(join(place, 'named'), '2.15.1')
    mkdirSync(join(place, 'deep/er'), { recursive: true })
    const search = { cwd: join(place, 'deep/er'), packageRoot: place, platform: 'linux' as const }
    const found = findTensorFlow({ ...search, env: { AFINAR_TENSORFLOW: join(place, 'named/tensorflow'), PATH: '' } })
    expect(found.slice(0, 2)).toMatchObject([{ source: 'AFINAR_TENSORFLOW', version: '2.15.1', wheel: 'tensorflow-cpu' }, { source: '.venv', folder: join(site, 'tensorflow'), version: '2.21.0' }])
    expect(found[0]!.files).toHaveLength(2)
    expect(findTensorFlow({ ...search, env: { PATH: '' } })[0]).toMatchObject({ source: '.venv' })
    rmSync(place, { recursive: true })
    expect(findTensorFlow({ cwd: '/', packageRoot: '/', env: { PATH: '' } }).filter(({ source }) => source === '.venv')).toEqual([])
  })
})
