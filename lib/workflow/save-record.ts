// The run as JSON lines: one event a line, whole or not there.
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TrainEvent } from '../train/index.js'

export async function saveRecord(folder: string, events: readonly TrainEvent[]): Promise<void> {
  const path = join(folder.replace(/^file:(\/\/)?/, ''), 'training.jsonl'), partial = `${path}.${process.pid}.partial`
  await writeFile(partial, events.map((event) => `${JSON.stringify(event)}\n`).join(''))
  await rename(partial, path)
}
