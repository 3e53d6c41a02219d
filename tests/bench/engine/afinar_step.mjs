// One case on one rung, in a process of its own: `node afinar_step.mjs CASE RUNG STEPS [xla]` prints one line of JSON.
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep, startEngine } from '../../../dist/lib/engine/index.js'
import { cases } from './cases.mjs'
import { build } from './networks.mjs'

const [name, rung, steps, compile] = process.argv.slice(2)
startEngine()
const { variables, state, inputs, loss } = build(cases[name])
const step = recordTrainStep({ loss, groups: [{ name: 'all', variables }], state, optimizer: { name: 'adamw' }, rung, xla: compile === 'xla', onNote: (text) => console.error(text) })
const wall = [], cpu = []
let result
for (let i = 1; i <= +steps + 2; i++) {
  const start = performance.now(), before = process.cpuUsage()
  result = step.run(inputs, { learningRate: 1e-4, step: i })
  const { user, system } = process.cpuUsage(before)
  wall.push(performance.now() - start)
  cpu.push((user + system) / 1000)
}
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
console.log(JSON.stringify({ rung: step.rung, loss: result.loss, wall: median(wall.slice(2)), cpu: median(cpu.slice(2)), first: wall[0], firstCpu: cpu[0], memory: process.resourceUsage().maxRSS / 1024 }))
tf.dispose(inputs)
