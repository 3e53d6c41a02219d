// All losses. Each is plain TensorFlow.js, returns a mean over rows, and agrees with PyTorch in value and gradient.
export { binaryCrossEntropy, crossEntropy, focalLoss, weightedMean, type ClassLossOptions } from './cross-entropy.js'
export { choiceLoss } from './ranking.js'
export { ctcLoss } from './ctc.js'
export { pairLoss } from './pairs.js'
export { huberLoss, meanSquaredError } from './regression.js'
export { distillation, multipleNegativesRanking, normalizeRows } from './teaching.js'
