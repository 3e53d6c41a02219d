// The run written down: JSON lines, CSV, and TensorBoard's files read back by TensorBoard's own reader where Python has it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { EventStream, writeCSV, writeJSONLines, writeTensorBoard, type TrainEvent } from '../../lib/train/index.js'

const events: TrainEvent[] = [
  { type: 'phase', time: 1_795_000_000_000, name: 'whole network', detail: '', epoch: 1 },
  ...[1, 2, 3, 4].map((step): TrainEvent => ({ type: 'step', time: 1_795_000_000_000 + step * 100, epoch: Math.ceil(step / 2), step, loss: 1 / step, learningRate: 1e-3 * step, gradNorm: 2, examplesPerSecond: 50 })),
  { type: 'epoch', time: 1_795_000_000_500, epoch: 1, step: 2, train: { loss: 0.75, accuracy: 0.5 }, validation: { loss: 0.8, accuracy: 0.25 }, seconds: 1.5, learningRate: 1e-3, best: true },
  { type: 'epoch', time: 1_795_000_000_900, epoch: 2, step: 4, train: { loss: 0.3, accuracy: 1 }, validation: { loss: 0.4, accuracy: 0.75 }, seconds: 1.25, learningRate: 1e-4, best: true },
]
const folder = () => mkdtempSync(join(tmpdir(), 'afinar-sinks-'))

test('JSON lines hold every event, also those that come later', async () => {
  const path = join(folder(), 'made/too/run.jsonl'), stream = new EventStream()
  const writing = writeJSONLines(stream, path)
  for (const event of events) { stream.emit(event); await new Promise((resolve) => { setTimeout(resolve, 1) }) }
  stream.close()
  await writing
  expect(readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line))).toEqual(events)
})

test('CSV has a row an epoch', async () => {
  const path = join(folder(), 'made/on/the/way/run.csv')
  await writeCSV(events, path)
  expect(readFileSync(path, 'utf8')).toBe('epoch,step,seconds,learningRate,train_loss,train_accuracy,validation_loss,validation_accuracy\n1,2,1.5,0.001,0.75,0.5,0.8,0.25\n2,4,1.25,0.0001,0.3,1,0.4,0.75\n')
})

const reader = `
import sys, json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
log = EventAccumulator(sys.argv[1]); log.Reload()
print(json.dumps({tag: [[e.step, e.value] for e in log.Scalars(tag)] for tag in log.Tags()['scalars']}))
`
const python = [process.env['AFINAR_TENSORBOARD_PYTHON'], '.venv/bin/python', 'python3'].find((name) => name && spawnSync(name, ['-c', 'import tensorboard']).status === 0)

test('TensorBoard reads its log', async () => {
  const path = folder()
  await writeTensorBoard(events, path)
  const file = readFileSync(join(path, readdirSync(path)[0]!))
  // The frame of the first record, with the checksums that TensorFlow gives it.
  expect(file.readBigUInt64LE(0)).toBe(24n)
  expect(file.subarray(12, 36).toString('latin1')).toContain('brain.Event:2')
  if (!python) return
  const read = spawnSync(python, ['-c', reader, path], { encoding: 'utf8' })
  const scalars = JSON.parse(read.stdout)
  expect(scalars['loss/validation']).toEqual([[2, Math.fround(0.8)], [4, Math.fround(0.4)]])
  expect(scalars['loss/step']).toEqual([1, 2, 3, 4].map((step) => [step, Math.fround(1 / step)]))
  expect(scalars['learning_rate']).toHaveLength(4)
}, 60_000)
