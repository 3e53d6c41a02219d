// From any value to its MIME bundle. Which front end shows it is decided elsewhere.
import { inspect } from 'node:util'

/** MIME type → content: strings for text types and base64 for binary ones, plain JSON for `+json` types. */
export type MimeBundle = Record<string, unknown>

/** The method by which an object says how it looks; the kernel and Deno call it too. It may return a promise. */
export const displaySymbol: unique symbol = Symbol.for('Jupyter.display') as never

export interface Displayable { [displaySymbol](): MimeBundle | Promise<MimeBundle> }

/**
 * An object that displays itself as `bundle`. Where something can only print it (console.log, a list of them, another kernel),
 * its text stands for it.
 */
export function displayable(bundle: MimeBundle | Promise<MimeBundle>): Displayable {
  const shown = { [displaySymbol]: () => bundle }
  const printed = () => bundle instanceof Promise ? '[picture]' : textOf(bundle)
  return Object.defineProperty(shown, inspect.custom, { value: printed, enumerable: false })
}

const isBundle = (value: unknown): value is MimeBundle =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0 && Object.keys(value).every((key) => /^[\w.+-]+\/[\w.+-]+$/.test(key))

/**
 * What a value looks like: what its `Symbol.for('Jupyter.display')` method says, itself when it is a MIME bundle, a string
 * as it is, anything else as Node inspects it. A promise only where the method returns one.
 */
export function bundleOf(value: unknown): MimeBundle | Promise<MimeBundle> {
  const method = (value as Partial<Displayable> | null | undefined)?.[displaySymbol]
  if (typeof method === 'function') return method.call(value)
  if (isBundle(value)) return value
  return { 'text/plain': typeof value === 'string' ? value : inspect(value, { colors: false }) }
}

/** The text of a bundle, for whoever can show nothing else. */
export function textOf(bundle: MimeBundle): string {
  const text = bundle['text/plain'] ?? bundle['text/markdown'] ?? bundle['text/html']
  return Array.isArray(text) ? text.join('') : typeof text === 'string' ? text : `[${Object.keys(bundle).join(', ')}]`
}
