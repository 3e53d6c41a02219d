/**
 * Texts with classes, as a data set.
 * @example const sms = await texts.fromTable('sms.tsv', { text: 'SMS', label: 'Label' })
 * @module
 */
export { fromRows, fromTable } from './index.js'
export { fromTags } from './tagged.js'
