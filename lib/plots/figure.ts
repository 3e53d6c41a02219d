// What a figure is, and how it displays itself. Its static picture is drawn in static.ts; what it shows is decided by whoever makes it.
import { baseLayout } from './theme.js'
import { staticSVG } from './static.js'

export type PlotlyObject = Record<string, unknown>

/** A Plotly figure as plain JSON: hand it to Plotly.newPlot(div, figure), or leave it as a cell's last expression. */
export interface Figure {
  data: PlotlyObject[]
  layout: PlotlyObject
  config?: PlotlyObject
}

export type MimeBundle = Record<string, unknown>

const displaySymbol = Symbol.for('Jupyter.display')
const descriptions = new WeakMap<Figure, string>()
const config = { displaylogo: false, responsive: false, modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d'] }

/**
 * A figure in the theme; `layout` is laid over it, object by object. `description` is what stands in for the picture
 * where there is none (terminals, screen readers).
 *
 * The result is plain data; its display method isn't enumerable, so JSON.stringify and structuredClone see the figure only.
 *
 * @example makeFigure([{ type: 'bar', x: ['a', 'b'], y: [1, 2] }], { title: { text: 'Counts' } }, 'a 1, b 2')
 */
export function makeFigure(data: PlotlyObject[], layout: PlotlyObject, description: string): Figure {
  const base: PlotlyObject = { ...baseLayout }
  for (const key of Object.keys(layout)) if (/^[xy]axis\d+$/.test(key)) base[key] = baseLayout.xaxis
  const figure: Figure = { data, layout: overlay(base, layout), config }
  descriptions.set(figure, description)
  Object.defineProperty(figure, displaySymbol, { value: () => figureBundle(figure), enumerable: false })
  return figure
}

/**
 * The MIME bundle of any Plotly figure: interactive in JupyterLab and VS Code, an SVG picture for GitHub, nbconvert and
 * whoever has no Plotly, and text. There is no `text/html` in it on purpose: nbconvert and GitHub would prefer it to the
 * picture, and GitHub removes the script that would draw it.
 */
export async function figureBundle(figure: Figure, description = descriptions.get(figure) ?? titleOf(figure)): Promise<MimeBundle> {
  const { data, layout } = figure
  return {
    'application/vnd.plotly.v1+json': { data, layout, config: figure.config ?? config },
    'image/svg+xml': await staticSVG(figure, description),
    'text/plain': description,
  }
}

/** Lays `over` on `under`; objects are merged, everything else replaced. */
export function overlay(under: PlotlyObject, over: PlotlyObject): PlotlyObject {
  const result: PlotlyObject = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const below = result[key]
    result[key] = isPlain(below) && isPlain(value) ? overlay(below, value) : value
  }
  return result
}

const isPlain = (value: unknown): value is PlotlyObject => typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)

function titleOf({ layout }: Figure): string {
  const title = layout.title
  const text = typeof title === 'string' ? title : isPlain(title) && typeof title.text === 'string' ? title.text : 'untitled'
  return `Figure: ${text.replace(/<br ?\/?>/g, ' ').replace(/<[^>]+>/g, '')}`
}
