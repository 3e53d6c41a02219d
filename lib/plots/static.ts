// A Plotly figure as an SVG picture: plotly.js itself, in jsdom, loaded when the first picture is asked for (0.8 s).
// The shims that jsdom needs are in page.ts, the tidying of the SVG in compact.ts.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { DOMWindow } from 'jsdom'
import { compactSVG } from './compact.js'
import { emptyPage } from './page.js'

interface PlotlyLibrary {
  newPlot(at: unknown, data: unknown, layout: unknown, config: unknown): Promise<unknown>
  toImage(at: unknown, options: { format: 'svg'; width: number; height: number }): Promise<string>
  purge(at: unknown): void
}

/** What Plotly draws as SVG by itself. The rest wants WebGL (in jsdom it never comes back) or maps from the network. */
const drawable = new Set(['scatter', 'bar', 'box', 'candlestick', 'ohlc', 'contour', 'heatmap', 'image', 'histogram', 'histogram2d', 'histogram2dcontour', 'carpet', 'scattercarpet', 'contourcarpet', 'scatterpolar', 'barpolar', 'scatterternary', 'scattersmith', 'pie', 'funnel', 'funnelarea', 'waterfall', 'treemap', 'sunburst', 'icicle', 'sankey', 'parcats', 'table', 'indicator'])
/** Drawn as their twin without WebGL. */
const twins: Record<string, string> = { scattergl: 'scatter', scatterpolargl: 'scatterpolar' }

let loading: Promise<{ window: DOMWindow; plotly: PlotlyLibrary }> | undefined
let queue: Promise<unknown> = Promise.resolve()

async function load(): Promise<{ window: DOMWindow; plotly: PlotlyLibrary }> {
  const window = await emptyPage()
  const require = createRequire(import.meta.url)
  window.eval(readFileSync(require.resolve('plotly.js/dist/plotly.min.js'), 'utf8'))
  return { window, plotly: (window as unknown as { Plotly: PlotlyLibrary }).Plotly }
}

/**
 * Draws a Plotly figure as SVG text: small, without scripts or style sheets, every colour an attribute (GitHub and older
 * nbconvert drop `style` and paint black what is left). Figures are drawn one after the other.
 *
 * @param figure any Plotly figure of the SVG kind (no maps, nothing in three dimensions); size from `layout.width` × `layout.height` pixels, default 760 × 380
 * @param description becomes the picture's title for screen readers
 * @throws when a trace is of a kind that has no SVG, or Plotly refuses the figure
 * @example const svg = await staticSVG({ data: [{ y: [3, 1, 2] }], layout: {} })
 */
export function staticSVG(figure: { data: unknown[]; layout: Record<string, unknown> }, description?: string): Promise<string> {
  const kinds = figure.data.map((trace) => kindOf(trace)), stranger = kinds.find((kind) => !drawable.has(twins[kind] ?? kind))
  if (stranger !== undefined) return Promise.reject(new Error(`Cannot draw the figure as SVG: a trace is of the kind ${JSON.stringify(stranger)}, and of these none can be drawn without a browser. Kinds that can: ${[...drawable].join(', ')}.`))
  const drawing = queue.then(() => draw(figure, description))
  queue = drawing.catch(() => {})
  return drawing
}

const kindOf = (trace: unknown): string => String((trace as { type?: unknown } | null)?.type ?? 'scatter')

async function draw(figure: { data: unknown[]; layout: Record<string, unknown> }, description?: string): Promise<string> {
  const { window, plotly } = await (loading ??= load())
  const width = typeof figure.layout.width === 'number' ? figure.layout.width : 760
  const height = typeof figure.layout.height === 'number' ? figure.layout.height : 380
  const place = window.document.createElement('div')
  window.document.body.append(place)
  try {
    // through JSON: Plotly writes into what it is given, and jsdom's realm has its own arrays
    const own = window.JSON.parse(JSON.stringify({ data: figure.data.map((trace) => ({ ...trace as object, type: twins[kindOf(trace)] ?? kindOf(trace) })), layout: { ...figure.layout, width, height } }, typedAsArrays)) as { data: unknown; layout: unknown }
    await plotly.newPlot(place, own.data, own.layout, { staticPlot: true })
    const url = await plotly.toImage(place, { format: 'svg', width, height })
    return compactSVG(decodeURIComponent(url.slice(url.indexOf(',') + 1)), description)
  } catch (error) {
    throw new Error(`Cannot draw the figure as SVG: ${error instanceof Error ? error.message : String(error)}. Check its data and layout against Plotly's reference.`, { cause: error })
  } finally {
    plotly.purge(place)
    place.remove()
  }
}

const typedAsArrays = (_: string, value: unknown): unknown => ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as unknown as ArrayLike<number>) : value
