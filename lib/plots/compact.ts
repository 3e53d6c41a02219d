// Makes Plotly's SVG small and sturdy: styles become attributes, what a still picture doesn't need goes, numbers are rounded.

/** Presentation attributes worth keeping, with the value that they have anyway. */
const properties: Record<string, string | undefined> = {
  'fill': '', 'fill-opacity': '1', 'stroke': 'none', 'stroke-opacity': '1', 'stroke-width': '', 'stroke-dasharray': '', 'stroke-miterlimit': '', 'opacity': '1',
  'font-family': '', 'font-size': '', 'font-weight': '400', 'font-style': 'normal', 'text-anchor': 'start', 'dominant-baseline': '', 'mask': '', 'image-rendering': '',
}
const dropped = /^(class|style|data-.*|pointer-events|cursor|xml:space|aria-.*|role|main|.*:xlink|shape-rendering|vector-effect|visibility|text-decoration.*|font-variant|text-transform|white-space)$/

const isDrawing = /^(path|rect|circle|line|text|tspan|image|use|polygon|polyline)$/

interface Element { name: string; attributes: Map<string, string>; children: (Element | string)[] }

/**
 * @param svg what Plotly.toImage gives
 * @param description goes into `<title>`, for screen readers
 */
export function compactSVG(svg: string, description?: string): string {
  const root = parse(svg)
  tidy(root)
  root.children = root.children.flatMap(unwrapped)
  nameClips(root)
  const width = root.attributes.get('width'), height = root.attributes.get('height')
  // scales down on a narrow page, never up
  const open = `<svg xmlns="http://www.w3.org/2000/svg"${/xlink:href/.test(svg) ? ' xmlns:xlink="http://www.w3.org/1999/xlink"' : ''} width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${commonFont(svg)}" role="img">`
  const title = description ? `<title>${escape(description)}</title>` : ''
  return `${open}${title}${root.children.map(write).join('')}</svg>`
}

