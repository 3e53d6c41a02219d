// The families this library knows. Adding one is its file in families/ and a line here.
import { ModelError } from './errors.js'
import { bertFamilies } from './families/bert.js'
import { efficientNetLite } from './families/efficientnet-lite.js'
import { mobileNetV2 } from './families/mobilenet-v2.js'
import { resNets } from './families/resnet.js'
import { smallCNN } from './families/small-cnn.js'
import { vit } from './families/vit.js'
import type { Family } from './family.js'

export const families: readonly Family[] = [
  ...efficientNetLite,
  mobileNetV2,
  ...resNets,
  smallCNN,
  vit,
  ...bertFamilies,
]

export const familyNames = (): string[] => families.map(({ name }) => name)

export function familyOf(name: string): Family {
  const family = families.find((candidate) => candidate.name === name)
  if (!family) throw new ModelError(`Cannot find the model family "${name}": the families are ${familyNames().join(', ')}.`)
  return family
}
