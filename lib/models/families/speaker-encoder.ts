// A speaker encoder (Wan et al. 2018) with the names of Resemblyzer's weights: voices as vectors, and features of what is said for a new head.
//
//   mel bands [n, 40] ─► LSTM 256 ─► LSTM 256 ─► LSTM 256 ─► last state ─► dense ─► relu ─► unit length: who speaks
//                                                     └─► mean over 6 stretches of the recording ─► head: what new classes tell apart
//
import * as tf from '@tensorflow/tfjs'
import type { SoundPreprocessing } from '../../data/index.js'
import { activate } from '../blocks/activation.js'
import { dense } from '../blocks/encoder.js'
import type { Symbolic } from '../blocks/layer.js'
import { unitLength } from '../blocks/pooling.js'
import { lastState, lstm, stretches } from '../blocks/recurrent.js'
import type { Family } from '../family.js'
import { checkedSeconds, framesInput } from './sound.js'
import { checkedCounts } from './text.js'

interface SpeakerConfig { bands: number; hidden_size: number; num_layers: number; embedding_size: number; /** Stretches whose means a head sees. */ stretches: number; seconds: number }

export const speakerEncoder: Family<SpeakerConfig> = {
  name: 'speaker-encoder',
  title: 'Speaker encoder',
  inputs: 'sound',
  head: 'head',
  ignored: /^(similarity_(weight|bias)|linear\.(weight|bias))$/,
  configure({ given, seconds }) {
    const config = { bands: 40, hidden_size: 256, num_layers: 3, embedding_size: 256, stretches: 6, seconds: 1.6, ...given, ...(seconds === undefined ? {} : { seconds }) }
    checkedSeconds('the speaker encoder', config.seconds)
    return checkedCounts('the speaker encoder', config, ['bands', 'hidden_size', 'num_layers', 'embedding_size', 'stretches'])
  },
  build(config, { outputs }) {
    const sounds = framesInput(config.bands)
    let x: Symbolic = sounds
    for (let i = 0; i < config.num_layers; i++) x = lstm(x, `lstm.${i}`, config.hidden_size)
    if (outputs === 0) {
      const features = lastState(x, 'last')
      return { network: tf.model({ name: 'speaker-encoder', inputs: sounds, outputs: unitLength(activate(dense(features, 'linear', config.embedding_size), 'linear.activation', 'relu'), 'embedding') }), features }
    }
    const features = stretches(x, sounds, 'pool', { count: config.stretches, silence: 0 })
    return { network: tf.model({ name: 'speaker-encoder', inputs: sounds, outputs: dense(features, 'head', outputs) }), features }
  },
  group: (layer) => layer.startsWith('lstm.') ? `layer ${Number(layer.slice(5)) + 1}` : layer === 'linear' ? 'projection' : 'head',
  checkpointName: (weight) => weight.replace(/^lstm\.(\d+)\.(.+)$/, 'lstm.$2_l$1'),
  recognize(weights) {
    const first = weights.get('lstm.weight_ih_l0')?.shape, linear = weights.get('linear.weight')?.shape, layers = [...weights.keys()].filter((name) => /^lstm\.weight_ih_l\d+$/.test(name)).length
    return first && linear && weights.has('similarity_weight') ? { bands: first[1]!, hidden_size: first[0]! / 4, num_layers: layers, embedding_size: linear[0]! } : undefined
  },
  /** As librosa's melspectrogram: 25 ms windows every 10 ms, no logarithm; quiet recordings are amplified first. */
  preprocessing: ({ bands, seconds }): SoundPreprocessing => ({ kind: 'sound', sampleRate: 16000, seconds, loudness: -30, features: { type: 'log-mel', fft: 400, window: 400, hop: 160, bands, scale: 'slaney', compression: 'none', floor: 0 } }),
}
