// One case on one rung, in a process of its own: `node afinar_step.mjs CASE WEIGHTS RUNG [xla] [mixed]` waits for rounds (rounds.mjs);
// `node afinar_step.mjs CASE WEIGHTS` writes the starting weights and the pictures that all systems use.
import * as tf from '@tensorflow/tfjs'
import { writeFileSync } from 'node:fs'
import { recordTrainStep, startEngine } from '../../../dist/lib/engine/index.js'
import { cases } from './cases.mjs'
import { build } from './networks.mjs'
import { serve } from './rounds.mjs'

const [name, weights, rung, ...options] = process.argv.slice(2)
startEngine()
if (!rung) {
  const { variables, inputs: { x } } = build(cases[name])
  const parts = [...variables, ...(x.dtype === 'float32' ? [x] : [])].map((tensor) => Buffer.from(tensor.dataSync().buffer))
  writeFileSync(weights, Buffer.concat(parts))
} else {
  const { variables, state, inputs, loss } = build(cases[name], weights)
  const step = recordTrainStep({
    loss, groups: [{ name: 'all', variables }], state, optimizer: { name: 'adamw' }, rung, xla: options.includes('xla'),
    precision: options.includes('mixed') ? 'mixed' : 'float32', onNote: (text) => console.error(text),
  })
  let i = 0
  await serve(() => step.run(inputs, { learningRate: 1e-4, step: ++i }).loss)
}
