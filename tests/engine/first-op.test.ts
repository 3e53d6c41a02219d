// Who imports the library and computes, and starts nothing: TensorFlow comes with the first op, in silence.
import { expect, jest, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'

jest.setTimeout(120_000)

const run = (code: string, door = 'dist/lib/index.js') => spawnSync(process.execPath, ['--input-type=module', '-e', `
  import { readFileSync } from 'node:fs'
  const loaded = () => /libtensorflow/.test(readFileSync('/proc/self/maps', 'utf8'))
  const { tf, startEngine } = await import(${JSON.stringify(pathToFileURL(door).href)})
  ${code}`], { encoding: 'utf8' })

test('the import loads no TensorFlow, the first op does, and starting it afterwards changes nothing', () => {
  const { stdout, stderr } = run(`
    const before = loaded(), sum = tf.add(1, 2), backend = tf.backend()
    startEngine()
    console.log(JSON.stringify([before, sum.dataSync()[0], tf.getBackend(), loaded(), tf.backend() === backend, tf.add(sum, 1).dataSync()[0], startEngine().numTensors() > 0]))`)
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual([false, 3, 'tensorflow', true, true, 4, true])
})

test('options given before the first op count', () => {
  const { stdout, stderr } = run('startEngine({ device: "cpu" }); console.log(tf.getBackend(), tf.add(1, 2).dataSync()[0], startEngine().devices().length)')
  expect(stderr).toBe('')
  expect(stdout).toBe('tensorflow 3 1\n')
})

test('where there is no TensorFlow the first op says what to run and computes all the same', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', `
    import tf from '@tensorflow/tfjs'
    const { offerBackend } = await import(${JSON.stringify(pathToFileURL('dist/lib/engine/backend.js').href)})
    offerBackend(() => { throw new Error('Cannot start the engine: no TensorFlow library was found. Run npx afinar setup.') })
    console.log(tf.add(tf.tensor([1]), 2).dataSync()[0], tf.getBackend())`], { encoding: 'utf8' })
  expect(stdout).toBe('3 cpu\n')
  expect(stderr).toBe('Initialization of backend tensorflow failed\nCannot start the engine: no TensorFlow library was found. Run npx afinar setup.\nUntil then TensorFlow.js computes in JavaScript, which is slow.\n')
})
