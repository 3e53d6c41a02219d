// The verdict of a run as a cell's last expression: the words with all remedies, then the curves with the onset marked.
import { inspect } from 'node:util'
import { display, displaySymbol } from '../display/index.js'
import { figureBundle, trainingCurves, verdictPanel } from '../plots/index.js'
import type { OverfittingVerdict, TrainEvent } from '../train/index.js'

/** The same plain record, which also knows how it looks; in text it is what JavaScript prints of it. */
export function shownVerdict(verdict: OverfittingVerdict, events: readonly TrainEvent[]): OverfittingVerdict {
  const bundle = async () => {
    const words = verdictPanel(verdict)
    if (!events.some(({ type }) => type === 'step')) return words
    await display(words)
    return { ...await figureBundle(trainingCurves(events)), 'text/plain': inspect(verdict, { depth: 4 }) }
  }
  return Object.defineProperty({ ...verdict }, displaySymbol, { value: bundle, enumerable: false })
}
