// What all text families share: their inputs, their preprocessing and the reading of numbers from a configuration.
import * as tf from '@tensorflow/tfjs'
import type { TextPreprocessing } from '../../data/index.js'
import { ModelError } from '../errors.js'
import type { Beside, Config } from '../family.js'

/** int32 `[b, n]` inputs, n free. */
export const tokenInputs = <Name extends string>(...names: Name[]): Record<Name, tf.SymbolicTensor> =>
  Object.fromEntries(names.map((name) => [name, tf.input({ shape: [null], dtype: 'int32', name })])) as Record<Name, tf.SymbolicTensor>

/** The tokenizer that lies beside the weights. */
export async function textPreprocessing(title: string, longest: number, beside: Beside | undefined): Promise<TextPreprocessing> {
  const tokenizer = await beside?.('tokenizer.json')
  if (!tokenizer) throw new ModelError(`Cannot prepare texts for ${title}: there is no tokenizer.json beside its weights. Put the model's tokenizer.json there, or pass preprocessing.`)
  const config = await beside!('tokenizer_config.json'), sentence = await beside!('sentence_bert_config.json')
  const wanted = [sentence?.['max_seq_length'], config?.['model_max_length']].find((n): n is number => Number.isSafeInteger(n) && (n as number) > 0 && (n as number) <= longest)
  return { kind: 'text', tokenizer: { tokenizer, ...(config && { config }) }, maxLength: Math.min(longest, wanted ?? 128), padding: 'buckets' }
}

/** Entries that must be positive whole numbers, with the rest as it is. */
export function checkedCounts<C extends object>(title: string, config: C, names: readonly (keyof C & string)[]): C {
  for (const name of names) {
    const value = config[name]
    if (!Number.isSafeInteger(value) || (value as number) < 1) throw new ModelError(`Cannot configure ${title}: ${name} is ${JSON.stringify(value)} and must be a positive whole number.`)
  }
  return config
}

export function checkedHeads(title: string, width: number, heads: number): void {
  if (width % heads !== 0) throw new ModelError(`Cannot configure ${title}: its width ${width} cannot be divided among ${heads} attention heads.`)
}

/** Share of dropout in a published configuration, which may leave it out. */
export const share = (config: Config, name: string, fallback: number): number => typeof config[name] === 'number' ? config[name] : fallback
