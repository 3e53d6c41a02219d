// What a run leaves beside the model, whole or not there: its events as JSON lines, and which row was in which part.
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from '../data/index.js'
import type { TrainEvent } from '../train/index.js'

export async function saveRecord(folder: string, events: readonly TrainEvent[]): Promise<void> {
  await writeWhole(folder, 'training.jsonl', events.map((event) => `${JSON.stringify(event)}\n`).join(''))
}

/** `data.splitAs(folder)` reads it back. */
export async function saveSplits(folder: string, data: Dataset<any>): Promise<void> { await writeWhole(folder, 'splits.json', JSON.stringify(data.partition())) }

/** The model card as a page of its own. */
export async function saveCard(folder: string, html: string): Promise<void> { await writeWhole(folder, 'card.html', html) }

async function writeWhole(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder.replace(/^file:(\/\/)?/, ''), name), partial = `${path}.${process.pid}.partial`
  await writeFile(partial, text)
  await rename(partial, path)
}
