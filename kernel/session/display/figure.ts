// Plotly figures and Vega specifications, recognised by their shape.
import type { MimeBundle } from '../messages.js'
import { Array, Object } from '../intrinsics.js'

interface Figure { data: { type?: unknown }[]; layout: object; config?: object; frames?: unknown[] }

export function figure(value: object): MimeBundle | undefined {
  if (isPlotly(value)) {
    const { data, layout, config, frames } = value
    const kinds = [...new Set(data.map(trace => typeof trace.type === 'string' ? trace.type : 'scatter'))]
    return {
      'application/vnd.plotly.v1+json': { data, layout, ...(config ? { config } : {}), ...(frames ? { frames } : {}) },
      'text/plain': `Plotly figure: ${data.length} ${data.length === 1 ? 'trace' : 'traces'} (${kinds.join(', ')})`,
    }
  }
  const schema = (value as { $schema?: unknown }).$schema
  const vega = typeof schema === 'string' ? /\/schema\/(vega(?:-lite)?)\/v(\d+)/.exec(schema) : null
  if (!vega) return undefined
  const kind = vega[1] === 'vega' ? 'vega' : 'vegalite'
  return { [`application/vnd.${kind}.v${vega[2]}+json`]: value, 'text/plain': `${vega[1]} figure` }
}

/** `{ data: [trace, …], layout: {…} }` and nothing that a figure would not have. */
function isPlotly(value: object): value is Figure {
  const { data, layout } = value as Partial<Figure>
  return Array.isArray(data) && typeof layout === 'object' && layout !== null && !Array.isArray(layout)
    && data.every(trace => typeof trace === 'object' && trace !== null)
    && Object.keys(value).every(key => key === 'data' || key === 'layout' || key === 'config' || key === 'frames')
}
