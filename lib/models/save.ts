// Writes a model to a folder: weights in the family's own names and layout, configuration, preprocessing, labels, tokenizer and card, such that
// Python's transformers loads the families that it knows.
import { mkdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { checkpointTensors } from './checkpoint.js'
import { ModelError } from './errors.js'
import type { Published } from './family.js'
import { writeSafetensors } from './formats/safetensors-writer.js'
import { adapterFolder, hasLiveAdapters, saveAdapter } from './lora.js'
import type { NeuralModel } from './model.js'
import { writePreprocessing } from './preprocessing-files.js'
import type { SaveExtra } from './types.js'
import { writeWhole } from './write-whole.js'

export const savedFormat = 1

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

/** How to load the folder in Python; undefined where only the weights by name can be read there. */
function pythonExample(published: Published | undefined, adapter: boolean, classes: number, task: string, inputs: string): string | undefined {
  if (!published) return undefined
  const trust = published.files ? ', trust_remote_code=True' : '', auto = task === 'sequence' ? 'AutoModelForSeq2SeqLM' : task === 'speech' ? 'AutoModelForCTC' : task === 'token' ? 'AutoModelForTokenClassification' : classes === 0 || inputs === 'sound' ? 'AutoModel' : inputs === 'image' ? 'AutoModelForImageClassification' : 'AutoModelForSequenceClassification'
  return `\`\`\`python
from transformers import ${auto}
model = ${auto}.from_pretrained("path/to/this/folder"${trust})${adapter ? `
from peft import PeftModel
model = PeftModel.from_pretrained(model, "path/to/this/folder/${adapterFolder}")` : ''}
\`\`\`\n`
}

function defaultCard(model: NeuralModel, published: Published | undefined): string {
  const { source, classes, parts: { family } } = model
  const python = pythonExample(published, hasLiveAdapters(model), classes.length, model.task, family.inputs)
  return `# ${family.title}, ${model.task}\n\nFine-tuned from \`${source}\` with [afinar](https://www.npmjs.com/package/afinar).\n\n${classes.length > 0 ? `Classes: ${classes.join(', ')}\n\n` : ''}\`\`\`ts\nimport { loadModel } from 'afinar'\nconst model = await loadModel('path/to/this/folder')\n\`\`\`\n${python ? `\n${python}` : ''}`
}

export async function saveModel(model: NeuralModel, folder: string, { card, training }: SaveExtra): Promise<void> {
  const path = resolve(folder.replace(/^file:(\/\/)?/, ''))
  const there = await stat(path).catch(() => undefined)
  if (there && !there.isDirectory()) throw new ModelError(`Cannot save the model to ${path}: there is a file of that name. Give a folder.`)
  try {
    await mkdir(path, { recursive: true })
    const { family, config } = model.parts, published = model.published
    const whole = model.all.filter(({ name }) => !name.includes('.lora_'))
    await writeSafetensors(join(path, 'model.safetensors'), checkpointTensors(whole, family, { ...config, ...(published?.config['architectures'] ? { architectures: published.config['architectures'] } : {}) }, published?.prefix), { format: 'pt' })
    const adapter = hasLiveAdapters(model)
    if (adapter) await saveAdapter(model, join(path, adapterFolder))
    await writePreprocessing(path, model.preprocessing)
    for (const [name, text] of Object.entries(published?.files ?? {})) await writeWhole(join(path, name), text)
    await writeWhole(join(path, 'README.md'), card ?? defaultCard(model, published))
    if (training !== undefined) await writeWhole(join(path, 'training.json'), json(training))
    // Last, because a folder without it is not a saved model.
    await writeWhole(join(path, 'config.json'), json({
      ...config, ...published?.config, ...(published && { dtype: 'float32', torch_dtype: 'float32' }),
      ...(model.classes.length > 0 && {
        id2label: Object.fromEntries(model.classes.map((name, id) => [id, name])),
        label2id: Object.fromEntries(model.classes.map((name, id) => [name, id])),
      }),
      afinar: { format: savedFormat, family: family.name, task: model.task, classes: model.classes, source: model.source, batchNormStatistics: model.batchNormStatistics, ...(adapter && { adapter }), ...(model.licence !== undefined && { licence: model.licence }) },
    }))
  } catch (error) {
    if (error instanceof ModelError || !(error as NodeJS.ErrnoException).code) throw error
    throw new ModelError(`Cannot save the model to ${path}: ${(error as Error).message}. Check that the folder can be written and the disk has room.`, { cause: error })
  }
}
