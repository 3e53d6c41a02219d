// The door of clusters: who is in one, what they sum, and how a recorded step becomes one step of all.
export { clusterFrom, type ClusterSpec } from './spec.js'
export { Workers } from './workers.js'
export { reduceStep } from './buckets.js'
export { SyncedBatchNorm } from './batch-norm.js'
