// `deterministic` reaches TensorFlow before it loads: it then refuses to draw random numbers without a seed. In processes of their own, since it is read once.
import { expect, jest, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'

jest.setTimeout(120_000)

function draw(options: string): string {
  const { TF_DETERMINISTIC_OPS: _, ...env } = process.env
  const code = `const { startEngine, execute } = await import(${JSON.stringify(pathToFileURL('dist/lib/engine/index.js').href)}); const tf = await import('@tensorflow/tfjs'); startEngine(${options}); try { execute('RandomUniform', { dtype: 'float32', seed: 0, seed2: 0 }, [tf.tensor1d([3], 'int32')], 1); process.stdout.write('drawn') } catch (error) { process.stdout.write(error.message) }`
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', env }).stdout
}

test('TensorFlow hears of it, and only when asked', () => {
  expect(draw('{ deterministic: true }')).toMatch(/When determinism is enabled, random ops must have a seed/)
  expect(draw('{ deterministic: false }')).toBe('drawn')
  expect(draw('{}')).toBe('drawn')
})
