// Globals as they were before any cell ran: a cell may assign `globalThis.Promise = 1` and the session must go on. Nothing else.
const { Promise, Map, Set, WeakRef, Error, AggregateError, Symbol, Object, Array, JSON, String, Number, Date, Math, Reflect, RegExp } = globalThis
const { setTimeout, clearTimeout, setImmediate, performance, Buffer, process, AbortController, URL, Atomics, Uint8Array } = globalThis
const then = Promise.prototype.then

export {
  Promise, Map, Set, WeakRef, Error, AggregateError, Symbol, Object, Array, JSON, String, Number, Date, Math, Reflect, RegExp,
  setTimeout, clearTimeout, setImmediate, performance, Buffer, process, AbortController, URL, Atomics, Uint8Array,
}

/** `value.then(done, failed)` with the `then` of native promises, whatever became of the global. */
export function whenSettled<T>(value: T | PromiseLike<T>, done: (value: T) => void, failed: (error: unknown) => void) {
  Reflect.apply(then, Promise.resolve(value), [done, failed])
}
