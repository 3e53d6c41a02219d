// The order of layer groups, and which of them stay as they are: by name, by pattern, by depth.
import { ModelError } from './errors.js'
import type { Freeze } from './types.js'

/** A decoder comes after its encoder, and the head last, also where their layers are applied before others. */
export const fromInputEnd = (group: string): number => group === 'head' ? 2 : group.startsWith('decoder') ? 1 : 0

/** Names of the groups that `what` freezes. @throws ModelError when it names none there is */
export function frozenNames(what: Freeze, names: readonly string[], family: string): string[] {
  const there = `the layer groups of ${family} are ${names.join(', ')}`
  if (what === 'none') return []
  if (what === 'backbone') return names.filter((name) => name !== 'head')
  if (typeof what === 'number') {
    if (!Number.isSafeInteger(what) || what < 0 || what > names.length) throw new ModelError(`Cannot freeze ${what} groups of ${family}: it has ${names.length} (${names.join(', ')}). Give a whole number from 0 to ${names.length}.`)
    return names.slice(0, what)
  }
  if (what instanceof RegExp) {
    const found = names.filter((name) => new RegExp(what.source, what.flags.replace('g', '')).test(name))
    if (found.length === 0) throw new ModelError(`Cannot freeze ${String(what)}: it matches nothing; ${there}.`)
    return found
  }
  if (!Array.isArray(what)) throw new ModelError(`Cannot freeze ${JSON.stringify(what)}: it is 'backbone', 'none', a number of groups, a pattern or a list of names; ${there}.`)
  const chosen = what.flatMap((wanted: string) => {
    const pattern = new RegExp(`^${wanted.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`)
    const found = names.filter((name) => pattern.test(name))
    if (found.length === 0) throw new ModelError(`Cannot freeze "${wanted}": ${there}.`)
    return found
  })
  return names.filter((name) => chosen.includes(name))
}
