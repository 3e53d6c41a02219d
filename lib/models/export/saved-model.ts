// A TensorFlow SavedModel: one graph with its weights as constants and the signature 'serving_default'.
// Written piece by piece; numbers of fields are those of tensorflow/core/protobuf/saved_model.proto and the files that it imports.
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { TracedAttribute, TracedConstant, TracedGraph } from '../../engine/index.js'
import { ModelError } from '../errors.js'
import type { Model } from '../types.js'
import { writeBeside, writeFolder } from './files.js'
import { entry, float, inside, type Message, text, whole } from './protobuf.js'
import { traceModel } from './trace.js'

/** Protocol buffers end here. */
const largest = 2 ** 31 - 1

const shape = (field: number, sizes: readonly (number | null)[]): Message => inside(field, ...sizes.map((size) => inside(2, whole(1, size ?? -1))))

/** AttrValue: s 2, i 3, f 4, b 5, type 6, shape 7; a list 1 has the same inside. */
function attribute({ name, kind, list, value }: TracedAttribute): Message {
  const one = (v: unknown): Message => {
    switch (kind) {
      case 'string': return text(2, v as string | Uint8Array)
      case 'int': return whole(3, v as number)
      case 'float': return float(4, v as number)
      case 'bool': return whole(5, v as boolean)
      case 'type': return whole(6, v as number)
      case 'shape': return shape(7, v as number[])
    }
  }
  return entry(5, name, list ? inside(1, ...(value as unknown[]).map(one)) : one(value))
}

/** NodeDef: name 1, op 2, input 3, attr 5. */
const node = (name: string, op: string, inputs: readonly string[], attributes: readonly Message[]): Message =>
  inside(1, text(1, name), text(2, op), ...inputs.map((input) => text(3, input)), ...attributes)

/** TensorProto: dtype 1, tensor_shape 2, tensor_content 4. */
function constant({ name, dtype, shape: sizes, values }: TracedConstant): Message {
  const content = { length: sizes.reduce((a, b) => a * b, dtype === 10 ? 1 : 4), load: () => { const v = values(); return new Uint8Array(v.buffer, v.byteOffset, v.byteLength) } }
  const tensor = inside(8, whole(1, dtype), shape(2, sizes), inside(4, [content]))
  return node(name, 'Const', [], [entry(5, 'dtype', whole(6, dtype)), entry(5, 'value', tensor)])
}

/** TensorInfo: name 1, dtype 2, tensor_shape 3. */
const tensors = (field: number, all: TracedGraph['inputs']): Message[] => all.map(({ name, dtype, shape: sizes }) => entry(field, name, [...text(1, `${name}:0`), ...whole(2, dtype), ...shape(3, sizes)]))

function savedModel({ inputs, constants, nodes, outputs }: TracedGraph): Message {
  const graph = inside(2,
    ...inputs.map(({ name, dtype, shape: sizes }) => node(name, 'Placeholder', [], [entry(5, 'dtype', whole(6, dtype)), entry(5, 'shape', shape(7, sizes))])),
    ...constants.map(constant),
    ...nodes.map(({ name, op, inputs: from, attributes }) => node(name, op, from, attributes.map(attribute))),
    inside(4, whole(1, 1087)))
  const signature = entry(5, 'serving_default', [...tensors(1, inputs), ...tensors(2, outputs), text(3, 'tensorflow/serving/predict')].flat())
  return [...whole(1, 1), ...inside(2, inside(1, text(4, 'serve'), text(5, '2.21.0')), graph, signature)]
}

/**
 * Writes `model` as a TensorFlow SavedModel (tag 'serve', signature 'serving_default'), with its labels and preprocessing in assets.extra. It takes
 * the inputs of `model.forward` (any batch, any length) and gives 'logits', or 'embedding' for a model without a head. Weights are constants: it predicts and cannot be trained on.
 *
 * @returns the folder's path
 * @throws ModelError for models of 2 GB and more, which the format cannot hold so
 * @example
 * await exportSavedModel(model, 'models/served')
 * // in Python: tf.saved_model.load('models/served').signatures['serving_default'](images=images)['logits']
 */
export async function exportSavedModel(model: Model, folder: string): Promise<string> {
  const message = savedModel(traceModel(model)), bytes = message.reduce((sum, { length }) => sum + length, 0)
  if (bytes > largest) throw new ModelError(`Cannot export ${model.family} as a SavedModel: it has ${bytes} bytes, and a graph can have ${largest}. Use model.save, or exportTensorFlowJS.`)
  return writeFolder(folder, 'saved_model.pb', async (work) => {
    await mkdir(join(work, 'variables')) // Python looks for it
    await mkdir(join(work, 'assets.extra'))
    await writeBeside(join(work, 'assets.extra'), model)
    const file = await open(join(work, 'saved_model.pb'), 'w')
    try {
      for (const piece of message) await file.writeFile(piece instanceof Uint8Array ? piece : piece.load())
    } finally {
      await file.close()
    }
  })
}
