// The words and bars of the live view as HTML: what runs, how far it is, the table of epochs, the verdict with its remedies.
// Inline styles only and no scripts: front ends and exporters keep these.
import { escapeHTML, formatCount, formatMemory, formatNumber, formatRate, formatSeconds, shortName } from './format.js'
import { epochColumns } from './epoch-table.js'
import type { TrainingRecord } from './record.js'
import { colours, faded, meaning } from './theme.js'
import { verdictHTML } from './verdict-panel.js'

const soft = 'opacity:0.72'

export function panelHTML(record: TrainingRecord, stopped: boolean): string {
  return `<div style="font-size:13px;line-height:1.5;max-width:760px">${heading(record)}${bars(record, stopped)}${verdict(record)}${table(record)}${notes(record)}${chosen(record)}</div>`
}

function heading({ run }: TrainingRecord): string {
  if (!run) return '<div>Preparing…</div>'
  const facts = [
    `${formatCount(run.rows.train)} rows to train on, ${formatCount(run.rows.validation)} to validate`,
    `batches of ${run.batchSize}`, `${formatCount(run.trainable)} of ${formatCount(run.parameters)} weights`, escapeHTML(run.optimizer),
    `rate ${escapeHTML(rateText(run.learningRate))}, ${escapeHTML(run.schedule)}`,
  ]
  return `<div><b>${escapeHTML(shortName(run.model))}</b> on <b>${escapeHTML(shortName(run.data))}</b> <span style="${soft}">· ${facts.join(' · ')}</span></div>`
}

const rateText = (rate: unknown): string => typeof rate === 'number' ? formatRate(rate) : Array.isArray(rate) ? rate.map((each) => typeof each === 'number' ? formatRate(each) : String(each)).join(' to ') : String(rate)

function bars(record: TrainingRecord, stopped: boolean): string {
  const { run, lastStep, end } = record
  if (!run) return ''
  if (end) return `<div>${endSentence(record)}</div>`
  const { done, total, secondsLeft } = record.progress
  const perEpoch = run.stepsPerEpoch || 1
  const inEpoch = done === 0 ? 0 : (done - 1) % perEpoch + 1
  const phase = record.phases.at(-1)?.name
  const colour = stopped ? colours.vermillion : meaning.training
  const stepFacts = lastStep ? [`step ${inEpoch} of ${perEpoch}`, `${formatNumber(lastStep.examplesPerSecond)} examples/s`, `loss ${formatNumber(lastStep.loss)}`, `rate ${formatRate(lastStep.learningRate)}`] : ['first step…']
  return bar(total ? done / total : 0, colour, `epoch ${Math.min(run.epochs, Math.floor(Math.max(0, done - 1) / perEpoch) + 1)} of ${run.epochs}`, [phase, secondsLeft === undefined ? undefined : `${formatSeconds(secondsLeft)} left`, record.memory === undefined ? undefined : `${formatMemory(record.memory)} of memory`, stopped ? 'stopping after this step' : undefined])
    + bar(inEpoch / perEpoch, faded(stopped ? colours.vermillion : meaning.training, 0.55), stepFacts[0]!, stepFacts.slice(1))
}

function bar(share: number, colour: string, label: string, facts: readonly (string | undefined)[]): string {
  return '<div style="display:flex;align-items:center;gap:10px;font-variant-numeric:tabular-nums">'
    + `<span style="flex:0 0 108px;white-space:nowrap">${escapeHTML(label)}</span>`
    + `<div style="flex:0 0 240px;height:8px;border-radius:4px;background:rgba(128,128,128,0.25);overflow:hidden"><div style="width:${(100 * Math.min(1, share)).toFixed(1)}%;height:8px;background:${colour}"></div></div>`
    + `<span style="white-space:nowrap;${soft}">${escapeHTML(facts.filter(Boolean).join(' · '))}</span></div>`
}

/** What came of it, once it has ended. */
export function endSentence({ end, run }: TrainingRecord): string {
  if (!end) return ''
  const how = { finished: 'Finished', stopped: 'Stopped', 'early stopping': 'Stopped early', diverged: 'Diverged' }[end.reason] ?? end.reason
  const epochs = end.epochs === 1 ? '1 epoch' : `${end.epochs} epochs`
  const best = end.best?.epoch ? ` Best: ${end.best.metric} ${formatNumber(end.best.value)} in epoch ${end.best.epoch}.` : ''
  const planned = run && end.epochs < run.epochs ? ` of ${run.epochs}` : ''
  return `${how} after ${epochs}${planned} (${formatCount(end.steps)} steps) in ${formatSeconds(end.seconds)}.${best}`
}

const verdict = ({ verdict: judged }: TrainingRecord): string => judged ? verdictHTML(judged, 3) : ''

function table(record: TrainingRecord): string {
  if (!record.epochs.length) return ''
  const columns = epochColumns(record)
  const cell = 'padding:1px 10px;text-align:right;border:none'
  const head = columns.map(({ title }) => `<th style="${cell}">${escapeHTML(title)}</th>`).join('')
  const rows = record.epochs.map((row) => {
    const best = row === record.best
    const cells = columns.map(({ text }) => `<td style="${cell}">${best ? `<b>${escapeHTML(text(row))}</b>` : escapeHTML(text(row))}</td>`).join('')
    return `<tr>${cells}<td style="padding:1px 4px;border:none;color:${meaning.best}">${best ? '★' : ''}</td></tr>`
  })
  const body = `<table style="border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;margin:4px 0"><thead><tr>${head}<th style="border:none"></th></tr></thead><tbody>${rows.join('')}</tbody></table>`
  return rows.length > 24 ? `<div style="max-height:420px;overflow:auto">${body}</div>` : body
}

function notes({ notes: list }: TrainingRecord): string {
  if (!list.length) return ''
  const items = list.slice(-6).map(({ level, text }) => `<div style="${level === 'warning' ? `color:${colours.vermillion}` : soft}">${level === 'warning' ? '⚠ ' : ''}${escapeHTML(text)}</div>`)
  return `<div style="margin-top:4px">${items.join('')}</div>`
}

/** The options that the caller left open, each with its reason. */
function chosen({ run }: TrainingRecord): string {
  if (!run?.defaults.length) return ''
  const items = run.defaults.map(({ name, value, reason }) => `<li><code>${escapeHTML(name)}: ${escapeHTML(String(value))}</code> <span style="${soft}">${escapeHTML(reason)}</span></li>`)
  return `<details style="margin-top:4px"><summary style="cursor:pointer">What was chosen, and why</summary><ul style="margin:2px 0 0;padding-left:20px">${items.join('')}</ul></details>`
}
