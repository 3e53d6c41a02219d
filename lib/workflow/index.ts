// The door of the workflow room: what a user calls, composed of all the others.
export { fineTune, type FineTuneOptions } from './fine-tune.js'
export { FineTuneRun } from './run.js'
export { FineTuneResult } from './result.js'
export { Evaluation, type Figures, type Prediction } from './evaluation.js'
export { findLearningRate, type FindLearningRateOptions, LearningRateFinder } from './find-learning-rate.js'
export { type BatchSizeRow, BatchSizes, findBatchSize, type FindBatchSizeOptions } from './find-batch-size.js'
export { type RankedModel, Ranking, rankModels, type RankOptions } from './rank-models.js'
