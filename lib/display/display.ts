// display(), and the small makers of things to display.
import { bundleOf, displayable, type Displayable, type MimeBundle } from './bundle.js'
import { frontEnd, type ShowOptions } from './front-end.js'

/**
 * Shows a value below the cell, as it says itself how it looks.
 *
 * @param o `id` names the output; with `update: true` the output of that name is replaced wherever it stands
 * @returns a promise that is settled once the front end has it; what is known at once is shown at once
 * @example
 * await display(html('<b>12 %</b>'), { id: 'progress' })
 * await display(html('<b>100 %</b>'), { id: 'progress', update: true })
 */
export async function display(value: unknown, o: ShowOptions = {}): Promise<void> {
  const bundle = bundleOf(value)
  await frontEnd().show(bundle instanceof Promise ? await bundle : bundle, o)
}

/** HTML to display. Scripts run in a notebook that is executed or trusted, nowhere else. */
export const html = (source: string): Displayable => displayable({ 'text/html': source, 'text/plain': plain(source) })

/** Markdown to display, formulas between $ included. */
export const markdown = (source: string): Displayable => displayable({ 'text/markdown': source, 'text/plain': source })

/** A formula in LaTeX to display, with or without its dollar signs: `latex('\\frac{1}{n}\\sum_i x_i')`. */
export const latex = (source: string): Displayable => displayable({ 'text/latex': /^\s*(\$|\\[[(]|\\begin)/.test(source) ? source : `$$${source}$$`, 'text/plain': source })

/** An SVG picture to display. */
export const svg = (source: string): Displayable => displayable({ 'image/svg+xml': source, 'text/plain': '[SVG picture]' })

function plain(source: string): string {
  return source.replace(/<(style|script)\b.*?<\/\1>/gs, '').replace(/<(br|\/p|\/div|\/tr|\/li|\/h\d)\b[^>]*>/g, '\n').replace(/<\/t[dh]>/g, '\t').replace(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&').replace(/\n{2,}/g, '\n').trim()
}
