/**
 * Sentences with their translations, as a data set.
 * @example const sentences = await pairs.fromTable('en-pt.tsv', { source: 'en', target: 'pt' })
 * @module
 */
export { fromCatalogues, fromRows, fromTable } from './index.js'
