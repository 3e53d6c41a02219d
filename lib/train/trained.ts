// Which models have a head that is not new: trained in this process, or loaded with it.
import type { Model } from '../models/index.js'

const trained = new WeakSet<Model>()

export const markTrained = (model: Model): void => { trained.add(model) }

/** For a model that is put back to what it was before. */
export const forgetTrained = (model: Model): void => { trained.delete(model) }

/** A model that was trained here, or whose head for classes came with its weights. */
export const wasTrained = (model: Model): boolean => trained.has(model) || (model.headIsNew === false && model.classes.length > 0)
