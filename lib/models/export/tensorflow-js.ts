// A TensorFlow.js graph model: model.json and shards of weights, as plain @tensorflow/tfjs loads them in a browser.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { TracedAttribute, TracedConstant, TracedGraph } from '../../engine/index.js'
import type { Model } from '../types.js'
import { writeWhole } from '../write-whole.js'
import { writeBeside, writeFolder } from './files.js'
import { traceModel } from './trace.js'

/** The size at which browsers still cache a file. */
const shardBytes = 4 * 2 ** 20
const typeNames: Record<number, [string, string]> = { 1: ['DT_FLOAT', 'float32'], 3: ['DT_INT32', 'int32'], 10: ['DT_BOOL', 'bool'] }
const type = (dtype: unknown) => typeNames[dtype as number]?.[0] ?? `${dtype as number}`
const shape = (sizes: readonly (number | null)[]) => ({ dim: sizes.map((size) => ({ size: String(size ?? -1) })) })
const base64 = (value: unknown) => Buffer.from(value as string).toString('base64')

/** An attribute in protobuf's JSON. */
function attribute({ kind, list, value }: TracedAttribute): unknown {
  const key = { string: 's', int: 'i', float: 'f', bool: 'b', type: 'type', shape: 'shape' }[kind]
  const one = (v: unknown) => kind === 'string' ? base64(v) : kind === 'int' ? String(v) : kind === 'type' ? type(v) : kind === 'shape' ? shape(v as number[]) : v
  return list ? { list: { [key]: (value as unknown[]).map(one) } } : { [key]: one(value) }
}

function topology({ inputs, constants, nodes }: TracedGraph): unknown {
  return {
    node: [
      ...inputs.map((input) => ({ name: input.name, op: 'Placeholder', attr: { dtype: { type: type(input.dtype) }, shape: { shape: shape(input.shape) } } })),
      ...constants.map((constant) => ({ name: constant.name, op: 'Const', attr: { dtype: { type: type(constant.dtype) }, value: { tensor: { dtype: type(constant.dtype), tensorShape: shape(constant.shape) } } } })),
      ...nodes.map(({ name, op, inputs: from, attributes }) => ({ name, op, input: from, attr: Object.fromEntries(attributes.map((one) => [one.name, attribute(one)])) })),
    ],
    versions: { producer: 1087 },
  }
}

const signature = (tensors: TracedGraph['inputs']) => Object.fromEntries(tensors.map((tensor) => [tensor.name, { name: `${tensor.name}:0`, dtype: type(tensor.dtype), tensorShape: shape(tensor.shape) }]))

/** Writes the constants one after the other, cut into files; returns the files' names. */
async function writeShards(folder: string, constants: readonly TracedConstant[]): Promise<string[]> {
  const bytes = constants.reduce((sum, constant) => sum + size(constant), 0), count = Math.max(1, Math.ceil(bytes / shardBytes))
  const names = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`)
  let written = 0, file = await open(join(folder, names[0]!), 'w')
  try {
    for (const constant of constants) {
      const values = constant.values(), all = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      for (let at = 0; at < all.length;) {
        const room = shardBytes - written % shardBytes, part = all.subarray(at, at + room)
        await file.writeFile(part)
        written += part.length
        at += part.length
        if (written % shardBytes === 0 && written < bytes) {
          await file.close()
          file = await open(join(folder, names[written / shardBytes]!), 'w')
        }
      }
    }
  } finally {
    await file.close()
  }
  return names
}

const size = ({ shape: sizes, dtype }: TracedConstant) => sizes.reduce((a, b) => a * b, dtype === 10 ? 1 : 4)

/**
 * Writes `model` as a TensorFlow.js graph model for the browser, with its labels and preprocessing beside it. It takes the inputs of
 * `model.forward` (any batch, any length) and gives 'logits', or 'embedding' for a model without a head.
 *
 * @returns the folder's path
 * @throws ModelError where the folder cannot be written; EngineError where the model computes something that cannot be written as ops
 * @example
 * await exportTensorFlowJS(model, 'site/model')
 * // in the browser: (await tf.loadGraphModel('model/model.json')).predict(images)
 */
export async function exportTensorFlowJS(model: Model, folder: string): Promise<string> {
  const graph = traceModel(model)
  return writeFolder(folder, 'model.json', async (work) => {
    const paths = await writeShards(work, graph.constants)
    await writeBeside(work, model)
    await writeWhole(join(work, 'model.json'), JSON.stringify({
      format: 'graph-model', generatedBy: 'afinar', convertedBy: 'afinar',
      signature: { inputs: signature(graph.inputs), outputs: signature(graph.outputs) },
      userDefinedMetadata: { classes: model.classes, task: model.task, family: model.family },
      modelTopology: topology(graph),
      weightsManifest: [{ paths, weights: graph.constants.map((constant) => ({ name: constant.name, shape: constant.shape, dtype: typeNames[constant.dtype]![1] })) }],
    }))
  })
}
