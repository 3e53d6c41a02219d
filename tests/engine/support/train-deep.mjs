// node train-deep.mjs '{"recompute":true,"rows":8192,"width":64,"blocks":24}': three steps of a deep network; prints by how many MiB they raised the process's peak, and what came out.
import { existsSync, readFileSync } from 'node:fs'
import { recordTrainStep, startEngine } from '../../../dist/lib/engine/index.js'
import * as tf from '@tensorflow/tfjs'

/** KiB. Linux counts into a new process's maxRSS what its parent held at the start, so there its own status is read. */
const peakSoFar = () => existsSync('/proc/self/status') ? Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) : process.resourceUsage().maxRSS

const { recompute, rows, width, blocks } = JSON.parse(process.argv[2])
const deep = (weights, x) => weights.reduce((y, w) => tf.add(y, tf.tanh(tf.mul(tf.sigmoid(tf.matMul(y, w)), y))), x)
startEngine()
const x = tf.randomNormal([rows, width], 0, 1, 'float32', 99), notes = []
const weights = Array.from({ length: blocks }, (_, i) => tf.tidy(() => tf.variable(tf.randomNormal([width, width], 0, 0.1, 'float32', i + 1))))
tf.tidy(() => { deep(weights.slice(0, 1), x).dataSync() }) // TensorFlow's own threads and buffers
const before = peakSoFar()
const step = recordTrainStep({ recompute, optimizer: { name: 'sgd' }, groups: [{ name: 'all', variables: weights }], onNote: (text) => notes.push(text), loss: ({ x }, { random }) => ({ loss: tf.mean(tf.square(random.dropout(deep(weights, random.dropout(x, 0.1)), 0.1))) }) })
const steps = [1, 2, 3].map((i) => { const { loss, gradNorm } = step.run({ x }, { step: i, learningRate: 1e-3 }); return [loss, gradNorm] })
const peak = (peakSoFar() - before) / 1024
console.log(JSON.stringify({ peak, notes, steps, values: weights.map((w) => [...w.dataSync()]), multiplications: step.operations.MatMul }))
