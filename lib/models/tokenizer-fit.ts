// Whether a tokenizer and a model belong together: no token may have a number that the model's table of vectors does not have.
import type { Preprocessing } from '../data/index.js'
import { ModelError } from './errors.js'

/** The highest id that a tokenizer.json gives; undefined where it has no vocabulary. */
function highestId(tokenizer: object): number | undefined {
  const { model, added_tokens: added } = tokenizer as { model?: { vocab?: unknown }; added_tokens?: unknown }
  const vocabulary = model?.vocab
  let highest = -1
  if (Array.isArray(vocabulary)) highest = vocabulary.length - 1 // Unigram: a list of pieces
  else if (typeof vocabulary === 'object' && vocabulary !== null) for (const id of Object.values(vocabulary)) if (typeof id === 'number' && id > highest) highest = id
  if (highest >= 0 && Array.isArray(added)) for (const token of added as { id?: unknown }[]) if (typeof token?.id === 'number' && token.id > highest) highest = token.id
  return highest < 0 ? undefined : highest
}

/** Throws a ModelError where the tokenizer knows more tokens than the model. */
export function checkTokenizer(title: string, preprocessing: Preprocessing, config: Record<string, unknown>): void {
  const rows = config['vocab_size']
  if (preprocessing.kind !== 'text' || typeof rows !== 'number') return
  const highest = highestId(preprocessing.tokenizer.tokenizer)
  if (highest !== undefined && highest >= rows) throw new ModelError(`Cannot use this tokenizer with ${title}: it gives ids up to ${highest}, and the model has vectors for ${rows} tokens. Take the tokenizer.json that was saved with these weights.`)
}
