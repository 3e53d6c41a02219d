// Entities in tagged texts: runs of B- and I- tags, right only when kind and both ends are. As seqeval (and CoNLL's own script) counts them.

/** Words `from` to `to`, both included. */
export interface Entity { type: string; from: number; to: number }

/** Whether tags mark entities at all: B-person, I-person, O. */
export const marksEntities = (tags: readonly string[]): boolean => tags.some((tag) => /^[BI]-/.test(tag))

/** An I- that continues nothing begins an entity; so does any change of type. E- and S- of IOBES tags end one. */
export function entitiesOf(tags: readonly string[]): Entity[] {
  const found: Entity[] = []
  let open: Entity | undefined
  tags.forEach((tag, at) => {
    const [prefix, type] = tag === 'O' || tag === '' ? ['O', ''] : tag.includes('-') ? [tag[0]!, tag.slice(tag.indexOf('-') + 1)] : ['I', tag]
    if (prefix === 'O') { open = undefined; return }
    if (open && open.type === type && (prefix === 'I' || prefix === 'E')) open.to = at
    else found.push(open = { type, from: at, to: at })
    if (prefix === 'E' || prefix === 'S') open = undefined
  })
  return found
}

/** Counts of one row's entities: those that are there, that were said, and that are both. */
export function entityCounts(truth: readonly string[], said: readonly string[]): { there: number; said: number; right: number } {
  const name = ({ type, from, to }: Entity) => `${from} ${to} ${type}`
  const there = new Set(entitiesOf(truth).map(name)), found = entitiesOf(said).map(name)
  return { there: there.size, said: found.length, right: found.filter((one) => there.has(one)).length }
}

/** Precision, recall and F1 of the entities of all rows together. */
export function entityScores(rows: readonly { there: number; said: number; right: number }[]): { precision: number; recall: number; f1: number } {
  const sum = (key: 'there' | 'said' | 'right') => rows.reduce((total, row) => total + row[key], 0), ratio = (part: number, whole: number) => whole === 0 ? 0 : part / whole
  const [there, said, right] = [sum('there'), sum('said'), sum('right')]
  return { precision: ratio(right, said), recall: ratio(right, there), f1: ratio(2 * right, said + there) }
}
