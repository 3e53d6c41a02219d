// Values as a debugger shows them: a line each, and their parts on request. Not here: where they come from (adapter.ts).
import type { Runtime } from 'node:inspector'
import { insideName } from '../../language/transpile.js'

/** A variable as the Debug Adapter Protocol writes it, but for its type: where JupyterLab is told one that is not Python's, it shows that in place of the value. */
export interface Variable { name: string; value: string; evaluateName?: string; variablesReference: number; indexedVariables?: number }

type Post = (method: string, params?: object) => Promise<any>

/** Characters of a value's line, and parts that are fetched at once. */
const longest = 200, mostParts = 500

const prefix = insideName('')

export class Values {
  readonly #objects = new Map<number, readonly string[]>()
  #next = 1

  constructor(private readonly post: Post) {}

  /** References hold until the program goes on. */
  forget(): void { this.#objects.clear() }

  /** A number by which the parts of an object can be asked for, or of several, of which the first hide the others' of the same name. */
  refer(...objects: string[]): number {
    const reference = this.#next++
    this.#objects.set(reference, objects)
    return reference
  }

  variable(name: string, value: Runtime.RemoteObject, evaluateName?: string): Variable {
    const parts = value.objectId !== undefined && value.subtype !== 'null', length = /^(?:\w*Array|Buffer)\((\d+)\)$/.exec(value.description ?? '')?.[1]
    return {
      name: name.startsWith(prefix) ? name.slice(prefix.length) : name, value: lineOf(value), variablesReference: parts ? this.refer(value.objectId!) : 0,
      ...(evaluateName === undefined ? {} : { evaluateName }), ...(length === undefined ? {} : { indexedVariables: Number(length) }),
    }
  }

  /** The parts of an object; those of a long one from `start` on. */
  async parts(reference: number, start = 0, count = mostParts): Promise<Variable[]> {
    const objects = this.#objects.get(reference)
    if (!objects) throw new Error('the program has gone on, and what was asked for belongs to where it was')
    const found = new Map<string, Runtime.PropertyDescriptor>(), internalProperties: { name: string; value?: Runtime.RemoteObject }[] = []
    for (const objectId of objects) {
      const answer = await this.post('Runtime.getProperties', { objectId, ownProperties: true, generatePreview: true }) as { result: Runtime.PropertyDescriptor[]; internalProperties?: { name: string; value?: Runtime.RemoteObject }[] }
      for (const property of answer.result) if (!found.has(property.name) && !property.name.startsWith('_usingCtx')) found.set(property.name, property)
      internalProperties.push(...answer.internalProperties ?? [])
    }
    const own = [...found.values()]
    const shown = own.slice(start, start + Math.max(1, count || mostParts)).map(({ name, value, get }) => value ? this.variable(name, value) : { name, value: get ? '(computed when it is read)' : 'undefined', variablesReference: 0 })
    // what a Map, a Set or a promise holds is nothing that a property shows
    const held = start > 0 ? [] : internalProperties.flatMap(({ name, value }) => value && /^\[\[(Entries|PromiseState|PromiseResult)\]\]$/.test(name) ? [this.variable(name, value)] : [])
    const left = own.length - start - shown.length
    return [...shown, ...held, ...(left > 0 && count === mostParts ? [{ name: '…', value: `${left} more`, variablesReference: 0 }] : [])]
  }
}

const cut = (text: string) => text.length > longest ? `${text.slice(0, longest - 1)}…` : text

/** A value on one line. */
export function lineOf({ type, subtype, value, unserializableValue, description = '', preview }: Runtime.RemoteObject): string {
  if (type === 'string') return cut(JSON.stringify(value))
  if (type === 'undefined') return 'undefined'
  if (subtype === 'null') return 'null'
  if (type === 'function') return cut(description.split('\n')[0]!)
  if (type !== 'object') return unserializableValue ?? (description || String(value))
  if (subtype === 'error') return cut(description.split('\n')[0]!)
  if (!preview || subtype === 'regexp' || subtype === 'date') return cut(description)
  const quoted = ({ type, value = '' }: Runtime.PropertyPreview) => type === 'string' ? JSON.stringify(value) : value || type
  const held = ({ type, description = '' }: Runtime.ObjectPreview) => type === 'string' ? JSON.stringify(description) : description
  const list = subtype === 'array' || subtype === 'typedarray'
  const parts = preview.entries
    ? preview.entries.map(({ key, value }) => `${key ? `${held(key)} => ` : ''}${held(value)}`)
    : preview.properties.filter(({ name }) => !list || /^\d+$/.test(name)).map((part) => list ? quoted(part) : `${part.name}: ${quoted(part)}`)
  const inside = [...parts, ...(preview.overflow ? ['…'] : [])].join(', ')
  return cut(list ? `${description} [${inside}]` : `${description === 'Object' ? '' : `${description} `}{${inside ? ` ${inside} ` : ''}}`)
}

/** What a value is, in a word. */
export const typeOf = ({ type, subtype, className }: Runtime.RemoteObject): string => subtype === 'null' ? 'null' : type === 'object' ? className ?? 'Object' : type
