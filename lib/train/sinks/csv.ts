// A run as CSV: one row an epoch, the columns known from the first epoch; opens in any spreadsheet.
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { TrainEvent } from '../events.js'

/**
 * Columns: epoch, step, seconds, learningRate, train_loss …, validation_loss …
 * @example await writeCSV(run, 'runs/ants-bees.csv')
 */
export async function writeCSV(events: AsyncIterable<TrainEvent> | Iterable<TrainEvent>, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'w')
  let columns: string[] | undefined
  try {
    for await (const event of events) {
      if (event.type !== 'epoch') continue
      const row: Record<string, number> = { epoch: event.epoch, step: event.step, seconds: event.seconds, learningRate: event.learningRate, ...named('train', event.train), ...named('validation', event.validation) }
      if (!columns) {
        columns = Object.keys(row)
        await file.write(`${columns.map(quoted).join(',')}\n`)
      }
      await file.write(`${columns.map((name) => row[name] ?? '').join(',')}\n`)
    }
    await file.sync()
  } finally { await file.close() }
}

const named = (part: string, figures: Record<string, number> = {}) => Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${part}_${name}`, value]))
const quoted = (name: string) => /[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
