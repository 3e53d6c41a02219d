/**
 * Who rated or chose what, as a data set for recommenders.
 * @example const ratings = await interactions.fromTable('ratings.csv', { user: 'userId', item: 'movieId' })
 * @module
 */
export { fromRows, fromTable, preprocessing } from './index.js'
