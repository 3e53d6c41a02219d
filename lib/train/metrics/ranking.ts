// Metrics of recommended lists. Each query (user) has the relevance and the score of its candidates; every metric is a mean over queries.

export interface RankedQuery { relevance: ArrayLike<number>; scores: ArrayLike<number> }

const byScore = ({ scores }: RankedQuery) => Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!)

/** Relevances in the order of falling scores. */
const ordered = (query: RankedQuery): number[] => byScore(query).map((i) => query.relevance[i]!)

/** The same as gains, where candidates of equal score share their mean gain (McSherry & Najork 2008, as scikit-learn does). */
function orderedGains(query: RankedQuery, gain: (relevance: number) => number): number[] {
  const order = byScore(query), gains = order.map((i) => gain(query.relevance[i]!))
  for (let from = 0; from < order.length;) {
    let to = from + 1
    while (to < order.length && query.scores[order[to]!] === query.scores[order[from]!]) to++
    gains.fill(gains.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from), from, to)
    from = to
  }
  return gains
}

function meanOver(queries: readonly RankedQuery[], value: (query: RankedQuery) => number | undefined): number {
  const values = queries.map(value).filter((v) => v !== undefined)
  return values.length === 0 ? NaN : values.reduce((sum, v) => sum + v, 0) / values.length
}

const discounted = (gains: readonly number[], k: number) => gains.slice(0, k).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0)

/**
 * Normalized discounted cumulative gain (Järvelin & Kekäläinen 2002). Queries without any relevant candidate are left out.
 * @param o `k`: length of the list (default: all); `gain`: 'linear' (the relevance itself, default) or 'exponential' (2^relevance − 1)
 */
export function ndcg(queries: readonly RankedQuery[], o: { k?: number; gain?: 'linear' | 'exponential' } = {}): number {
  const gain = (relevance: number) => o.gain === 'exponential' ? 2 ** relevance - 1 : relevance
  return meanOver(queries, (query) => {
    const ideal = discounted(ordered(query).map(gain).sort((a, b) => b - a), o.k ?? Infinity)
    return ideal > 0 ? discounted(orderedGains(query, gain), o.k ?? Infinity) / ideal : undefined
  })
}

/** `relevant`: lowest relevance that counts (default 1). */
export interface CutOff { k?: number; relevant?: number }

const hits = (query: RankedQuery, { relevant = 1 }: CutOff) => ordered(query).map((relevance) => relevance >= relevant)
const count = (flags: readonly boolean[]) => flags.filter(Boolean).length

/** Share of the relevant candidates that are among the first k. Queries without any are left out. */
export const recallAtK = (queries: readonly RankedQuery[], o: CutOff = {}): number => meanOver(queries, (query) => {
  const all = hits(query, o)
  return count(all) === 0 ? undefined : count(all.slice(0, o.k ?? Infinity)) / count(all)
})

/** Share of the queries with something relevant among the first k. */
export const hitRateAtK = (queries: readonly RankedQuery[], o: CutOff = {}): number => meanOver(queries, (query) => hits(query, o).slice(0, o.k ?? Infinity).some(Boolean) ? 1 : 0)

/** Mean over queries of the average precision of the first k. */
export const mapAtK = (queries: readonly RankedQuery[], o: CutOff = {}): number => meanOver(queries, (query) => {
  const all = hits(query, o), first = all.slice(0, o.k ?? Infinity)
  const precisions = first.map((hit, i) => hit ? count(first.slice(0, i + 1)) / (i + 1) : 0)
  return precisions.reduce((sum, p) => sum + p, 0) / Math.max(1, Math.min(o.k ?? Infinity, count(all)))
})

/** Mean of 1 / place of the first relevant candidate, 0 where there is none. */
export const mrr = (queries: readonly RankedQuery[], o: CutOff = {}): number => meanOver(queries, (query) => {
  const place = hits(query, o).slice(0, o.k ?? Infinity).indexOf(true)
  return place < 0 ? 0 : 1 / (place + 1)
})
