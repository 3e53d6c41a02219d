// Tokens of rows, kept for the next epoch and for sorting by length. Used by texts and pairs.
import type { TokenIds } from './tokenizer.js'

/** Rows of which tokens are kept at most: some 200 MB of short texts. */
const most = 500_000

export class KeptTokens {
  /** What they were made with: a tokenizer's own description, and the longest sequence. */
  #by: { tokenizer: unknown; maxLength: number } | undefined
  readonly #rows = new Map<number, TokenIds>()

  /** The tokens of a row, made by `encode` where they are not known. Others than the tokenizer that was used last forget what is kept. */
  of(id: number, tokenizer: unknown, maxLength: number, encode: () => TokenIds): TokenIds {
    if (!this.#by || this.#by.tokenizer !== tokenizer || this.#by.maxLength !== maxLength) {
      this.#by = { tokenizer, maxLength }
      this.#rows.clear()
    }
    const known = this.#rows.get(id)
    if (known) return known
    const tokens = encode()
    if (this.#rows.size < most) this.#rows.set(id, tokens)
    return tokens
  }
}
