// The columns of the table that grows a row an epoch; HTML and terminal show the same ones.
import { formatNumber, formatSeconds } from './format.js'
import type { EpochRow, TrainingRecord } from './record.js'

export interface EpochColumn { title: string; text(row: EpochRow): string }

/** Losses first, the deciding metric next, then the other validation metrics (at most three), then the time. */
export function epochColumns(record: TrainingRecord): EpochColumn[] {
  const metric = record.metric
  const known = new Set(record.epochs.flatMap(({ validation }) => Object.keys(validation ?? {})))
  const inTraining = new Set(record.epochs.flatMap(({ train }) => Object.keys(train)))
  const columns: EpochColumn[] = [{ title: 'epoch', text: ({ epoch }) => String(epoch) }]
  for (const name of ['loss', ...(metric === 'loss' ? [] : [metric])]) {
    if (inTraining.has(name)) columns.push({ title: `training ${name}`, text: ({ train }) => formatNumber(train[name]) })
    if (known.has(name)) columns.push({ title: `validation ${name}`, text: ({ validation }) => formatNumber(validation?.[name]) })
  }
  const others = [...known].filter((name) => name !== 'loss' && name !== metric).slice(0, 3)
  for (const name of others) columns.push({ title: name, text: ({ validation }) => formatNumber(validation?.[name]) })
  columns.push({ title: 'time', text: ({ seconds }) => formatSeconds(seconds) })
  return columns
}
