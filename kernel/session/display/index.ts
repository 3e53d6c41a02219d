// From any value to its MIME bundle. Each kind of value has its own file; what nobody knows is shown as Node's inspect does.
import { inspect } from 'node:util'
import type { MimeBundle } from '../messages.js'
import { dataFrame } from './data-frame.js'
import { figure } from './figure.js'
import { picture } from './picture.js'
import { tensor, typedArray } from './tensor.js'
import { jsonValue } from './json.js'
import { firstLine, text } from './text.js'
export { text } from './text.js'
import { Buffer, Symbol } from '../intrinsics.js'

export interface Shown { data: MimeBundle; metadata: Record<string, unknown> }

type Formatter = (value: object) => MimeBundle | undefined | Promise<MimeBundle | undefined>

const displaySymbol = Symbol.for('Jupyter.display')
const methods: PropertyKey[] = [displaySymbol, '$display']
const htmlMethods = ['toHTML', 'toHtml', '_repr_html_']

/**
 * The bundle of a value: its own display first (`Symbol.for('Jupyter.display')` or `$display`), then pictures, tables, figures and tensors,
 * then text. Never throws; a display that fails is named in a note beside the text.
 */
export async function bundleOf(value: unknown): Promise<Shown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return shown({ 'text/plain': text(value) })
  let note = ''
  for (const format of [ownDisplay, picture, dataFrame, figure, tensor, typedArray, ownHTML] as Formatter[]) {
    try {
      const bundle = await format(value)
      if (bundle) return shown(plainBundle(bundle))
    } catch (error) {
      note = `\n(its own display failed: ${firstLine(error)})`
    }
  }
  return shown({ 'text/plain': text(value) + note })
}

const shown = (data: MimeBundle): Shown => ({ data, metadata: {} })

async function ownDisplay(value: object): Promise<MimeBundle | undefined> {
  for (const name of methods) {
    const method = (value as Record<PropertyKey, unknown>)[name]
    if (typeof method !== 'function') continue
    const bundle = await method.call(value) as unknown
    if (typeof bundle === 'object' && bundle !== null) return bundle as MimeBundle
    throw new Error(`it returned ${inspect(bundle, { depth: 0 })}, not a MIME bundle such as { 'text/html': '<b>hi</b>' }`)
  }
  return undefined
}

async function ownHTML(value: object): Promise<MimeBundle | undefined> {
  for (const name of htmlMethods) {
    const method = (value as Record<string, unknown>)[name]
    if (typeof method !== 'function' || typeof value === 'function') continue
    const html = await method.call(value) as unknown
    if (typeof html === 'string') return { 'text/html': html, 'text/plain': text(value) }
  }
  return undefined
}

/** What can be sent: text as strings, binary types as base64, JSON types without functions and cycles. */
export function plainBundle(bundle: MimeBundle): MimeBundle {
  const plain: MimeBundle = {}
  for (const [type, content] of Object.entries(bundle)) {
    if (content === undefined) continue
    if (content instanceof Uint8Array) plain[type] = Buffer.from(content).toString('base64')
    else if (typeof content === 'string') plain[type] = content
    else plain[type] = /[/+]json$/.test(type) ? jsonValue(content) : text(content)
  }
  return plain
}
