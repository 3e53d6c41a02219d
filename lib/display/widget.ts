// A model shared with a module in the browser: anywidget's contract, over Jupyter's widget messages. Here is the kernel's side.
//
// The contract, whole:
//   in the browser   export default { render({ model, el }) { … } }, an ES module as text. `model.get(name)`, `model.set(name, value)` then
//                    `model.save_changes()`, `model.on('change:name', f)`, `model.send(content, callbacks, buffers)`, `model.on('msg:custom', f)`.
//   in the kernel    get, set, on, send, onMessage of Widget below.
//   on the wire      comm target `jupyter.widget`, metadata { version: '2.1.0' }; data { method: 'update', state, buffer_paths } and
//                    { method: 'custom', content } both ways, { method: 'request_state' } from the browser.
//   values           JSON; typed arrays, ArrayBuffers and Buffers, at any depth, travel as buffers beside it: a DataView in the browser,
//                    a Uint8Array in the kernel.
//   needs            the Python package `anywidget` beside JupyterLab or Notebook 7. VS Code brings its own.
import { displaySymbol, type Displayable, type MimeBundle } from './bundle.js'
import { session } from './front-end.js'

export type State = Record<string, unknown>
export type Binary = ArrayBuffer | ArrayBufferView

export interface WidgetOptions<S extends State> {
  /** The browser's side: an ES module whose default export has `render`. */
  esm: string
  css?: string
  /** What both sides share, at its start. */
  state: S
}

interface Comm {
  readonly id: string
  send(data: unknown, options?: { metadata?: Record<string, unknown>; buffers?: Binary[] }): void
  onMessage(listener: (data: unknown, buffers: Uint8Array[]) => unknown): void
  onClose(listener: () => unknown): void
  close(): void
}
interface CommSession { comm(target: string, data: unknown, options: { metadata: Record<string, unknown>; buffers: Binary[] }): Comm }

/** Names that anywidget keeps for itself. */
const OWN = ['esm', 'css', 'anywidget_id', 'model_module', 'model_module_version', 'model_name', 'view_module', 'view_module_version', 'view_name'].map((name) => `_${name}`)

/**
 * @example
 * const counter = widget({
 *   esm: `export default { render({ model, el }) {
 *     const button = document.createElement('button')
 *     const draw = () => { button.textContent = model.get('count') }
 *     button.onclick = () => { model.set('count', model.get('count') + 1); model.save_changes() }
 *     model.on('change:count', draw); draw(); el.append(button)
 *   } }`,
 *   state: { count: 0 },
 * })
 * counter.on('count', (count) => console.log(count))
 * counter   // shows the button; each copy of it that is shown shares the model
 */
export class Widget<S extends State = State> implements Displayable {
  readonly #options: WidgetOptions<S>
  readonly #state: S
  readonly #listeners = new Map<keyof S, Set<(value: never, before: never) => unknown>>()
  readonly #heard = new Set<(content: unknown, buffers: Uint8Array[]) => unknown>()
  #comm: Comm | undefined

  /** @throws TypeError where a name of the state is anywidget's own or the module is empty */
  constructor(options: WidgetOptions<S>) {
    if (typeof options.esm !== 'string' || options.esm.trim() === '') throw new TypeError('Cannot make a widget: esm must be the text of an ES module with a default export { render }, and is empty.')
    const taken = Object.keys(options.state).find((name) => OWN.includes(name))
    if (taken !== undefined) throw new TypeError(`Cannot make a widget: "${taken}" is a name of anywidget's own. Name that part of the state differently.`)
    this.#options = options
    this.#state = { ...options.state }
  }

