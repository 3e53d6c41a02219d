/**
 * Recordings with classes or transcripts, as a data set.
 * @example const recordings = await sounds.fromFolder('digits.tar.gz', { pattern: /(?<label>\d)_(?<speaker>\w+)_(?<take>\d+)\.wav$/, group: 'speaker' })
 * @module
 */
export { fromFolder, fromTable } from './index.js'
