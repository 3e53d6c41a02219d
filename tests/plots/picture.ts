// What can be told apart in an SVG without caring for single pixels: its texts in order, its kinds of marks, its colours; and whether all of it is inside.
import { jest } from '@jest/globals'

// jsdom's CommonJS requires ES modules: Node can, jest's own require cannot (see environment.mjs)
const jsdom = (globalThis as unknown as { outerRequire(name: string): typeof import('jsdom') }).outerRequire('jsdom')
jest.unstable_mockModule('jsdom', () => jsdom)
const { JSDOM } = jsdom

export interface Picture { size: string; texts: string[]; marks: Record<string, number>; colours: string[] }

export const parseHTML = (html: string): Document => new JSDOM(html).window.document

export function parseSVG(svg: string): Document {
  return new JSDOM(svg, { contentType: 'image/svg+xml' }).window.document
}

export function pictureOf(svg: string): Picture {
  const document = parseSVG(svg)
  const elements = [...document.querySelectorAll('*')]
  const marks: Record<string, number> = {}
  for (const { tagName } of elements) if (/^(path|rect|circle|text|image)$/.test(tagName)) marks[tagName] = (marks[tagName] ?? 0) + 1
  const colours = new Set(elements.flatMap((element) => ['fill', 'stroke'].map((key) => element.getAttribute(key)).filter((value): value is string => !!value && value.startsWith('#'))))
  const root = document.documentElement
  return { size: `${root.getAttribute('width')}×${root.getAttribute('height')}`, texts: [...document.querySelectorAll('text')].map(({ textContent }) => textContent ?? ''), marks, colours: [...colours].sort() }
}
