// The door of the data room: tables, images, texts, sounds, pairs and interactions become one Dataset. Other rooms come in here only.
export type * from './types.js'
export { disposeBatch } from './batches.js'
export { DataError } from './errors.js'
export { images, type ImageRow } from './images/index.js'
export { type Pictogram, samples } from './samples/index.js'
