// Writes a model to a folder: weights in the family's own names and layout, configuration, preprocessing, labels and card.
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Preprocessing } from '../data/index.js'
import { checkpointTensors } from './checkpoint.js'
import { ModelError } from './errors.js'
import { writeSafetensors } from './formats/safetensors-writer.js'
import { hasLiveAdapters, saveAdapter } from './lora.js'
import type { NeuralModel } from './model.js'
import type { SaveExtra } from './types.js'

export const savedFormat = 1

async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`
  await writeFile(partial, text)
  await rename(partial, path)
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

function defaultCard(model: NeuralModel): string {
  const { source, classes, parts: { family } } = model
  return `# ${family.title}, ${model.task}\n\nFine-tuned from \`${source}\` with [afinar](https://www.npmjs.com/package/afinar).\n\nClasses: ${classes.join(', ')}\n\n\`\`\`ts\nimport { loadModel } from 'afinar'\nconst model = await loadModel('path/to/this/folder')\n\`\`\`\n`
}

export async function saveModel(model: NeuralModel, folder: string, { card, training }: SaveExtra): Promise<void> {
  const path = resolve(folder.replace(/^file:(\/\/)?/, ''))
  const there = await stat(path).catch(() => undefined)
  if (there && !there.isDirectory()) throw new ModelError(`Cannot save the model to ${path}: there is a file of that name. Give a folder.`)
  try {
    await mkdir(path, { recursive: true })
    const { family, config } = model.parts
    const whole = model.all.filter(({ name }) => !name.includes('.lora_'))
    await writeSafetensors(join(path, 'model.safetensors'), checkpointTensors(whole, family, config), { format: 'pt' })
    const adapter = hasLiveAdapters(model)
    if (adapter) await saveAdapter(model, path)
    await writeWhole(join(path, 'preprocessing.json'), json(model.preprocessing))
    await writeWhole(join(path, 'README.md'), card ?? defaultCard(model))
    if (training !== undefined) await writeWhole(join(path, 'training.json'), json(training))
    // Last, because a folder without it is not a saved model.
    await writeWhole(join(path, 'config.json'), json({
      ...config,
      id2label: Object.fromEntries(model.classes.map((name, id) => [id, name])),
      label2id: Object.fromEntries(model.classes.map((name, id) => [name, id])),
      afinar: { format: savedFormat, family: family.name, task: model.task, classes: model.classes, source: model.source, batchNormStatistics: model.batchNormStatistics, ...(adapter && { adapter }) },
    }))
  } catch (error) {
    if (error instanceof ModelError || !(error as NodeJS.ErrnoException).code) throw error
    throw new ModelError(`Cannot save the model to ${path}: ${(error as Error).message}. Check that the folder can be written and the disk has room.`, { cause: error })
  }
}

/** The preprocessing that `saveModel` wrote to `folder`, for images of `imageSize` pixels where that is given. */
export async function savedPreprocessing(folder: string, imageSize?: number): Promise<Preprocessing> {
  const path = join(folder, 'preprocessing.json')
  try {
    const preprocessing = JSON.parse(await readFile(path, 'utf8')) as Preprocessing
    if (typeof preprocessing?.kind !== 'string') throw new Error('it has no "kind"')
    return preprocessing.kind === 'image' && imageSize !== undefined ? { ...preprocessing, height: imageSize, width: imageSize } : preprocessing
  } catch (error) {
    throw new ModelError(`Cannot read ${path}: ${(error as Error).message}. A saved model needs it; save the model again.`, { cause: error })
  }
}
