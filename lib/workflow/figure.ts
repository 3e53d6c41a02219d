// A user's own Plotly data as a figure to display, with a static picture for whoever has no Plotly.
import { inspect } from 'node:util'
import { displaySymbol, type Displayable } from '../display/index.js'
import { figureBundle, type PlotlyObject } from '../plots/index.js'

/**
 * Any Plotly figure to display: interactive in JupyterLab and VS Code, a picture on GitHub and in an exported page. The picture is
 * drawn when the figure is shown (a second for the first one); of maps and of plots in three dimensions there is none, unless
 * `svg` gives one. What carries its own display (figures of this library, for instance) stays as it is.
 *
 * @throws TypeError when `data` is not a list of traces
 * @example figure({ data: [{ type: 'bar', y: [2, 3, 1] }], layout: { title: { text: 'Counts' } } })
 */
export function figure(plotly: { data: readonly object[]; layout?: object; config?: object }, svg?: string): Displayable {
  if (displaySymbol in plotly) return plotly as unknown as Displayable
  const { data, layout = {}, config = {} } = plotly
  if (!Array.isArray(data) || !data.every((trace) => typeof trace === 'object' && trace !== null)) throw new TypeError(`Cannot show a Plotly figure: data must be a list of traces such as [{ type: 'bar', y: [2, 3, 1] }]: it is ${inspect(data, { depth: 1, breakLength: Infinity })}.`)
  const drawn = { data: data as PlotlyObject[], layout: layout as PlotlyObject, config: config as PlotlyObject }, text = describe(drawn)
  const bundle = { 'application/vnd.plotly.v1+json': drawn, 'text/plain': text }
  const shown: Displayable = {
    [displaySymbol]: async () => svg === undefined ? figureBundle(drawn, text).catch(() => bundle) : { ...bundle, 'image/svg+xml': svg },
  }
  return Object.defineProperty(shown, inspect.custom, { value: () => text, enumerable: false })
}

function describe({ data, layout: { title } }: { data: PlotlyObject[]; layout: PlotlyObject }): string {
  const named = typeof title === 'string' ? title : (title as { text?: unknown } | undefined)?.text
  const kinds = [...new Set(data.map(({ type }) => String(type ?? 'scatter')))].join(', ')
  return `${typeof named === 'string' ? named.replace(/<[^>]+>/g, ' ') : 'Plotly figure'}: ${data.length} ${data.length === 1 ? 'trace' : 'traces'}${kinds ? ` (${kinds})` : ''}`
}
