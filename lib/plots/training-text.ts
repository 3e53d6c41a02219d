// The live view for terminals and plain text: a bar, the table, sparklines, the verdict.
import { epochColumns } from './epoch-table.js'
import { formatMemory, formatNumber, formatSeconds, shortName } from './format.js'
import type { TrainingRecord } from './record.js'
import { sparkline } from './sparkline.js'
import { curvePanels, type CurveOptions } from './training-panels.js'
import { endSentence } from './training-panel.js'
import { verdictLines } from './verdict-panel.js'

/** Bar, table and verdict; before the first epoch is through also what was chosen and why. */
export function panelText(record: TrainingRecord, stopped: boolean): string {
  const { run, verdict } = record
  return [
    run ? `${shortName(run.model)} on ${shortName(run.data)}` : 'Preparing…',
    record.end ? endSentence(record) : progressLine(record, stopped),
    ...tableLines(record),
    ...(verdict ? verdictLines(verdict, 3) : []),
    ...(record.epochs.length ? [] : run?.defaults ?? []).map(({ name, value, reason }) => `${name}: ${value} (${reason})`),
    ...record.notes.slice(-6).map(({ level, text }) => `${level === 'warning' ? '⚠ ' : ''}${text}`),
  ].filter(Boolean).join('\n')
}

/** One line: epoch, bar, rate, time left. */
export function progressLine(record: TrainingRecord, stopped = false): string {
  const { run, lastStep } = record
  if (!run || !lastStep) return ''
  const { done, total, secondsLeft } = record.progress
  const share = total ? Math.min(1, done / total) : 0
  const filled = Math.round(share * 30)
  const epoch = Math.min(run.epochs, Math.floor(Math.max(0, done - 1) / (run.stepsPerEpoch || 1)) + 1)
  const facts = [`${Math.round(share * 100)} %`, `loss ${formatNumber(lastStep.loss)}`, `${formatNumber(lastStep.examplesPerSecond)} examples/s`, secondsLeft === undefined ? '' : `${formatSeconds(secondsLeft)} left`, record.memory === undefined ? '' : formatMemory(record.memory), stopped ? 'stopping' : '']
  return `epoch ${epoch}/${run.epochs} ${'━'.repeat(filled)}${'─'.repeat(30 - filled)} ${facts.filter(Boolean).join(' · ')}`
}

/** A sparkline for each curve with its first and last value. */
export function curvesText(record: TrainingRecord, o: CurveOptions = {}): string {
  const lines = curvePanels(record, o).flatMap(({ name, steps, training, validation }) => [
    [`training ${name}`, training.y.length > 1 ? training.y : steps.y] as const, [`validation ${name}`, validation.y] as const,
  ]).filter(([, values]) => values.length)
  const width = Math.max(0, ...lines.map(([name]) => name.length))
  return lines.map(([name, values]) => `${name.padEnd(width)}  ${sparkline(values)}  ${formatNumber(values[0])} → ${formatNumber(values.at(-1))}`).join('\n') || 'No step yet.'
}

function tableLines(record: TrainingRecord): string[] {
  if (!record.epochs.length) return []
  const columns = epochColumns(record)
  const rows = record.epochs.map((row) => columns.map(({ text }) => text(row)))
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]) => cells.map((cell, i) => cell.padStart(widths[i]!)).join('  ')
  return [line(columns.map(({ title }) => title)), ...rows.map((row, i) => line(row) + (record.epochs[i] === record.best ? '  ★' : ''))]
}
