// Text as a terminal would show it, as HTML: SGR colours, carriage returns and backspaces. Escapes everything else.

const COLOURS = ['#3e424d', '#d33c3c', '#2c8a4a', '#a5780a', '#2a66c8', '#a1449e', '#20808a', '#b5b9c2']

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, character => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? '')
}

export function ansiToHtml(text: string): string {
  let style: Record<string, string> = {}
  return overwritten(text).split(/(\x1b\[[\d;]*[A-Za-z])/).map(part => {
    const codes = /^\x1b\[([\d;]*)([A-Za-z])$/.exec(part)
    if (codes !== null) {
      if (codes[2] === 'm') style = restyled(style, (codes[1] ?? '').split(';').map(Number))
      return ''
    }
    const css = Object.entries(style).map(([name, value]) => `${name}:${value}`).join(';')
    return css === '' || part === '' ? escapeHtml(part) : `<span style="${css}">${escapeHtml(part)}</span>`
  }).join('')
}

function restyled(style: Record<string, string>, codes: number[]): Record<string, string> {
  let next = { ...style }
  for (const code of codes) {
    if (code === 0) next = {}
    else if (code === 1) next['font-weight'] = 'bold'
    else if (code === 2) next.opacity = '.65'
    else if (code === 3) next['font-style'] = 'italic'
    else if (code === 4) next['text-decoration'] = 'underline'
    else if (code === 22) { delete next['font-weight']; delete next.opacity }
    else if (code === 39) delete next.color
    else if (code >= 30 && code <= 37) next.color = COLOURS[code - 30] ?? ''
    else if (code >= 90 && code <= 97) next.color = COLOURS[code - 90] ?? ''
  }
  return next
}

/** What a line shows after its carriage returns: the last version of a progress bar. */
function overwritten(text: string): string {
  return text.replace(/\r\n/g, '\n').split('\n').map(line => line.split('\r').filter(part => part !== '').at(-1) ?? '').join('\n')
}
