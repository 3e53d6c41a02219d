// Which models have been trained in this process: their heads are not new any more.
import type { Model } from '../models/index.js'

const trained = new WeakSet<Model>()

export const markTrained = (model: Model): void => { trained.add(model) }

/** A model that was trained here, or saved by this library (its source is a folder) and loaded with its head. */
export const wasTrained = (model: Model): boolean => trained.has(model)
