// A run as JSON lines: one event a line, as soon as it happens.
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { TrainEvent } from '../events.js'

/**
 * Resolves when the run has ended and the file is on disk.
 * @example void writeJSONLines(run, 'runs/ants-bees.jsonl')
 */
export async function writeJSONLines(events: AsyncIterable<TrainEvent> | Iterable<TrainEvent>, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'w')
  try {
    for await (const event of events) await file.write(`${JSON.stringify(event)}\n`)
    await file.sync()
  } finally { await file.close() }
}