function parse(svg: string): Element {
  const root: Element = { name: '', attributes: new Map(), children: [] }
  const open = [root]
  for (const [, comment, close, name, attributes = '', empty, text] of svg.matchAll(/(<!--.*?-->|<\?.*?\?>)|<\/([\w:]+)>|<([\w:]+)((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>|([^<]+)/gs)) {
    if (comment) continue
    if (close) { open.pop(); continue }
    const parent = open.at(-1)!
    if (text !== undefined) { parent.children.push(text); continue }
    const element: Element = { name: name!, attributes: new Map([...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!])), children: [] }
    parent.children.push(element)
    if (!empty) open.push(element)
  }
  return root.children.find((child): child is Element => typeof child !== 'string' && child.name === 'svg') ?? root
}

/** Cleans an element; false when nothing of it can be seen. */
function tidy(element: Element): boolean {
  styleToAttributes(element)
  const { attributes, name } = element
  for (const [key, value] of attributes) {
    if (dropped.test(key) || properties[key] === value || (key === 'transform' && value === 'translate(0,0)')) attributes.delete(key)
    else if (key === 'clip-path') attributes.set(key, value.replace(/url\(.*#/, 'url(#').replace(/['"]|&quot;/g, ''))
    else if (/^(d|x|y|x1|x2|y1|y2|cx|cy|r|width|height|transform|points|dx|dy)$/.test(key)) attributes.set(key, rounded(value))
  }
  if (name === 'rect' && attributes.get('fill-opacity') === '0' && !visibleStroke(attributes)) return false
  if (name === 'path' && attributes.get('fill-opacity') === '0' && attributes.get('stroke-opacity') === '0') return false
  if ((name === 'text' && !element.children.length) || (name === 'path' && !attributes.get('d'))) return false
  element.children = element.children.filter((child) => typeof child === 'string' ? child.trim() !== '' || name === 'text' || name === 'tspan' : tidy(child))
  if (name === 'g') share(element)
  if (name === 'g' || name === 'defs') return element.children.length > 0
  return name === 'svg' || name === 'clipPath' || name === 'pattern' || name === 'linearGradient' || name === 'stop' || isDrawing.test(name)
}

const shareable = ['fill', 'fill-opacity', 'stroke', 'stroke-opacity', 'stroke-width', 'stroke-dasharray', 'stroke-miterlimit', 'font-size', 'font-weight', 'text-anchor']

/** What all children say alike, their group says once. */
function share({ attributes, children }: Element): void {
  const elements = children.filter((child): child is Element => typeof child !== 'string')
  if (elements.length < 2) return
  for (const key of shareable) {
    const value = elements[0]!.attributes.get(key)
    if (value === undefined || attributes.has(key) || !elements.every((element) => element.attributes.get(key) === value)) continue
    attributes.set(key, value)
    for (const element of elements) element.attributes.delete(key)
  }
}

/** Groups that say nothing dissolve. */
function unwrapped(node: Element | string): (Element | string)[] {
  if (typeof node === 'string') return [node]
  node.children = node.children.flatMap(unwrapped)
  if (node.name !== 'g') return [node]
  if (node.attributes.size === 0) return node.children
  const [only] = node.children
  const alone = node.children.length === 1 && typeof only === 'object' && [...node.attributes.keys()].every((key) => shareable.includes(key) && !only.attributes.has(key))
  if (!alone) return [node]
  for (const [key, value] of node.attributes) only.attributes.set(key, value)
  return [only]
}

/** Clips get names that depend on the picture alone: the same figure gives the same SVG, and two in one page don't mix. */
function nameClips(root: Element): void {
  const text = write(root)
  let sum = 0
  const names = new Map<string, string>()
  const visit = (element: Element, act: (element: Element) => void): void => {
    act(element)
    for (const child of element.children) if (typeof child !== 'string') visit(child, act)
  }
  const used = new Set([...text.matchAll(/url\(#([^)]+)\)|xlink:href="#([^"]+)"/g)].map(([, a, b]) => (a ?? b)!))
  for (const character of text.replaceAll(/\b(clip|defs-|topdefs-|topclip)[\w-]+/g, '')) sum = (Math.imul(sum, 31) + character.codePointAt(0)!) | 0
  visit(root, ({ attributes }) => {
    const id = attributes.get('id')
    if (id === undefined) return
    if (!used.has(id)) { attributes.delete('id'); return }
    names.set(id, `c${(sum >>> 0).toString(36)}-${names.size}`)
    attributes.set('id', names.get(id)!)
  })
  visit(root, (element) => {
    for (const [key, value] of element.attributes) {
      const id = value.match(/^url\(#(.+)\)$/)?.[1]
      if (id !== undefined && names.has(id)) element.attributes.set(key, `url(#${names.get(id)})`)
    }
    if (element.name === 'defs' || element.name === 'g') element.children = element.children.filter((child) => typeof child === 'string' || child.name !== 'clipPath' || child.attributes.has('id'))
  })
  root.children = root.children.filter((child) => typeof child === 'string' || child.name !== 'defs' || child.children.length > 0)
}

const visibleStroke = (attributes: Map<string, string>) => attributes.has('stroke') && attributes.get('stroke-opacity') !== '0' && attributes.get('stroke-width') !== '0'

function styleToAttributes({ attributes }: Element): void {
  const style = (attributes.get('style') ?? '').replaceAll('&quot;', '\'').replaceAll('&amp;', '&')
  for (const declaration of style.split(';')) {
    const at = declaration.indexOf(':')
    const key = declaration.slice(0, at).trim(), value = declaration.slice(at + 1).trim()
    if (at < 0 || !(key in properties) || value === '') continue
    if (key === 'font-family') continue // stands on the root
    attributes.set(key, key === 'font-size' || key === 'stroke-width' || key === 'stroke-dasharray' ? value.replaceAll('px', '') : value)
  }
  if (/display:\s*none|visibility:\s*hidden/.test(style)) attributes.set('opacity', '0')
  attributes.delete('font-family')
  for (const key of ['fill', 'stroke']) {
    const colour = attributes.get(key)?.match(/^rgba?\((\d+), ?(\d+), ?(\d+)(?:, ?([\d.]+))?\)$/)
    if (!colour) continue
    attributes.set(key, '#' + colour.slice(1, 4).map((channel) => Number(channel).toString(16).padStart(2, '0')).join(''))
    if (colour[4] !== undefined && colour[4] !== '1') attributes.set(`${key}-opacity`, String(Number(colour[4]) * Number(attributes.get(`${key}-opacity`) ?? 1)))
  }
}

const rounded = (text: string) => text.replace(/-?\d*\.\d{3,}(?!\d*e)/g, (number) => String(Math.round(Number(number) * 100) / 100))

function commonFont(svg: string): string {
  const [, font = 'sans-serif'] = svg.match(/font-family:\s*([^;]+);/) ?? []
  return font.replace(/&quot;|"/g, '\'').trim()
}

function write(node: Element | string): string {
  if (typeof node === 'string') return node
  const attributes = [...node.attributes].map(([key, value]) => ` ${key}="${value}"`).join('')
  const inside = node.children.map(write).join('')
  return inside ? `<${node.name}${attributes}>${inside}</${node.name}>` : `<${node.name}${attributes}/>`
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
