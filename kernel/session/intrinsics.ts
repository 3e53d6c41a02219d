// Globals as they were before any cell ran: a cell may assign `globalThis.Promise = 1` and the session must go on. Nothing else.
const { Promise, Map, Set, WeakRef, Error, AggregateError, Symbol, Object, Array, JSON, String, Number, Date, Math, Reflect, RegExp, BigInt } = globalThis
const { setTimeout, clearTimeout, setImmediate, performance, Buffer, process, AbortController, URL, Atomics, Uint8Array, Int32Array, ArrayBuffer, DataView, SharedArrayBuffer, SyntaxError, TypeError } = globalThis
const then = Promise.prototype.then

export {
  Promise, Map, Set, WeakRef, Error, AggregateError, Symbol, Object, Array, JSON, String, Number, Date, Math, Reflect, RegExp, BigInt,
  setTimeout, clearTimeout, setImmediate, performance, Buffer, process, AbortController, URL, Atomics, Uint8Array, Int32Array, ArrayBuffer, DataView, SharedArrayBuffer, SyntaxError, TypeError,
}

const needed = { Promise, Map, Set, Error, Symbol, Object, Array, JSON, String, Number, Date, Math, Reflect, RegExp, Uint8Array, Buffer, process, URL }

/** Runs a library's code with the globals as they were, then puts back what cells have made of them. */
export function undisturbed<T>(work: () => T): T {
  const globals = globalThis as Record<string, unknown>
  const changed = Object.entries(needed).filter(([name, value]) => globals[name] !== value).map(([name]) => [name, globals[name]] as const)
  if (changed.length === 0) return work()
  for (const [name] of changed) globals[name] = needed[name as keyof typeof needed]
  try { return work() } finally { for (const [name, value] of changed) globals[name] = value }
}

/** `value.then(done, failed)` with the `then` of native promises, whatever became of the global. */
export function whenSettled<T>(value: T | PromiseLike<T>, done: (value: T) => void, failed: (error: unknown) => void) {
  Reflect.apply(then, Promise.resolve(value), [done, failed])
}
