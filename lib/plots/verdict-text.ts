// The overfitting verdict in words, alike in the live view, the figure's subtitle and the terminal.
import type { OverfittingVerdict } from '../train/events.js'
import { colours } from './theme.js'

/** "overfitting since epoch 4 (3–5)" */
export function verdictHeading({ verdict, onsetEpoch, interval }: OverfittingVerdict): string {
  if (verdict !== 'overfitting' || onsetEpoch === undefined) return verdict
  const range = interval && interval[0] !== interval[1] ? ` (${interval[0]}–${interval[1]})` : ''
  return `overfitting since epoch ${onsetEpoch}${range}`
}

/** A mark that says the same without colour. */
export const verdictMark = (kind: string): string => ({ 'good fit': '✓', 'still learning': '↗', 'too little data': '?' } as Record<string, string>)[kind] ?? '⚠'

export const verdictColour = (kind: string): string => ({ 'good fit': colours.green, 'still learning': colours.blue, 'too little data': colours.grey } as Record<string, string>)[kind] ?? colours.vermillion

/** What stands before a remedy's code: the sentence, with a colon for its full stop. */
export const remedyText = (text: string, code: string | undefined): string => code === undefined ? text : `${text.replace(/\.$/, '')}: `
