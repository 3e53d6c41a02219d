// The sample catalogue's door: data sets that the tutorials use, each by one call.
import { antsBees, bloodCells, pictograms, pneumonia } from './images.js'

export const samples = { pictograms, bloodCells, pneumonia, antsBees }
export type { Pictogram } from './images.js'
