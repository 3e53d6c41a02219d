// Few labels say which way the classes lie, and little about where the border between them runs. Rows without labels do, once it is known how
// common each class is: the head's bias is moved until as much of them goes to each class (batch calibration, Zhou et al. 2024).
import * as tf from '@tensorflow/tfjs'
import type { Dataset, Split } from '../data/index.js'
import type { Model } from '../models/index.js'
import { linearHead, shown, softmax, TrainError } from '../train/index.js'
import { predictSplit } from './evaluation.js'

export interface Unlabelled {
  /** Rows of the kind that the model will meet; at most 200 of them are read, and no label. */
  rows: Split<any>
  /** How common each class is among them, for example `{ ham: 7, spam: 1 }`. Default: as in the training rows. */
  shares?: Readonly<Record<string, number>>
}

const mostRows = 200
/** Each brings the shares about twice as near; they are exact to four digits long before. */
const rounds = 50

/** The classes' shares, which sum to 1. */
export function sharesOf({ shares }: Unlabelled, { classes, train }: Dataset<any>): number[] {
  const given = classes.map((name, c) => shares ? shares[name] : train.counts[c]!), sum = given.reduce<number>((a, b) => a + (b ?? NaN), 0)
  const unknown = Object.keys(shares ?? {}).find((name) => !classes.includes(name))
  if (unknown !== undefined || !given.every((share) => share !== undefined && share > 0 && share < Infinity)) throw new TrainError(`Cannot use the shares ${shown(shares)}: each of the classes ${classes.map((name) => shown(name)).join(', ')} needs a number above 0${unknown === undefined ? '' : `, and there is no class ${shown(unknown)}`}. Use for example shares: { ${classes.map((name) => `${JSON.stringify(name)}: 1`).join(', ')} }.`)
  return given.map((share) => share! / sum)
}

/** The rows that are read. */
export const readRows = ({ rows }: Unlabelled): Split<any> => rows.size <= mostRows ? rows : rows.take(Array.from({ length: mostRows }, (_, i) => Math.floor(i * rows.size / mostRows)))

/** Moves the head's bias until the classes' mean probabilities on `rows` are `shares`. A head that is not one linear layer stays as it is. */
export async function meetShares(model: Model, rows: Split<any>, shares: readonly number[]): Promise<void> {
  const head = linearHead(model)
  if (!head || rows.size === 0) return
  const answers = (await predictSplit(model, rows)).map(({ probabilities }) => model.classes.map((name) => Math.log(Math.max(probabilities![name]!, 1e-30))))
  const shift = shares.map(() => 0)
  for (let round = 0; round < rounds; round++) {
    const means = shares.map(() => 0)
    for (const answer of answers) softmax(answer.map((value, c) => value + shift[c]!)).forEach((p, c) => { means[c]! += p / answers.length })
    shares.forEach((share, c) => { shift[c]! += Math.log(share / Math.max(means[c]!, 1e-30)) })
  }
  tf.tidy(() => { head.bias.assign(tf.add(head.bias, tf.tensor1d(shift))) })
}
