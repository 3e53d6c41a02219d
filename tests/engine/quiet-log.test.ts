// Starting TensorFlow in a process of its own, as a cell does: nothing on stderr unless asked for.
import { expect, jest, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'

jest.setTimeout(120_000)

function start(level?: string) {
  const { TF_CPP_MIN_LOG_LEVEL: _, ...env } = process.env
  const code = `const { startEngine, execute } = await import(${JSON.stringify(pathToFileURL('dist/lib/engine/index.js').href)}); const tf = await import('@tensorflow/tfjs'); startEngine(); process.stdout.write(String(tf.add(1, 2).dataSync()[0])); console.error('own words')`
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', env: level === undefined ? env : { ...env, TF_CPP_MIN_LOG_LEVEL: level } })
}

test('TensorFlow greets nobody, and what the program writes itself is not lost', () => {
  expect(start()).toMatchObject({ stdout: '3', stderr: 'own words\n' })
})

test('who asks for TensorFlow\'s log gets it', () => {
  expect(start('0').stderr).toMatch(/oneDNN|cpu_feature_guard|This TensorFlow binary/)
})
