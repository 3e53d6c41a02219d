// A piece of a cell's work that may be terminated: run in a macrotask of its own, its outcome reported exactly once. Nothing that
// must happen afterwards may hang on a promise or a `finally`, because a termination drops both.
import { Interrupted, scope, type Cell, type Outcome } from './cell.js'
import { setImmediate, whenSettled } from './intrinsics.js'

/** `work` reports through `done`, or through what it throws. */
export function step(cell: Cell, work: (done: (outcome: Outcome) => void) => void, then: (outcome: Outcome) => void) {
  let open = true
  const done = (outcome: Outcome) => {
    if (!open) return false
    open = false
    setImmediate(() => then(outcome))
    return true
  }
  cell.settle = done
  setImmediate(() => scope.run(cell, () => {
    try { work(done) } catch (error) { done(failure(error)) }
  }))
}

/** A step whose work returns a value, or a promise of one. */
export function valueStep(cell: Cell, work: () => unknown, then: (outcome: Outcome) => void) {
  step(cell, done => whenSettled(work(), value => done({ type: 'value', value }), error => done(failure(error))), then)
}

const failure = (error: unknown): Outcome => error instanceof Interrupted ? { type: 'interrupted' } : { type: 'thrown', error }
