// The catalogue's texts, recordings, sentence pairs and ratings.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unpacked, zipEntries } from '../archive.js'
import { keptFolder } from '../cache.js'
import { DataError } from '../errors.js'
import { interactions, type InteractionRow } from '../interactions/index.js'
import { pairs, type PairRow } from '../pairs/index.js'
import { sounds, type SoundRow } from '../sounds/index.js'
import { readRows } from '../tables/read.js'
import { texts, type TextRow } from '../texts/index.js'
import type { Dataset } from '../types.js'
import { findSample } from './find.js'
import { fetchWheel } from './wheels.js'

const offline = 'Set AFINAR_DATA to a folder that holds it.'

/** 5,574 messages, ham or spam, in English. UCI SMS Spam Collection, CC BY 4.0. Many stand there more than once: equal ones are kept in one part. */
export async function smsSpam(): Promise<Dataset<TextRow>> {
  return texts.fromTable(await findSample({ file: 'sms-spam-collection.tsv', advice: offline }), { text: 'SMS', label: 'Label', name: 'SMS spam' })
}

/** Sentences of film reviews, negative or positive: SST-2 of GLUE. `train` rows 67,349; the public dev part is the test part. */
export async function filmReviews(): Promise<Dataset<TextRow>> {
  const advice = `${offline} It comes from https://dl.fbaipublicfiles.com/glue/data/SST-2.zip; pack its train.tsv and dev.tsv with gzip.`
  const read = async (file: string, split: string) => {
    const { rows } = await readRows(await findSample({ file, advice }), { quote: '', header: true, allText: true })
    return rows.map((row) => ({ text: String(row['sentence']).trim(), label: row['label'] === '1' ? 'positive' : 'negative', split }))
  }
  return texts.fromRows([...await read('sst2/train.tsv.gz', 'train'), ...await read('sst2/dev.tsv.gz', 'test')], { name: 'film reviews', classes: ['negative', 'positive'] })
}

export type SpokenDigit = SoundRow & { speaker: string; take: string }

/** 3,000 recordings of the digits 0 to 9 by six speakers, 8 kHz. Free Spoken Digit Dataset, CC BY-SA 4.0. Official parts: takes 0 to 4 are the test part. */
export async function spokenDigits(): Promise<Dataset<SpokenDigit>> {
  const archive = await findSample({ file: 'free-spoken-digit-dataset.tar.gz', advice: offline }).catch(() => findSample({
    file: 'free-spoken-digit-dataset.zip', address: 'https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip', advice: `${offline} Or go online.`,
  }))
  return sounds.fromFolder(await unpacked(archive), {
    pattern: /(?:^|\/)(?<label>\d)_(?<speaker>[a-z]+)_(?<take>\d+)\.wav$/, part: ({ take }) => Number(take) < 5 ? 'test' : 'train', name: 'spoken digits',
  })
}

/** 100,000 ratings of 1,682 films by 943 people. MovieLens 100K (GroupLens: for research, not to be passed on), out of the wheel of recbole 1.2.1. */
export async function movielens(): Promise<Dataset<InteractionRow & { timestamp: number }>> {
  const wheel = await fetchWheel('recbole', '1.2.1')
  const folder = await keptFolder('movielens', wheel, async (work) => {
    const [file] = (await zipEntries(wheel, (name) => name.endsWith('ml-100k.inter'))).values()
    if (!file) throw new DataError('Cannot read MovieLens: the wheel of recbole 1.2.1 holds no ml-100k.inter. Another version may have been fetched; empty the cache.')
    await writeFile(join(work, 'ml-100k.tsv'), file)
  })
  const { rows } = await readRows(join(folder, 'ml-100k.tsv'), { header: true })
  return interactions.fromRows(rows.map((row) => ({ user: row['user_id:token'], item: row['item_id:token'], rating: row['rating:float'], timestamp: row['timestamp:float'] })), { name: 'MovieLens 100K' })
}

/** English–Portuguese sentences of JupyterLab's translation (BSD), out of its language pack's wheel. */
export async function jupyterPortuguese(): Promise<Dataset<PairRow & { file: string }>> {
  return pairs.fromCatalogues(await fetchWheel('jupyterlab-language-pack-pt-BR', '4.5.post3'), { name: 'JupyterLab in Portuguese' })
}
