/**
 * Pictures from folders, archives, tables and arrays, as a data set.
 * @example const photos = await images.fromFolder('data/ants-bees')
 * @module
 */
export { fromArrays, fromIdx, fromNpz } from './arrays.js'
export { fromFolder } from './folder.js'
export { fromTable } from './table.js'
