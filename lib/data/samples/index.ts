// The sample catalogue's door: data sets that the tutorials use, each by one call.
import { antsBees, bloodCells, pictograms, pneumonia } from './images.js'
import { filmReviews, jupyterPortuguese, movielens, smsSpam, spokenDigits } from './others.js'

export const samples = { pictograms, bloodCells, pneumonia, antsBees, smsSpam, filmReviews, spokenDigits, jupyterPortuguese, movielens }
export type { Pictogram } from './images.js'
export type { SpokenDigit } from './others.js'
