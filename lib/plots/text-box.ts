// Where the text inside an SVG element stands, computed from its attributes: jsdom lays nothing out. Shapes are not looked at.
import { textWidth } from './text-width.js'

export interface Box { left: number; top: number; right: number; bottom: number }

export const nowhere: Box = { left: 0, top: 0, right: 0, bottom: 0 }

type Point = readonly [number, number]

/** The box around all text in `element`, in its own coordinates or (`onPage`) the page's; undefined when there is none. */
export function textBox(element: Element, onPage: boolean): Box | undefined {
  const texts = /^text$/i.test(element.tagName) ? [element] : /^tspan$/i.test(element.tagName) ? [element] : [...element.querySelectorAll('text')]
  const boxes = texts.filter((text) => text.textContent).map((text) => {
    const corners = localCorners(text)
    return around(corners.map((corner) => transformed(corner, text, onPage ? null : element)))
  })
  return boxes.length ? around(boxes.flatMap(({ left, top, right, bottom }): Point[] => [[left, top], [right, bottom]])) : undefined
}

const around = (points: readonly Point[]): Box => ({
  left: Math.min(...points.map(([x]) => x)), right: Math.max(...points.map(([x]) => x)),
  top: Math.min(...points.map(([, y]) => y)), bottom: Math.max(...points.map(([, y]) => y)),
})

/** Style or attribute, the element's own or inherited. */
function inherited(element: Element, property: string): string | undefined {
  for (let at: Element | null = element; at; at = at.parentElement) {
    const value = (at as unknown as { style?: CSSStyleDeclaration }).style?.getPropertyValue(property) || at.getAttribute(property)
    if (value) return value
  }
  return undefined
}

function localCorners(text: Element): Point[] {
  const size = parseFloat(inherited(text, 'font-size') ?? '') || 12
  const weight = parseInt(inherited(text, 'font-weight') ?? '') >= 600 || inherited(text, 'font-weight') === 'bold' ? 1.06 : 1
  const spans = [...text.querySelectorAll('tspan.line')]
  const lines = spans.length ? spans.map((line) => line.textContent ?? '') : [text.textContent ?? '']
  const width = Math.max(...lines.map((line) => textWidth(line, size))) * weight
  const x = Number(text.getAttribute('x') ?? 0), y = Number(text.getAttribute('y') ?? 0)
  const anchor = inherited(text, 'text-anchor')
  const left = anchor === 'middle' ? x - width / 2 : anchor === 'end' ? x - width : x
  const top = y - size, bottom = top + size * 1.3 * lines.length
  return [[left, top], [left + width, top], [left, bottom], [left + width, bottom]]
}

function transformed(point: Point, from: Element, until: Element | null): Point {
  let [x, y] = point
  for (let at: Element | null = from; at && at !== until; at = at.parentElement) {
    const steps = [...(at.getAttribute('transform') ?? '').matchAll(/(translate|rotate|scale)\(([^)]*)\)/g)].reverse()
    for (const [, kind, inside] of steps) {
      const [a = 0, b = 0, c = 0] = (inside ?? '').split(/[\s,]+/).filter(Boolean).map(Number)
      if (kind === 'translate') { x += a; y += b }
      else if (kind === 'scale') { x *= a; y *= b || a }
      else {
        const angle = a * Math.PI / 180, dx = x - b, dy = y - c
        x = b + dx * Math.cos(angle) - dy * Math.sin(angle)
        y = c + dx * Math.sin(angle) + dy * Math.cos(angle)
      }
    }
  }
  return [x, y]
}