  get<K extends keyof S>(name: K): S[K] { return this.#state[name] }

  /** Changes values on both sides; listeners hear of those that differ. */
  set(values: Partial<S>): void {
    const changed = this.#take(values as State)
    if (changed.length > 0) this.#send('update', Object.fromEntries(changed.map(({ name }) => [name, this.#state[name]])))
    this.#tell(changed)
  }

  /** Called with the new and the former value, whichever side changed it. Returns how to stop that. */
  on<K extends keyof S>(name: K, listener: (value: S[K], before: S[K]) => unknown): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener as never))
    return () => { listeners.delete(listener as never) }
  }

  /** A message to the browser's `model.on('msg:custom', (content, buffers) => …)`. */
  send(content: unknown, buffers: Binary[] = []): void { this.#comm?.send({ method: 'custom', content }, { buffers }) }

  /** Messages of the browser's `model.send(content, undefined, buffers)`. Returns how to stop that. */
  onMessage(listener: (content: unknown, buffers: Uint8Array[]) => unknown): () => void {
    this.#heard.add(listener)
    return () => { this.#heard.delete(listener) }
  }

  /** The browser's copies lose their model. */
  close(): void {
    this.#comm?.close()
    this.#comm = undefined
  }

  [displaySymbol](): MimeBundle {
    const comm = this.#open()
    const text = `Widget with ${Object.keys(this.#state).join(', ') || 'no state'}`
    if (!comm) return { 'text/plain': `${text}; this front end cannot show it` }
    return { 'application/vnd.jupyter.widget-view+json': { version_major: 2, version_minor: 0, model_id: comm.id }, 'text/plain': text }
  }

  #open(): Comm | undefined {
    const kernel = session() as unknown as CommSession | undefined
    if (this.#comm || typeof kernel?.comm !== 'function') return this.#comm
    const { state, paths, buffers } = withoutBuffers(this.#whole())
    const comm = this.#comm = kernel.comm('jupyter.widget', { state, buffer_paths: paths }, { metadata: { version: '2.1.0' }, buffers })
    comm.onMessage((data, sent) => this.#hear(data as Heard, sent))
    comm.onClose(() => { this.#comm = undefined })
    return comm
  }

  #whole(): State {
    const module = (kind: string, name: string) => ({ [`_${kind}_module`]: 'anywidget', [`_${kind}_module_version`]: '*', [`_${kind}_name`]: name })
    return { ...module('model', 'AnyModel'), ...module('view', 'AnyView'), _esm: this.#options.esm, _css: this.#options.css ?? '', _anywidget_id: 'afinar.widget', _dom_classes: [], layout: null, tabbable: null, tooltip: null, ...this.#state }
  }

  #send(method: string, values: State): void {
    const { state, paths, buffers } = withoutBuffers(values)
    this.#comm?.send({ method, state, buffer_paths: paths }, { buffers })
  }

  #hear({ method, state = {}, buffer_paths: paths = [], content }: Heard, buffers: Uint8Array[]): unknown {
    if (method === 'request_state') return this.#send('update', this.#whole())
    if (method === 'custom') return Promise.all([...this.#heard].map((listener) => listener(content, buffers)))
    if (method !== 'update') return undefined
    const known = Object.entries(withBuffers(state, paths, buffers)).filter(([name]) => name in this.#state)
    return this.#tell(this.#take(Object.fromEntries(known)))
  }

  #take(values: State): Change<S>[] {
    const changed: Change<S>[] = []
    for (const [name, value] of Object.entries(values) as [keyof S, never][]) {
      const before = this.#state[name]
      if (Object.is(before, value)) continue
      this.#state[name] = value
      changed.push({ name, before })
    }
    return changed
  }

  #tell(changed: Change<S>[]): Promise<unknown[]> {
    return Promise.all(changed.flatMap(({ name, before }) => [...this.#listeners.get(name) ?? []].map((listener) => listener(this.#state[name] as never, before as never))))
  }
}

interface Change<S> { name: keyof S; before: unknown }
interface Heard { method?: string; state?: State; buffer_paths?: (string | number)[][]; content?: unknown }

/** {@link Widget}, without `new`. */
export const widget = <S extends State>(options: WidgetOptions<S>): Widget<S> => new Widget(options)

/** Takes binary values out of a state; their places become holes (in objects) or null (in lists). */
function withoutBuffers(state: State): { state: State; paths: (string | number)[][]; buffers: Binary[] } {
  const paths: (string | number)[][] = [], buffers: Binary[] = []
  const strip = (value: unknown, path: (string | number)[]): unknown => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      paths.push(path)
      buffers.push(value)
      return undefined
    }
    if (Array.isArray(value)) return value.map((item, i) => strip(item, [...path, i]) ?? null)
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, strip(item, [...path, name])]).filter(([, item]) => item !== undefined))
  }
  return { state: strip(state, []) as State, paths, buffers }
}

function withBuffers(state: State, paths: (string | number)[][], buffers: Uint8Array[]): State {
  for (const [i, path] of paths.entries()) {
    let holder: Record<string | number, unknown> | undefined = state
    for (const step of path.slice(0, -1)) holder = holder?.[step] as typeof holder
    const last = path.at(-1)
    if (holder && last !== undefined && buffers[i]) holder[last] = buffers[i]
  }
  return state
}
