/**
 * Data sets to learn with, each by one call: kept with the project, in the folder that AFINAR_DATA names, or fetched once.
 * @example const pictures = await samples.pictograms()
 * @module
 */
export { antsBees, bloodCells, pictograms, pneumonia } from './images.js'
export { filmReviews, jupyterPortuguese, movielens, programsPortuguese, smsSpam, spokenDigits } from './others.js'
