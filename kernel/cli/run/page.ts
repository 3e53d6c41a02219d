// A notebook as one HTML page that needs nothing else: Markdown rendered, plots interactive without a network.
// Not here: the parts that plots are made of, which are Plotly's own, embedded once.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { Marked } from 'marked'
import { ansiToHtml, escapeHtml } from './ansi.js'
import { textOf, type Cell, type MimeData, type Notebook, type Output } from './notebook.js'
import { PAGE_STYLE } from './page-style.js'

const PLOTLY = 'application/vnd.plotly.v1+json'

/** The page's text. */
export async function notebookPage(notebook: Notebook, o: { title: string }): Promise<string> {
  const body = (await Promise.all(notebook.cells.map(renderCell))).join('\n')
  const hasPlots = notebook.cells.some(cell => cell.outputs?.some(output => 'data' in output && output.data[PLOTLY] !== undefined))
  const heading = notebook.cells.map(cell => cell.cell_type === 'markdown' ? /^#\s+(.+)$/m.exec(textOf(cell.source))?.[1] : undefined).find(each => each !== undefined)
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(heading ?? basename(o.title, '.ipynb'))}</title>
<style>${PAGE_STYLE}</style>${hasPlots ? `\n<script>${plotly()}</script>` : ''}
</head><body><main>
${body}
</main></body></html>
`
}

function plotly(): string {
  const file = createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js')
  return readFileSync(file, 'utf8').replace(/<\/(script)/gi, '<\\/$1')
}

async function renderCell(cell: Cell): Promise<string> {
  const source = textOf(cell.source)
  if (cell.cell_type === 'markdown') return `<section class="text">${await markdown(source, cell.attachments)}</section>`
  if (cell.cell_type === 'raw') return `<section class="text"><pre>${escapeHtml(source)}</pre></section>`
  const hidden = (cell.metadata.jupyter as { source_hidden?: boolean } | undefined)?.source_hidden === true
  const outputs = await Promise.all((cell.outputs ?? []).map(renderOutput))
  const input = hidden || source === '' ? '' : `<div class="input"><span class="count">${cell.execution_count == null ? '' : `[${cell.execution_count}]`}</span><pre><code>${escapeHtml(source)}</code></pre></div>`
  return `<section class="code">${input}${outputs.map(output => `<div class="output">${output}</div>`).join('')}</section>`
}

async function renderOutput(output: Output): Promise<string> {
  if (output.output_type === 'stream') return `<pre class="${output.name}">${ansiToHtml(textOf(output.text))}</pre>`
  if (output.output_type === 'error') return `<pre class="error">${ansiToHtml(output.traceback.join('\n') || `${output.ename}: ${output.evalue}`)}</pre>`
  return renderBundle(output.data)
}

/** The richest form that a page can show by itself. */
async function renderBundle(data: MimeData): Promise<string> {
  const text = (type: string): string | undefined => {
    const value = data[type]
    return typeof value === 'string' || Array.isArray(value) ? textOf(value as string | string[]) : undefined
  }
  if (data[PLOTLY] !== undefined) return plot(data[PLOTLY])
  const html = text('text/html')
  if (html !== undefined) return html
  const svg = text('image/svg+xml')
  if (svg !== undefined) return svg.replace(/^[^]*?(?=<svg)/, '')
  for (const type of ['image/png', 'image/jpeg', 'image/gif', 'image/webp']) {
    const image = text(type)
    if (image !== undefined) return `<img src="data:${type};base64,${image.replace(/\s/g, '')}" alt="">`
  }
  const prose = text('text/markdown')
  if (prose !== undefined) return markdown(prose)
  const code = text('application/javascript')
  const plain = text('text/plain') ?? text('text/latex')
  if (plain === undefined && code === undefined && data['application/json'] !== undefined) return `<pre>${escapeHtml(JSON.stringify(data['application/json'], null, 2))}</pre>`
  return `<pre>${ansiToHtml(plain ?? '')}</pre>`
}

function plot(figure: unknown): string {
  const { data, layout, config } = figure as { data?: unknown; layout?: { height?: number }; config?: object }
  const height = typeof layout?.height === 'number' ? layout.height : 450
  return `<div class="plot" style="height:${height}px"></div><script>(() => { const figure = ${inScript({ data: data ?? [], layout: layout ?? {}, config: { responsive: true, displaylogo: false, ...config } })}
Plotly.newPlot(document.currentScript.previousElementSibling, figure.data, figure.layout, figure.config) })()</script>`
}

function inScript(value: unknown): string {
  return JSON.stringify(value).replace(/</g, '\\u003c').replace(/\u2028/g, '\\u2028').replace(/\u2029/g, '\\u2029')
}

async function markdown(source: string, attachments: Cell['attachments'] = {}): Promise<string> {
  const withImages = source.replace(/attachment:([^\s)"']+)/g, (whole, name: string) => {
    const [type, content] = Object.entries(attachments[decodeURIComponent(name)] ?? {})[0] ?? []
    return type === undefined ? whole : `data:${type};base64,${content}`
  })
  return new Marked({ gfm: true }).parse(withImages)
}
