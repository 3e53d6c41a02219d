/** @jest-environment ./tests/plots/environment.mjs */
// A user's own Plotly data, as a notebook gets it.
import { expect, jest, test } from '@jest/globals'
import '../plots/picture.js'
import { inspect } from 'node:util'
import { bundleOf } from '../../lib/display/index.js'
import { plots } from '../../lib/index.js'
import { figure } from '../../lib/workflow/index.js'

jest.setTimeout(120_000)
const plotly = 'application/vnd.plotly.v1+json', svg = 'image/svg+xml'

test('brings the interactive figure, a picture with its marks, and text', async () => {
  const data = [{ type: 'bar', x: ['apples', 'pears'], y: new Float32Array([2, 3]) }], bundle = await bundleOf(figure({ data, layout: { title: { text: 'Counts' } } }))
  expect(bundle[plotly]).toEqual({ data, layout: { title: { text: 'Counts' } }, config: {} })
  expect(bundle[svg]).toMatch(/^<svg/)
  for (const word of ['apples', 'pears', 'Counts']) expect(bundle[svg]).toContain(word)
  expect(bundle['text/plain']).toBe('Counts: 1 trace (bar)')
})

test('draws fast scatter plots without WebGL, and plots in three dimensions not at all', async () => {
  expect((await bundleOf(figure({ data: [{ type: 'scattergl', y: [1, 2, 3], mode: 'lines' }] })))[svg]).toContain('<path')
  const deep = await bundleOf(figure({ data: [{ type: 'scatter3d', x: [1], y: [2], z: [3] }] }))
  expect(Object.keys(deep)).toEqual([plotly, 'text/plain'])
  await expect(plots.staticSVG({ data: [{ type: 'surface', z: [[1]] }], layout: {} })).rejects.toThrow('a trace is of the kind "surface"')
})

test('takes a picture that is given, leaves the library\'s own figures as they are, and prints as text', async () => {
  expect((await bundleOf(figure({ data: [{ y: [1] }] }, '<svg/>')))[svg]).toBe('<svg/>')
  const own = plots.makeFigure([{ y: [1] }], {}, 'own')
  expect(figure(own)).toBe(own)
  expect(inspect([figure({ data: [{ y: [1] }, { type: 'bar', y: [1] }] })])).toBe('[ Plotly figure: 2 traces (scatter, bar) ]')
  expect(() => figure({ data: 'bars' as never })).toThrow("data must be a list of traces such as [{ type: 'bar', y: [2, 3, 1] }]: it is 'bars'.")
})
