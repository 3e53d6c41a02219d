// The model card: what was trained on what, how, how good it is, and what nobody knows. Markdown for README.md, and the same as a page.
import { Marked } from 'marked'
import type { Dataset } from '../data/index.js'
import { displaySymbol } from '../display/index.js'
import type { Plan } from '../train/index.js'
import type { FineTuneResult } from './result.js'

/** Watts that a busy core of a usual server draws, its share of the machine left out; an estimate needs one number. */
const wattsPerCore = 10

export class ModelCard {
  /** @internal */
  constructor(readonly markdown: string) {}

  /** A page that needs nothing else: no script, no picture from elsewhere. */
  get html(): string {
    const title = /^# (.*)$/m.exec(this.markdown)?.[1] ?? 'Model card'
    return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>
:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th, td { border-bottom: 1px solid rgba(128,128,128,.4); padding: .2rem .8rem; text-align: left }
pre { background: rgba(128,128,128,.12); padding: .8rem; border-radius: 4px; overflow-x: auto }
</style></head><body>
${body(this.markdown)}</body></html>
`
  }

  toString(): string { return this.markdown }
  [displaySymbol](): Record<string, unknown> { return { 'text/markdown': this.markdown, 'text/html': body(this.markdown), 'text/plain': this.markdown } }
  [Symbol.for('nodejs.util.inspect.custom')](): string { return this.markdown }
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Names of classes and files come from anywhere: what looks like HTML in them stays text. */
const body = (markdown: string): string => new Marked({ renderer: { html: ({ text }) => escape(text) } }).parse(markdown, { async: false })

/** "about 0.28 Wh (estimated: 100 CPU seconds …)" */
const energyOf = (cpuSeconds: number) => `energy about ${Number((cpuSeconds * wattsPerCore / 3600).toPrecision(2))} Wh (estimated from ${cpuSeconds.toFixed(0)} s of processor time at ${wattsPerCore} W a core; the rest of the machine and any GPU come on top)`

export function modelCard(result: FineTuneResult, data: Dataset, plan: Plan): string {
  const { model, best, history, overfitting, seconds, cpuSeconds, evaluations } = result
  const table = (head: string[], rows: (string | number)[][]) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
  const show = (value: number | undefined) => value === undefined || Number.isNaN(value) ? '–' : value.toFixed(3)
  const figures = evaluations.map((evaluation) => `### On “${evaluation.split}” (${evaluation.rows} rows)\n\n${table(['', 'value', '95 % interval'], Object.entries(evaluation.figures).map(([name, { value, interval }]) => [name, show(value), `${show(interval.low)} – ${show(interval.high)}`]))}${evaluation.perClass.length > 0 ? `\n\n${table(['class', 'precision', 'recall', 'F1', 'rows'], evaluation.perClass.map((c) => [c.class, show(c.precision), show(c.recall), show(c.f1), c.support]))}` : ''}`)
  const epochs = table(['epoch', 'training loss', 'validation loss', plan.metric], history.map(({ epoch, train, validation }) => [epoch === best.epoch ? `**${epoch}**` : epoch, show(train['loss']), show(validation?.['loss']), show((validation ?? train)[plan.metric])]))
  return `# ${model.family} for ${data.name}

Fine-tuned from \`${model.source}\` with afinar. Task: ${model.task}${model.classes.length > 0 ? `; classes: ${model.classes.join(', ')}` : ''}.

\`\`\`ts
import { loadModel } from 'afinar'
const model = await loadModel('path/to/this/folder')
\`\`\`

## Data

${table(['part', 'rows'], Object.values(data.splits).map(({ name, size }) => [name, size]))}
${data.notes.length > 0 ? `\n${data.notes.map((note) => `- ${note}`).join('\n')}\n` : ''}
## Training

${plan.phases.map(({ name, epochs: n, detail }) => `- ${name}: ${n} ${n === 1 ? 'epoch' : 'epochs'}, ${detail}`).join('\n')}
- batch size ${plan.batchSize}${plan.accumulate > 1 ? ` in ${plan.accumulate} parts` : ''}, ${plan.optimizer.name}, highest rate ${plan.learningRate}, ${plan.schedule.name}, ${plan.ema > 0 ? `weights averaged with ${plan.ema}, ` : ''}${plan.labelSmoothing > 0 ? `labels smoothed by ${plan.labelSmoothing}, ` : ''}seed ${plan.seed}
- ended: ${result.reason}, after ${seconds.toFixed(0)} s on this machine; ${energyOf(cpuSeconds)}

${epochs}

Best epoch: ${best.epoch} (${best.metric} ${show(best.value)}${history.some(({ validation }) => validation) ? ' on validation' : ' on training rows, there is no validation'}).

## Figures

${figures.length > 0 ? figures.join('\n\n') : 'Not evaluated on held-out rows before saving: \`await result.evaluate()\` before \`result.save()\` puts the figures here.'}

## Limits

- ${overfitting.verdict}: ${overfitting.evidence}
- The figures hold for rows like those of “${data.name}”; nothing is known about others.
`
}
