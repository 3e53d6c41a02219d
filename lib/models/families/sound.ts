// What families on frames of bands share, and the plainest of them: a linear head on the log-mel bands themselves, the honest rival of every encoder.
//
//   frames [n, bands] ─► mean over 6 stretches of the recording ─► head
//
import * as tf from '@tensorflow/tfjs'
import type { LogMelFeatures, SoundPreprocessing } from '../../data/index.js'
import { dense } from '../blocks/encoder.js'
import { stretches } from '../blocks/recurrent.js'
import { ModelError } from '../errors.js'
import type { Family } from '../family.js'
import { checkedCounts } from './text.js'

/** float32 `[b, frames, bands]`, frames free. */
export const framesInput = (bands: number): tf.SymbolicTensor => tf.input({ shape: [null, bands], name: 'sounds' })

export function checkedSeconds(title: string, seconds: number): number {
  if (!(seconds > 0) || seconds > 60) throw new ModelError(`Cannot use ${title} on recordings of ${String(seconds)} s: seconds must be above 0 and at most 60.`)
  return seconds
}

interface LogMelConfig { sample_rate: number; seconds: number; bands: number; stretches: number }

const floor = 1e-6

export const logMel: Family<LogMelConfig> = {
  name: 'log-mel',
  title: 'Log-mel bands',
  inputs: 'sound',
  fromScratch: true,
  head: 'head',
  configure({ given, seconds }) {
    const config = { sample_rate: 8000, seconds: 1, bands: 40, stretches: 6, ...given, ...(seconds === undefined ? {} : { seconds }) }
    checkedSeconds('log-mel bands', config.seconds)
    return checkedCounts('log-mel bands', config, ['sample_rate', 'bands', 'stretches'])
  },
  build(config, { outputs }) {
    const sounds = framesInput(config.bands)
    const heard = stretches(tf.layers.activation({ name: 'bands', activation: 'linear' }).apply(sounds) as tf.SymbolicTensor, sounds, 'pool', { count: config.stretches, silence: Math.log(floor) + 1e-3 })
    return { network: tf.model({ name: 'log-mel', inputs: sounds, outputs: dense(heard, 'head', outputs) }), features: heard }
  },
  group: () => 'head',
  checkpointName: (weight) => weight,
  preprocessing: ({ sample_rate: rate, seconds, bands }): SoundPreprocessing => {
    const window = Math.round(rate * 0.025), features: LogMelFeatures = { type: 'log-mel', fft: window, window, hop: Math.round(rate * 0.01), bands, floor }
    return { kind: 'sound', sampleRate: rate, seconds, features }
  },
}
