// An audit's report: findings in order of severity, shown as a table in a notebook and as text elsewhere. What is looked for: the checks.
import { counted } from '../errors.js'
import { boxHtml, escapeHtml, tableHtml } from '../look/html.js'
import { inspectSymbol, jupyterDisplay } from '../look/symbols.js'
import type { AuditReport, Finding, FindingRow, Severity } from '../types.js'

const order: Record<Severity, number> = { error: 0, warning: 1, note: 2 }
const colour: Record<Severity, string> = { error: '#d93025', warning: '#e8930c', note: '#4c8bf5' }
const shownRows = 5

const rowText = ({ split, row, what, detail }: FindingRow) => `${split}[${row}] ${what}${detail ? ` (${detail})` : ''}`

export class Report implements AuditReport {
  readonly findings: readonly Finding[]
  readonly #sample: ((row: FindingRow) => Promise<string | undefined>) | undefined
  /** `sample` draws a row: a picture, a player, a line of text. */
  constructor(readonly name: string, readonly rows: number, findings: readonly Finding[], readonly checks: readonly Finding['check'][], sample?: (row: FindingRow) => Promise<string | undefined>) {
    this.#sample = sample
    this.findings = [...findings].sort((a, b) => order[a.severity] - order[b.severity])
  }

  get clean(): boolean { return this.findings.every(({ severity }) => severity !== 'error') }

  #headline(): string {
    const count = (severity: Severity) => this.findings.filter((finding) => finding.severity === severity).length
    return `Audit of ${this.name} (${counted(this.rows, 'row')}): ${this.findings.length === 0 ? 'nothing found' : (['error', 'warning', 'note'] as const).filter((severity) => count(severity) > 0).map((severity) => counted(count(severity), severity)).join(', ')}. Checked: ${this.checks.join(', ')}.`
  }

  toString(): string {
    return [this.#headline(), ...this.findings.flatMap(({ severity, check, text, advice, rows }) => [
      `${severity.toUpperCase()} ${check}: ${text} ${advice}`, ...rows.slice(0, shownRows).map((row) => `    ${rowText(row)}`), ...(rows.length > shownRows ? [`    … ${rows.length - shownRows} more`] : []),
    ])].join('\n')
  }

  [inspectSymbol](): string { return this.toString() }

  async [jupyterDisplay](): Promise<Record<string, unknown>> {
    const table = await Promise.all(this.findings.map(async ({ severity, check, text, advice, rows }) => [
      { html: `<span style="color:${colour[severity]};font-weight:600">${severity}</span>` }, check,
      { html: `${escapeHtml(text)}${await this.#drawn(rows)}${rows.length > 0 ? `<details><summary>${counted(rows.length, 'row')}</summary>${rows.slice(0, 50).map((row) => `<div style="white-space:pre-wrap">${escapeHtml(rowText(row))}</div>`).join('')}${rows.length > 50 ? `… ${rows.length - 50} more in <code>.findings</code>` : ''}</details>` : ''}` },
      advice,
    ]))
    return { 'text/html': boxHtml(`<div>${escapeHtml(this.#headline())}</div>${table.length > 0 ? tableHtml(['severity', 'check', 'found', 'what to do'], table) : ''}`), 'text/plain': this.toString() }
  }

  /** The first rows as they are. */
  async #drawn(rows: readonly FindingRow[]): Promise<string> {
    const drawn = await Promise.all(rows.filter(({ row }) => row >= 0).slice(0, shownRows).map(async (row) => {
      const html = await this.#sample?.(row)
      return html === undefined ? '' : `<div style="display:flex;align-items:center;gap:6px">${html}<span style="opacity:.75">${escapeHtml(row.detail ?? '')}</span></div>`
    }))
    return drawn.join('')
  }
}
