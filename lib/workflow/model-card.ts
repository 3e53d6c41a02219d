// The model card: what was trained on what, how, how good it is, and what nobody knows. Markdown for README.md.
import type { Dataset } from '../data/index.js'
import type { Plan } from '../train/index.js'
import type { FineTuneResult } from './result.js'

export function modelCard(result: FineTuneResult, data: Dataset, plan: Plan): string {
  const { model, best, history, overfitting, seconds, evaluations } = result
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
- batch size ${plan.batchSize}, ${plan.optimizer.name}, ${plan.schedule.name}, seed ${plan.seed}
- ended: ${result.reason}, after ${seconds.toFixed(0)} s on this machine; energy was not measured

${epochs}

Best epoch: ${best.epoch} (${best.metric} ${show(best.value)}${history.some(({ validation }) => validation) ? ' on validation' : ' on training rows, there is no validation'}).

## Figures

${figures.length > 0 ? figures.join('\n\n') : 'Not evaluated on held-out rows before saving: \`await result.evaluate()\` before \`result.save()\` puts the figures here.'}

## Limits

- ${overfitting.verdict}: ${overfitting.evidence}
- The figures hold for rows like those of “${data.name}”; nothing is known about others.
`
}
