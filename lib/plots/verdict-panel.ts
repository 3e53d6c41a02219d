// The overfitting verdict as a reader sees it: what it says, on what evidence, and what to do, with the code that does it.
import type { OverfittingVerdict } from '../train/events.js'
import type { MimeBundle } from './figure.js'
import { escapeHTML } from './format.js'
import { remedyText, verdictColour, verdictHeading, verdictMark } from './verdict-text.js'

/** @param most remedies, the best first */
export function verdictHTML(judged: OverfittingVerdict, most = Infinity): string {
  const remedies = judged.remedies.slice(0, most).map(({ text, code }) => `<li>${escapeHTML(remedyText(text, code))}${code ? `<code>${escapeHTML(code)}</code>` : ''}</li>`).join('')
  return `<div style="margin:6px 0;padding:4px 10px;border-left:3px solid ${verdictColour(judged.verdict)}"><b>${verdictMark(judged.verdict)} ${escapeHTML(verdictHeading(judged))}</b>: ${escapeHTML(judged.evidence)}`
    + `${remedies ? `<ul style="margin:2px 0 0;padding-left:20px">${remedies}</ul>` : ''}</div>`
}

export function verdictLines(judged: OverfittingVerdict, most = Infinity): string[] {
  return [`${verdictMark(judged.verdict)} ${verdictHeading(judged)}: ${judged.evidence}`, ...judged.remedies.slice(0, most).map(({ text, code }) => `  • ${remedyText(text, code)}${code ?? ''}`)]
}

/**
 * A verdict in words, with all its remedies. Its curves are `trainingCurves` of the run's events.
 * @example display(plots.verdictPanel(result.overfitting))
 */
export const verdictPanel = (judged: OverfittingVerdict): MimeBundle => ({
  'text/html': `<div style="font-size:13px;line-height:1.5;max-width:760px">${verdictHTML(judged)}</div>`, 'text/plain': verdictLines(judged).join('\n'),
})
