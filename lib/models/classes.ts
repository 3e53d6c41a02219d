// The rules for class names of a head.
import { ModelError } from './errors.js'
import type { Task } from './types.js'

const shown = (classes: readonly string[]) => `[${classes.slice(0, 6).map((name) => JSON.stringify(name)).join(', ')}${classes.length > 6 ? `, … ${classes.length} in all` : ''}]`

/** Names that a head for `task` can have; throws a ModelError that says which rule is broken. */
export function checkedClasses(classes: unknown, task: Task): readonly string[] {
  const refuse = (rule: string): never => { throw new ModelError(`Cannot make a head for classes ${Array.isArray(classes) ? shown(classes.map(String)) : String(classes)}: ${rule}`) }
  if (!Array.isArray(classes) || !classes.every((name) => typeof name === 'string' && name.length > 0)) return refuse('classes must be a list of names. Pass the classes of your data set, such as photos.classes.')
  const least = task === 'classification' ? 2 : 1
  if (classes.length < least) return refuse(`${task} needs at least ${least} ${least === 1 ? 'output' : 'classes'}. ${classes.length === 1 ? 'Add the other class, or a class for "none of it".' : 'Pass the classes of your data set, such as photos.classes.'}`)
  const twice = classes.find((name, i) => classes.indexOf(name) !== i)
  return twice === undefined ? [...classes as string[]] : refuse(`"${twice}" stands in it twice. Give each class its own name.`)
}

export const sameClasses = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((name, i) => name === b[i])

export function refuseOtherClasses(source: string, saved: readonly string[], wanted: readonly string[]): never {
  const order = sameClasses([...saved].sort(), [...wanted].sort())
  throw new ModelError(`Cannot load ${source} for classes ${shown(wanted)}: it was saved with ${shown(saved)}${order ? ', in another order, which is the order of its outputs' : ''}. Leave classes out to keep its head${order ? ' and use model.classes' : ''}, or pass head: 'new' to start a new one.`)
}
