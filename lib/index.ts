// The library's front door: what `import { … } from 'afinar'` offers, under the headings of its reference (`npm run docs`). Rooms are composed here, nothing is computed.

// Data
export { audit, plotData } from './workflow/index.js'
export { DataError, disposeBatch, images, interactions, pairs, readTokenizer, samples, sounds, table, texts, Tokenizer, tokenizerOf, trainTokenizer, transcriptSymbols } from './data/index.js'
export type {
  ArrayOptions, ArrayPart, AuditOptions, AuditReport, AugmentOptions, Batch, BatchOptions, ColumnValues, Dataset, DatasetDescription, DataProblem, FeatureMatrix, FilmRating, Finding, FindingRow, FolderOptions,
  ImagePreprocessing, ImageRow, ImageTableOptions, InteractionOptions, InteractionPreprocessing, InteractionRow, Kind, LazyTable, LogMelFeatures, NewRow, PairOptions, PairPreprocessing, PairRow, Partition, PartsOption, Pictogram, Preprocessing, Severity, SoundOptions, SoundPreprocessing,
  SoundRow, SpokenDigit, Split, SplitOptions, TableOptions, TextOptions, TextPreprocessing, TextRow, TokenIds, TokenizerFiles, TrainTokenizerOptions, TranscriptSymbols,
} from './data/index.js'

// Models
export { addItems, addLoRA, addUsers, buildModel, exportSavedModel, exportTensorFlowJS, familyNames, generate, loadAdapter, loadModel, mergeLoRA, ModelError, resizeEmbeddings, saveAdapter, unmergeLoRA } from './models/index.js'
export { adaptUsers, predict, predictRatings, Ranking, rankModels, recommend, translate } from './workflow/index.js'
export type { BuildOptions, ForwardContext, Freeze, GenerateOptions, LayerGroup, LoadOptions, LoadProgress, LoRAOptions, Model, ModelMemory, ModelSummary, RandomSource, SaveExtra, Sizes, SummaryOptions, Task } from './models/index.js'
export type { AdaptUsersOptions, Candidate, Interactions, RankedModel, RankOptions, Recommendation } from './workflow/index.js'

// Training
export { FewShot, fewShot, fineTune, FineTuneResult, FineTuneRun, ModelCard } from './workflow/index.js'
export { listCheckpoints, TrainError, workersOfProcess } from './train/index.js'
export { writeCSV, writeJSONLines, writeMLflow, writeTensorBoard } from './train/index.js'
export { binaryCrossEntropy, choiceLoss, crossEntropy, ctcLoss, distillation, focalLoss, huberLoss, meanSquaredError, multipleNegativesRanking, pairLoss, weightedMean } from './train/index.js'
export { cosine, cosineRestarts, createSchedule, linear, oneCycle, plateauFactor } from './train/index.js'
export type { FewShotOptions, FineTuneOptions, RecipeEvidence, RecipeName, Unlabelled } from './workflow/index.js'
export type {
  Callbacks, CheckpointOptions, ClassLossOptions, EndReason, EpochRecord, Logs, LossFunction, LossName, MetricFunction, MLflowOptions, OneCycleOptions, PlateauOptions, RunDefault, RunFacts,
  Schedule, ScheduleName, ScheduleOptions, SchedulePlace, ScheduleSpec, TrainEvent, TrainEventOf, TrainOptions,
} from './train/index.js'

// Hyper-parameters
export { BatchSizes, findBatchSize, findLearningRate, importanceOf, LearningRateFinder, sobol, sweep, SweepResult, SweepRun } from './workflow/index.js'
export type {
  BatchSizeRow, Dimension, FindBatchSizeOptions, FindLearningRateOptions, Importance, ModuleObjective, ParameterValue, Params, Range, RayOptions, Search, Space, Stopping, SweepEnd, SweepOptions, Trial, TrialContext, TrialObjective, TrialState, ValueOf,
} from './workflow/index.js'
export type { FinderOptions, RateCurve, RateSuggestions } from './train/index.js'

// Judging
export { compare, Comparison, curveOf, Evaluation, learningCurve, LearningCurve, rankedQueries, saliency, Saliency, Slices, TopLosses } from './workflow/index.js'
export { judge } from './train/index.js'
export {
  accuracy, align, argmax, averagePrecision, balancedAccuracy, bleu, bootstrapInterval, brierScore, calibrationBins, calibrationError, characterErrorRate, chrf, classScores, cohenKappa, confusionMatrix, f1Score, fitTemperature, hitRateAtK, logLoss, mae,
  mapAtK, matthews, mrr, ndcg, pearson, precisionMacro, precisionRecallCurve, quantile, r2, recallAtK, recallMacro, rmse, rocAUC, rocAUCMacro, rocCurve, scaledProbabilities, sentenceBleu, softmax, softmaxRows, spearman, topKAccuracy, wordErrorRate,
} from './train/index.js'
export type { Answer, CurvePoint, Figures, Prediction, RowsNeeded, Slice, TopLoss } from './workflow/index.js'
export type { Alignment, BleuOptions, BleuScore, CalibrationBin, ChrfOptions, ClassScores, ConfusionMatrix, CutOff, Interval, OverfittingVerdict, PrecisionRecallCurve, Probabilities, RankedQuery, Remedy, RocCurve, Trouble, VerdictContext, VerdictKind } from './train/index.js'

// Plots
export * as plots from './plots/index.js'

// Display
export { figure } from './workflow/index.js'
export { display, displaySymbol, html, image, interact, latex, liveDisplay, markdown, svg, Widget, widget } from './display/index.js'
export type { Canvas, Control, ControlValue, Displayable, ImageTensor, Interaction, LiveDisplay, LiveOptions, MimeBundle, Pixels, ShowOptions, WidgetBinary, WidgetOptions, WidgetState } from './display/index.js'

// Engine
export * as tf from '@tensorflow/tfjs'
export { EngineError, engineFacts, execute, findTensorFlow, recordFunction, recordTrainStep, startEngine } from './engine/index.js'
export type {
  AttributeValues, CallOptions, Compute, Device, Engine, EngineFacts, EngineOptions, FoundLibrary, FunctionOptions, Holding, Ledger, LossResult, OptimizerSpec, ParameterGroup, RecordedFunction, RecordOptions, Rung, SearchEnvironment,
  StepContext, StepOptions, StepRandom, StepResult, TensorMap, TrainStep, TrainStepOptions, Workers,
} from './engine/index.js'
