// Small pieces of HTML that read well on light and dark pages: colours are the page's own, lines and bars half transparent. No scripts.

export const escapeHtml = (text: unknown): string => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

const line = '1px solid rgba(128,128,128,.35)'

/** Numbers go right; cells that are HTML already come as { html }. */
export type HtmlCell = string | number | { html: string }

const cellHtml = (cell: HtmlCell | undefined, tag: 'td' | 'th') =>
  `<${tag} style="padding:2px 10px;vertical-align:top;border:0;border-bottom:${line};text-align:${typeof cell === 'number' ? 'right' : 'left'}${tag === 'th' ? ';font-weight:600' : ''};background:transparent;color:inherit">${typeof cell === 'object' ? cell.html : typeof cell === 'number' ? cell.toLocaleString('en') : escapeHtml(cell ?? '')}</${tag}>`

export function tableHtml(header: readonly string[], rows: readonly (readonly HtmlCell[])[]): string {
  const numeric = header.map((_, c) => rows.length > 0 && rows.every((row) => typeof row[c] === 'number'))
  const head = header.map((name, c) => cellHtml({ html: escapeHtml(name) }, 'th').replace('text-align:left', `text-align:${numeric[c] ? 'right' : 'left'}`)).join('')
  return `<table style="border-collapse:collapse;border:0;font-size:13px;margin:4px 0"><thead><tr style="background:transparent">${head}</tr></thead><tbody>${rows.map((row) => `<tr style="background:transparent">${row.map((cell) => cellHtml(cell, 'td')).join('')}</tr>`).join('')}</tbody></table>`
}

/** A bar of `share` of 120 pixels. */
export const barHtml = (share: number): { html: string } =>
  ({ html: `<div style="width:120px;height:11px;margin-top:3px;background:rgba(128,128,128,.18);border-radius:2px"><div style="width:${(share * 100).toFixed(1)}%;height:11px;background:#4c8bf5;border-radius:2px"></div></div>` })

export const boxHtml = (content: string): string => `<div style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;color:inherit">${content}</div>`

/** A table as text, columns aligned. */
export function tableText(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => typeof cell === 'number' ? cell.toLocaleString('en') : cell))
  const widths = header.map((_, c) => Math.max(...cells.map((row) => (row[c] ?? '').length)))
  const numeric = header.map((_, c) => rows.every((row) => typeof row[c] === 'number'))
  return cells.map((row) => row.map((cell, c) => numeric[c] ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!)).join('  ').trimEnd()).join('\n')
}
