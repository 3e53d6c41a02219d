// A saved model's preprocessing: preprocessing.json, with the tokenizer or the pixel scale in the files where Python's transformers looks for them.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImagePreprocessing, Preprocessing, TextPreprocessing } from '../data/index.js'
import { ModelError } from './errors.js'
import { writeWhole } from './write-whole.js'

type JSONObject = Record<string, unknown>
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
const tokenizerFile = 'tokenizer.json', tokenizerConfigFile = 'tokenizer_config.json'

/** Roles of the special tokens that BERT's and RoBERTa's kinds of vocabulary use. */
const roles: [string, string[]][] = [['unk_token', ['[UNK]', '<unk>']], ['cls_token', ['[CLS]', '<s>']], ['sep_token', ['[SEP]', '</s>']], ['pad_token', ['[PAD]', '<pad>']], ['mask_token', ['[MASK]', '<mask>']]]

/** The configuration that came with the tokenizer, else what its special tokens say. */
function tokenizerConfig({ tokenizer: { tokenizer, config }, maxLength }: TextPreprocessing): JSONObject {
  if (config) return config as JSONObject
  const added = (tokenizer as { added_tokens?: { content?: unknown }[] }).added_tokens
  const special = new Set(Array.isArray(added) ? added.map(({ content }) => content) : [])
  return { tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: maxLength, ...Object.fromEntries(roles.flatMap(([role, names]) => names.filter((name) => special.has(name)).slice(0, 1).map((name) => [role, name]))) }
}

const imageProcessor = ({ height, width, scale, interpolation }: ImagePreprocessing): JSONObject => ({
  image_processor_type: 'ViTImageProcessor', do_resize: true, size: { height, width }, resample: interpolation === 'bicubic' ? 3 : 2,
  do_rescale: true, rescale_factor: 1 / 255, do_normalize: true, image_mean: scale.mean.map((v) => v / 255), image_std: scale.std.map((v) => v / 255),
})

export async function writePreprocessing(folder: string, preprocessing: Preprocessing): Promise<void> {
  if (preprocessing.kind === 'text') {
    const { tokenizer, config } = preprocessing.tokenizer
    await writeWhole(join(folder, tokenizerFile), json(tokenizer))
    await writeWhole(join(folder, tokenizerConfigFile), json(tokenizerConfig(preprocessing)))
    await writeWhole(join(folder, 'sentence_bert_config.json'), json({ max_seq_length: preprocessing.maxLength, do_lower_case: false }))
    return writeWhole(join(folder, 'preprocessing.json'), json({ ...preprocessing, tokenizer: { file: tokenizerFile, ...(config && { config: tokenizerConfigFile }) } }))
  }
  if (preprocessing.kind === 'image') await writeWhole(join(folder, 'preprocessor_config.json'), json(imageProcessor(preprocessing)))
  await writeWhole(join(folder, 'preprocessing.json'), json(preprocessing))
}

async function readObject(folder: string, name: string): Promise<JSONObject> {
  const value = JSON.parse(await readFile(join(folder, name), 'utf8')) as unknown
  if (typeof value !== 'object' || value === null) throw new Error(`${name} is not an object`)
  return value as JSONObject
}

/** What `writePreprocessing` wrote to `folder`, for images of `imageSize` pixels where that is given. */
export async function readPreprocessing(folder: string, imageSize?: number): Promise<Preprocessing> {
  const path = join(folder, 'preprocessing.json')
  try {
    const preprocessing = await readObject(folder, 'preprocessing.json') as unknown as Preprocessing
    if (typeof preprocessing.kind !== 'string') throw new Error('it has no "kind"')
    if (preprocessing.kind === 'image') return imageSize === undefined ? preprocessing : { ...preprocessing, height: imageSize, width: imageSize }
    if (preprocessing.kind !== 'text' || !('file' in preprocessing.tokenizer)) return preprocessing
    // Names are fixed: a saved folder cannot point outside of itself.
    const tokenizer = await readObject(folder, tokenizerFile), config = 'config' in preprocessing.tokenizer ? await readObject(folder, tokenizerConfigFile) : undefined
    return { ...preprocessing, tokenizer: { tokenizer, ...(config && { config }) } }
  } catch (error) {
    throw new ModelError(`Cannot read ${path}: ${(error as Error).message}. A saved model needs it; save the model again.`, { cause: error })
  }
}
