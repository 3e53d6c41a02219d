// Which models have been trained in this process: their heads are not new any more.
import type { Model } from '../models/index.js'

const trained = new WeakSet<Model>()

export const markTrained = (model: Model): void => { trained.add(model) }

/** For a model that is put back to what it was before. */
export const forgetTrained = (model: Model): void => { trained.delete(model) }

/** A model that was trained here, or saved by this library (its source is a folder) and loaded with its head. */
export const wasTrained = (model: Model): boolean => trained.has(model)
