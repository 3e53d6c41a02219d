// What a model weighs: parameters, what is trainable, and the memory that a training step needs.
import os from 'node:os'
import { fromInputEnd } from './layer-groups.js'
import type { NeuralModel } from './model.js'
import type { NetworkWeight } from './network-weights.js'
import type { ModelSummary, SummaryOptions } from './types.js'
import { ModelError } from './errors.js'

const slots = { adamw: 2, adam: 2, sgd: 0, 'sgd with momentum': 1 } as const

/** 12_345_678 → '11.8 MB' */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let power = 0
  for (; bytes >= 1000 && power < units.length - 1; power++) bytes /= 1024
  return `${power === 0 ? bytes : bytes.toFixed(bytes < 10 ? 1 : 0)} ${units[power]}`
}

/** Bytes that this process may still take: the machine's free memory, or what a container leaves. */
function availableMemory(): number {
  const { availableMemory } = process as unknown as { availableMemory?: () => number }
  return availableMemory?.call(process) || os.freemem()
}

/** Floats that the layers' outputs hold for one example. Lengths that are not fixed count as `length`. */
function activationsPerExample(model: NeuralModel, length: number): number {
  let total = 0
  for (const layer of model.network.layers) {
    for (const node of layer.inboundNodes) for (const output of node.outputTensors) total += output.shape.slice(1).reduce<number>((n, size) => n * (size ?? length), 1)
  }
  return total
}

export function summarize(model: NeuralModel, { batchSize = 16, length = 64, optimizer = 'adamw' }: SummaryOptions): ModelSummary {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) throw new ModelError(`Cannot summarize for a batch of ${batchSize}: batchSize must be a whole number from 1.`)
  if (!(optimizer in slots)) throw new ModelError(`Cannot summarize for the optimizer ${JSON.stringify(optimizer)}: it is one of ${Object.keys(slots).join(', ')}.`)
  const frozen = new Set(model.frozen)
  const size = (variables: readonly { size: number }[]) => variables.reduce((sum, variable) => sum + variable.size, 0)
  const weightsOf = new Map<string, NetworkWeight[]>()
  for (const weight of model.all) {
    const name = model.parts.family.group(weight.layer.name)
    weightsOf.set(name, [...weightsOf.get(name) ?? [], weight])
  }
  const groups = [...weightsOf].map(([name, all]) => ({
    name,
    layers: new Set(all.map(({ layer }) => layer.name)).size,
    parameters: size(all.filter((weight) => !/\.running_/.test(weight.name)).map(({ variable }) => variable)),
    trainable: frozen.has(name) ? 0 : size(all.filter(({ trainable }) => trainable).map(({ variable }) => variable)),
  })).sort((a, b) => fromInputEnd(a.name) - fromInputEnd(b.name))
  const parameters = groups.reduce((sum, group) => sum + group.parameters, 0)
  const trainable = groups.reduce((sum, group) => sum + group.trainable, 0)
  const weights = 4 * size(model.all.map(({ variable }) => variable))
  const gradients = 4 * trainable, optimizerBytes = 4 * trainable * slots[optimizer]
  const activations = 4 * batchSize * activationsPerExample(model, length)
  const total = weights + gradients + optimizerBytes + activations
  const available = availableMemory()
  const memory = { weights, gradients, optimizer: optimizerBytes, activations, total }
  const summary = { family: model.family, source: model.source, classes: model.classes.length, parameters, trainable, groups, batchSize, memory, available, fits: total <= available }
  return Object.defineProperty(summary as ModelSummary, 'toString', { enumerable: false, value: () => describe(summary, optimizer) })
}

function describe(summary: Omit<ModelSummary, 'toString'>, optimizer: string): string {
  const { memory } = summary, count = (n: number) => n.toLocaleString('en-US')
  const rows = summary.groups.map(({ name, layers, parameters, trainable }) => [name, String(layers), count(parameters), trainable === parameters ? 'yes' : trainable > 0 ? `${count(trainable)}` : 'frozen'])
  const head = ['group', 'layers', 'parameters', 'trains']
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (row: string[]) => row.map((cell, i) => i === 0 || i === 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join('  ').trimEnd()
  return [
    `${summary.family} from ${summary.source}${summary.classes > 0 ? `, ${summary.classes} classes` : ''}`,
    line(head), ...rows.map(line),
    `${count(summary.trainable)} of ${count(summary.parameters)} parameters train`,
    `memory for a step with batch ${summary.batchSize}: ${formatBytes(memory.total)} (weights ${formatBytes(memory.weights)}, gradients ${formatBytes(memory.gradients)}, ${optimizer} ${formatBytes(memory.optimizer)}, activations about ${formatBytes(memory.activations)})`,
    summary.fits ? `fits: ${formatBytes(summary.available)} are free` : `does not fit: ${formatBytes(summary.available)} are free. Take a smaller batch or smaller inputs, or freeze more groups.`,
  ].join('\n')
}
