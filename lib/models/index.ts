// The door of the model room: where weights come from, the families, and what one does with a model before training it.
export { buildModel, loadModel } from './load.js'
export { addLoRA, loadAdapter, mergeLoRA, saveAdapter, unmergeLoRA, type LoRAOptions } from './lora.js'
export { ModelError } from './errors.js'
export { familyNames } from './registry.js'
export { formatBytes } from './summary.js'
export { cacheFolder } from './sources/cache.js'
export * from './ranking/index.js'
export type * from './types.js'
