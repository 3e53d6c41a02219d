// The families this library knows. Adding one is its file in families/ and a line here.
import { ModelError } from './errors.js'
import { bertFamilies } from './families/bert.js'
import { efficientNetLite } from './families/efficientnet-lite.js'
import { encoderDecoder } from './families/encoder-decoder.js'
import { layersModel } from './families/layers-model.js'
import { marian } from './families/marian.js'
import { mobileNetV2 } from './families/mobilenet-v2.js'
import { matrixFactorization, twoTower } from './families/recommender.js'
import { resNets } from './families/resnet.js'
import { smallCNN } from './families/small-cnn.js'
import { logMel } from './families/sound.js'
import { speakerEncoder } from './families/speaker-encoder.js'
import { t5 } from './families/t5.js'
import { vit } from './families/vit.js'
import { wav2vec2 } from './families/wav2vec2.js'
import type { Family } from './family.js'

export const families: readonly Family[] = [
  ...efficientNetLite,
  mobileNetV2,
  ...resNets,
  smallCNN,
  layersModel,
  vit,
  ...bertFamilies,
  encoderDecoder,
  marian,
  t5,
  wav2vec2,
  speakerEncoder,
  logMel,
  matrixFactorization,
  twoTower,
]

/** Names that buildModel takes. */
export const familyNames = (): string[] => families.filter(({ fromFile }) => !fromFile).map(({ name }) => name)

export function familyOf(name: string): Family {
  const family = families.find((candidate) => candidate.name === name)
  if (!family) throw new ModelError(`Cannot find the model family "${name}": the families are ${familyNames().join(', ')}.`)
  return family
}
