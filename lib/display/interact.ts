// Controls that call a function again: a slider, a choice, a box, a text, and below them what the function returns.
import { displaySymbol, type Displayable, type MimeBundle } from './bundle.js'
import { display } from './display.js'
import { liveDisplay } from './live.js'
import { Widget } from './widget.js'

/**
 * A number from `[from, to]` or `[from, to, step]` (a slider; its start is the middle), one of several texts (a choice), a boolean
 * (a box), a text (a field), or `{ from, to, step, value }`.
 */
export type Control = readonly [number, number] | readonly [number, number, number] | readonly string[] | boolean | string | { from: number; to: number; step?: number; value?: number }

/** The value that a control gives to the function. */
export type Value<C> = C extends boolean ? boolean : C extends string ? string : C extends readonly string[] ? C[number] : number

interface Field { name: string; kind: 'slider' | 'choice' | 'box' | 'field'; from?: number; to?: number; step?: number; choices?: readonly string[] }

export interface Interaction<C> extends Displayable {
  /** The present values. */
  readonly values: { [K in keyof C]: Value<C[K]> }
  /** Moves controls, as the hand would. */
  set(values: Partial<{ [K in keyof C]: Value<C[K]> }>): void
}

/**
 * Shows controls; whenever one is moved, calls `work` with all values and shows what it returns in place of the former. While `work`
 * runs, moves are collected and it is called once more with the last ones. What it throws is shown, and the controls stay.
 *
 * @throws TypeError where a control makes no sense
 * @example
 * interact(({ rate, name }) => html(`<b>${name}</b> at ${rate}`), { rate: [0, 1, 0.1], name: ['sgd', 'adamw'] })
 */
export function interact<const C extends Record<string, Control>>(work: (values: { [K in keyof C]: Value<C[K]> }) => unknown, controls: C): Interaction<C> {
  const fields = Object.entries(controls).map(([name, control]) => fieldOf(name, control))
  if (fields.length === 0) throw new TypeError('Cannot interact: there is no control. Give at least one, such as { rate: [0, 1] }.')
  const model = new Widget<Record<string, unknown>>({ esm: CONTROLS, css: STYLE, state: { ...Object.fromEntries(fields.map((field, i) => [field.name, startOf(field, Object.values(controls)[i]!)])), [FIELDS]: fields } })
  const output = liveDisplay({ interval: 0, share: 1 })
  let running = false, again = false
  const values = () => Object.fromEntries(fields.map(({ name }) => [name, model.get(name)])) as { [K in keyof C]: Value<C[K]> }
  const run = async (): Promise<void> => {
    again = running
    if (running) return
    running = true
    do {
      again = false
      const shown = await Promise.resolve(values()).then(work).catch((error: unknown) => ({ 'text/plain': `${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}` }))
      await output.close(shown ?? { 'text/plain': '' })
    } while (again as boolean)
    running = false
  }
  for (const { name } of fields) model.on(name, run)
  return {
    get values() { return values() },
    set: (changed) => model.set(changed),
    async [displaySymbol](): Promise<MimeBundle> {
      await display(model)
      await run()
      return {}
    },
  }
}

/** Where the model keeps what the controls are. */
const FIELDS = '_fields'

function fieldOf(name: string, control: Control): Field {
  const refuse = (rule: string): never => { throw new TypeError(`Cannot make a control for "${name}": ${rule}, got ${JSON.stringify(control)}.`) }
  if (name === FIELDS) refuse('this name is taken')
  if (typeof control === 'boolean') return { name, kind: 'box' }
  if (typeof control === 'string') return { name, kind: 'field' }
  if (Array.isArray(control) && control.length > 0 && control.every((item) => typeof item === 'string')) return { name, kind: 'choice', choices: control as readonly string[] }
  if (typeof control !== 'object' || control === null) return refuse('it must be [from, to], [from, to, step], a list of texts, a boolean or a text')
  const { from, to, step = (to - from) / 100 } = Array.isArray(control) ? { from: control[0] as number, to: control[1] as number, step: control[2] as number | undefined } : control as { from: number; to: number; step?: number }
  if (![from, to, step].every(Number.isFinite)) refuse('it must be [from, to], [from, to, step], a list of texts, a boolean or a text')
  if (!(from < to) || !(step > 0)) refuse('from must be below to, and step above 0')
  return { name, kind: 'slider', from, to, step }
}

function startOf({ kind, from = 0, to = 0, step = 1, choices = [] }: Field, control: Control): unknown {
  if (kind === 'choice') return choices[0]
  if (kind !== 'slider') return control
  const { value } = control as { value?: number }
  return value === undefined ? from + Math.round((to - from) / 2 / step) * step : Math.min(to, Math.max(from, value))
}

const STYLE = '.afinar-controls { display: grid; grid-template-columns: max-content minmax(10em, 24em) max-content; gap: 4px 12px; align-items: center; font-family: var(--jp-ui-font-family, sans-serif) }'

/** The browser's side: plain elements, one row a control. */
const CONTROLS = `
function render({ model, el }) {
  const box = document.createElement('div')
  box.className = 'afinar-controls'
  for (const { name, kind, from, to, step, choices } of model.get('${FIELDS}')) {
    const label = document.createElement('label'), input = document.createElement(kind === 'choice' ? 'select' : 'input'), shown = document.createElement('output')
    label.textContent = name
    label.htmlFor = input.id = 'afinar-' + Math.random().toString(36).slice(2)
    input.name = name
    input.dataset.lmSuppressShortcuts = 'true' // keys are the control's, not the notebook's
    if (kind === 'slider') Object.assign(input, { type: 'range', min: from, max: to, step })
    if (kind === 'box') input.type = 'checkbox'
    if (kind === 'choice') input.append(...choices.map((choice) => new Option(choice)))
    const draw = () => {
      const value = model.get(name)
      if (kind === 'box') input.checked = value
      else input.value = value
      if (kind === 'slider') shown.textContent = String(+Number(value).toPrecision(6))
    }
    input.addEventListener(kind === 'field' ? 'change' : 'input', () => {
      model.set(name, kind === 'box' ? input.checked : kind === 'slider' ? Number(input.value) : input.value)
      model.save_changes()
    })
    model.on('change:' + name, draw)
    draw()
    box.append(label, input, shown)
  }
  el.append(box)
}
export default { render }
`
