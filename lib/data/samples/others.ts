// The catalogue's texts, recordings, sentence pairs and ratings.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unpacked, zipEntries } from '../archive.js'
import { keptFolder } from '../cache.js'
import { DataError } from '../errors.js'
import type { InteractionRow } from '../interactions/index.js'
import * as interactions from '../interactions/loaders.js'
import type { PairRow } from '../pairs/index.js'
import * as pairs from '../pairs/loaders.js'
import type { SoundRow } from '../sounds/index.js'
import * as sounds from '../sounds/loaders.js'
import { readRows } from '../tables/read.js'
import type { TextRow } from '../texts/index.js'
import * as texts from '../texts/loaders.js'
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

export type SpokenDigit = SoundRow & { speaker: string; take: string; /** The digit as a word. */ text: string }

const digits = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']

/**
 * Recordings of the digits 0 to 9 by six speakers, 8 kHz. Free Spoken Digit Dataset, CC BY-SA 4.0. Official parts: takes 0 to 4 are the test part.
 *
 * @param o `takes`: recordings of each digit by each speaker, default 25 (1,500 in all, kept with the project); 50 is the whole set
 */
export async function spokenDigits({ takes = 25 }: { takes?: number } = {}): Promise<Dataset<SpokenDigit>> {
  if (!Number.isSafeInteger(takes) || takes < 1 || takes > 50) throw new DataError(`Cannot load spoken digits with takes ${String(takes)}: there are 50 of each digit by each speaker. Use a whole number from 1 to 50, such as 25.`)
  const whole = () => findSample({ file: 'free-spoken-digit-dataset.tar.gz', advice: offline }).catch(() => findSample({
    file: 'free-spoken-digit-dataset.zip', address: 'https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip', advice: `${offline} Or go online.`,
  }))
  const archive = takes > 25 ? await whole() : await findSample({ file: 'spoken-digits.tar.gz', advice: offline }).catch(whole)
  const data = await sounds.fromFolder<{ speaker: string; take: string; text: string }>(await unpacked(archive), {
    pattern: /(?:^|\/)(?<label>\d)_(?<speaker>[a-z]+)_(?<take>\d+)\.wav$/, part: ({ take }) => Number(take) < 5 ? 'test' : 'train', text: ({ label }) => digits[Number(label)], name: 'spoken digits',
  })
  return data.filter(({ take }) => Number(take) < takes)
}

export type FilmRating = InteractionRow & { timestamp: number; /** Of the film. */ title: string; /** Number of the row in the file. */ row: number }

/** 100,000 ratings of 1,682 films by 943 people. MovieLens 100K (GroupLens: for research, not to be passed on), out of the wheel of recbole 1.2.1. */
export async function movielens(): Promise<Dataset<FilmRating>> {
  const wheel = await fetchWheel('recbole', '1.2.1'), files = ['ml-100k.inter', 'ml-100k.item']
  const folder = await keptFolder('movielens', `${wheel} ${files.join(' ')}`, async (work) => {
    const found = await zipEntries(wheel, (name) => files.some((file) => name.endsWith(`/${file}`)))
    for (const file of files) {
      const [, content] = [...found].find(([name]) => name.endsWith(`/${file}`)) ?? []
      if (!content) throw new DataError(`Cannot read MovieLens: the wheel of recbole 1.2.1 holds no ${file}. Another version may have been fetched; empty the cache.`)
      await writeFile(join(work, `${file}.tsv`), content)
    }
  })
  const read = (file: string) => readRows(join(folder, `${file}.tsv`), { header: true, quote: '' })
  const [ratings, films] = await Promise.all(files.map((file) => read(file!)))
  const titles = new Map(films!.rows.map((film) => [String(film['item_id:token']), String(film['movie_title:token_seq'] ?? '')]))
  return interactions.fromRows(ratings!.rows.map((of, row) => ({ user: of['user_id:token'], item: of['item_id:token'], rating: of['rating:float'], timestamp: of['timestamp:float'], title: titles.get(String(of['item_id:token'])) ?? '', row })), { name: 'MovieLens 100K' })
}

/** English–Portuguese sentences of JupyterLab's translation (BSD), out of its language pack's wheel. */
export async function jupyterPortuguese(): Promise<Dataset<PairRow & { file: string }>> {
  return pairs.fromCatalogues(await fetchWheel('jupyterlab-language-pack-pt-BR', '4.5.post3'), { name: 'JupyterLab in Portuguese' })
}

// Programs whose catalogues are under BSD, MIT or Apache licences; 62 MB of wheels.
const translated = ['Django==5.2.19', 'spyder==6.1.8', 'wagtail==8.0.1', 'horizon==27.0.0', 'django-oscar==4.2.1', 'Trac==1.6', 'Sphinx==9.0.4', 'django-cms==5.1.3', 'django-allauth==65.22.1', 'django-filer==3.6.0']

/** English–Portuguese messages of ten other programs (BSD, MIT and Apache licences), out of their wheels, 62 MB: what a translator of JupyterLab may learn from first. */
export async function programsPortuguese(): Promise<Dataset<PairRow & { file: string }>> {
  const wheels: string[] = []
  for (const wheel of translated) wheels.push(await fetchWheel(...wheel.split('==') as [name: string, version: string]))
  return pairs.fromCatalogues(wheels, { language: 'pt_BR', name: 'ten programs in Portuguese' })
}
