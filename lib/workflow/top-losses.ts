// The rows that a model is most wrong about, drawn: where a reader learns what it cannot do, and which labels are wrong.
import { displaySymbol } from '../display/index.js'
import { imageGrid } from '../plots/index.js'
import type { Example } from './examples.js'

export interface TopLoss extends Example {
  /** Number of the row in its split. */
  row: number
  loss: number
  truth: string
  label: string
  confidence: number
}

export class TopLosses {
  /** @internal */
  constructor(readonly split: string, readonly rows: readonly TopLoss[]) {}

  toString(): string {
    return [`Highest losses of "${this.split}"`, ...this.rows.map(({ row, loss, truth, label, confidence, text }) => `row ${String(row).padStart(5)}  loss ${loss.toFixed(2)}  ${truth} taken for ${label} (${confidence.toFixed(2)})${text === undefined ? '' : `  ${text}`}`)].join('\n')
  }

  [displaySymbol](): Record<string, unknown> {
    const title = `Highest losses of “${this.split}”: truth → prediction, confidence`
    const caption = ({ row, loss, truth, label, confidence }: TopLoss) => `${truth} → ${label}, ${confidence.toFixed(2)} · loss ${loss.toFixed(2)} · row ${row}`
    if (this.rows.every(({ picture }) => picture !== undefined)) return { 'text/html': imageGrid(this.rows.map((one) => ({ image: one.picture!, caption: caption(one), right: one.truth === one.label })), { title }).html, 'text/plain': String(this) }
    const lines = this.rows.map((one) => `<tr><td style="text-align:left;white-space:nowrap">${escape(caption(one))}</td><td style="text-align:left">${escape(one.text ?? '')}</td></tr>`).join('')
    return { 'text/html': `<div style="font-weight:600">${escape(title)}</div><table>${lines}</table>`, 'text/plain': String(this) }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string { return String(this) }
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
