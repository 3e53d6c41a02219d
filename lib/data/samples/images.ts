// The catalogue's pictures.
import type { ImageRow } from '../images/build.js'
import * as images from '../images/index.js'
import type { Dataset } from '../types.js'
import { findSample } from './find.js'

const advice = 'It belongs to the project: clone it again, or put the file there.'

export type Pictogram = ImageRow & { /** Who drew it. */ artist: 'noto' | 'twemoji'; /** The motif; it is in the same part for both artists. */ name: string }

/** 860 drawings, 64 × 64: 430 motifs (animal, food, place) by two artists. Noto Emoji (Apache-2.0), Twemoji (CC BY 4.0). */
export async function pictograms(): Promise<Dataset<Pictogram>> {
  return images.fromTable(await findSample({ file: 'pictograms.tar.gz', advice }), { name: 'pictograms', group: 'name' })
}

/** 1,082 crops of blood cells, 96 × 96, from 364 slides: red cells, white cells, platelets; slides stay in one part. BCCD, MIT. */
export async function bloodCells(): Promise<Dataset<ImageRow & { slide: string }>> {
  return images.fromTable(await findSample({ file: 'blood-cells.tar.gz', advice: 'Set AFINAR_DATA to a folder that holds it.' }), { name: 'blood cells', group: 'slide' })
}

/** 3,166 chest X-rays of children, 28 × 28, normal or pneumonia: a part of PneumoniaMNIST (MedMNIST v2, Kermany et al.), CC BY 4.0; not comparable with its published figures. */
export async function pneumonia(): Promise<Dataset<ImageRow>> {
  return images.fromNpz(await findSample({ file: 'pneumoniamnist.npz', advice: 'Set AFINAR_DATA to a folder that holds it.' }), { name: 'pneumonia', classes: ['normal', 'pneumonia'] })
}

/** About 400 photos of ants and bees in the parts train and val, from PyTorch's transfer-learning tutorial. */
export async function antsBees(): Promise<Dataset<ImageRow>> {
  const file = await findSample({ file: 'ants-bees.tar.gz', advice: 'Set AFINAR_DATA to a folder that holds it, or go online.' }).catch(() => findSample({
    file: 'hymenoptera_data.zip', address: 'https://download.pytorch.org/tutorial/hymenoptera_data.zip', advice: 'Set AFINAR_DATA to a folder that holds it, or go online.',
  }))
  return images.fromFolder(file, { name: 'ants and bees' })
}
