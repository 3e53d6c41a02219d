// The pictures' door: every way to make a data set of images.
import { fromArrays, fromIdx, fromNpz } from './arrays.js'
import { fromFolder } from './folder.js'
import { fromTable } from './table.js'

/** Pictures from folders, tables and arrays. */
export const images = { fromFolder, fromTable, fromArrays, fromNpz, fromIdx }
export type { ImageRow } from './build.js'
