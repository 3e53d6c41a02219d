// A restricted unpickler: it can build dictionaries, lists, numbers, strings and what its caller allows by name. It never runs anything from the file.
import { ModelError } from '../errors.js'

/** Thrown when the bytes end before the pickle does; a reader of a longer file may try again with more. */
export class PickleTruncated extends ModelError {}

/** A name that the file wants to import, allowed by the caller. `call` receives REDUCE's arguments. */
export interface PickleGlobal { readonly name: string; call?(args: readonly unknown[]): unknown }

export interface PickleOptions {
  /** File name for messages. */
  what: string
  /** The allowed imports; undefined refuses by name. */
  global(module: string, name: string): PickleGlobal | undefined
  persistent?(id: unknown): unknown
}

const mark = Symbol('mark')
const opcodes: Record<number, string> = { 0x69: 'INST', 0x6f: 'OBJ', 0x81: 'NEWOBJ', 0x92: 'NEWOBJ_EX', 0x82: 'EXT1', 0x83: 'EXT2', 0x84: 'EXT4', 0x97: 'NEXT_BUFFER', 0x98: 'READONLY_BUFFER' }

/** Reads one pickle (protocols 0 to 5, the part that weights files use). Dictionaries become Maps, tuples and lists arrays. `end` is the first byte after it. */
export function unpickle(bytes: Uint8Array, o: PickleOptions): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const stack: unknown[] = []
  const memo = new Map<number, unknown>()
  let at = 0
  const refuse = (why: string): never => { throw new ModelError(`Cannot read ${o.what}: ${why}. A weights file may only build tensors; do not open it with a tool that runs it.`) }
  const take = (n: number): number => {
    if (at + n > bytes.length) throw new PickleTruncated(`Cannot read ${o.what}: its description of the tensors ends in the middle, at byte ${bytes.length}. The file is truncated; fetch it again.`)
    return (at += n) - n
  }
  const text = (n: number): string => new TextDecoder().decode(bytes.subarray(take(n), at))
  const line = (): string => {
    const end = bytes.indexOf(10, at)
    const length = (end < 0 ? bytes.length + 1 : end) - at
    const value = text(length)
    take(1)
    return value
  }
  const big = (): number => {
    const n = view.getBigUint64(take(8), true)
    return n > BigInt(bytes.length) ? take(bytes.length + 1) : Number(n)
  }
  const long = (n: number): number | bigint => {
    const start = take(n)
    if (n > 1024) refuse(`it holds a number of ${n} bytes`)
    let value = 0n
    for (let i = n - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i]!)
    if (n > 0 && bytes[start + n - 1]! & 0x80) value -= 1n << BigInt(8 * n)
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }
  const pop = (): unknown => {
    if (stack.length === 0) refuse('it is not a valid pickle (it takes a value from an empty stack)')
    const value = stack.pop()
    return value === mark ? refuse('it is not a valid pickle (a mark stands where a value is needed)') : value
  }
  const toMark = (): unknown[] => {
    const start = stack.lastIndexOf(mark)
    if (start < 0) refuse('it is not a valid pickle (a mark is missing)')
    const values = stack.splice(start)
    values.shift()
    return values
  }
  const top = <T>(is: (value: unknown) => value is T, kind: string): T => {
    const value = stack.at(-1)
    return is(value) ? value : refuse(`it is not a valid pickle (it fills something that is not ${kind})`)
  }
  const isMap = (value: unknown): value is Map<unknown, unknown> => value instanceof Map
  const isList = (value: unknown): value is unknown[] => Array.isArray(value)
  const setItems = (items: unknown[]) => {
    const map = top(isMap, 'a dictionary')
    if (items.length % 2) refuse('it is not a valid pickle (a key has no value)')
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1])
  }
  const tuple = (n: number) => {
    const values: unknown[] = []
    for (let i = 0; i < n; i++) values.unshift(pop())
    stack.push(values)
  }
  const get = (key: number) => memo.has(key) ? memo.get(key) : refuse(`it is not a valid pickle (it refers to entry ${key}, which it never made)`)
  const put = (key: number) => { memo.set(key, stack.at(-1) === mark || stack.length === 0 ? refuse('it is not a valid pickle (it remembers nothing)') : stack.at(-1)) }
  const global = (module: string, name: string) => {
    stack.push(o.global(module, name) ?? refuse(`it asks to import "${module}.${name}"`))
  }
  const isGlobal = (value: unknown): value is PickleGlobal => typeof value === 'object' && value !== null && 'name' in value && !(value instanceof Map)

  for (;;) {
    const code = bytes[take(1)]!
    switch (code) {
      case 0x80: { const version = bytes[take(1)]!; if (version > 5) refuse(`it is a pickle of protocol ${version}, and the newest known is 5`); break }
      case 0x95: big(); break // FRAME: a hint about buffering
      case 0x2e: { const value = pop(); return { value, end: at } } // STOP
      case 0x28: stack.push(mark); break
      case 0x30: pop(); break // POP
      case 0x31: toMark(); break // POP_MARK
      case 0x4e: stack.push(null); break
      case 0x88: stack.push(true); break
      case 0x89: stack.push(false); break
      case 0x4b: stack.push(bytes[take(1)]!); break // BININT1
      case 0x4d: stack.push(view.getUint16(take(2), true)); break
      case 0x4a: stack.push(view.getInt32(take(4), true)); break
      case 0x8a: stack.push(long(bytes[take(1)]!)); break
      case 0x8b: stack.push(long(view.getUint32(take(4), true))); break
      case 0x49: { const value = line(); stack.push(value === '00' ? false : value === '01' ? true : Number(value)); break } // INT
      case 0x4c: stack.push(Number(line().replace(/L$/, ''))); break // LONG
      case 0x46: stack.push(Number(line())); break // FLOAT
      case 0x47: stack.push(view.getFloat64(take(8), false)); break
      case 0x58: stack.push(text(view.getUint32(take(4), true))); break // BINUNICODE
      case 0x8c: stack.push(text(bytes[take(1)]!)); break
      case 0x8d: stack.push(text(big())); break
      case 0x56: stack.push(line()); break // UNICODE
      case 0x54: stack.push(text(view.getUint32(take(4), true))); break // BINSTRING
      case 0x55: stack.push(text(bytes[take(1)]!)); break // SHORT_BINSTRING
      case 0x42: { const n = view.getUint32(take(4), true); stack.push(bytes.slice(take(n), at)); break } // BINBYTES
      case 0x43: { const n = bytes[take(1)]!; stack.push(bytes.slice(take(n), at)); break }
      case 0x5d: stack.push([]); break
      case 0x7d: stack.push(new Map()); break
      case 0x29: stack.push([]); break // EMPTY_TUPLE
      case 0x8f: stack.push([]); break // EMPTY_SET
      case 0x74: stack.push(toMark()); break
      case 0x6c: stack.push(toMark()); break // LIST
      case 0x64: { const items = toMark(); stack.push(new Map()); setItems(items); break } // DICT
      case 0x85: tuple(1); break
      case 0x86: tuple(2); break
      case 0x87: tuple(3); break
      case 0x61: { const value = pop(); top(isList, 'a list').push(value); break }
      case 0x65: case 0x90: { const values = toMark(), list = top(isList, 'a list'); for (const value of values) list.push(value); break }
      case 0x73: { const value = pop(), key = pop(); setItems([key, value]); break }
      case 0x75: setItems(toMark()); break
      case 0x71: put(bytes[take(1)]!); break
      case 0x72: put(view.getUint32(take(4), true)); break
      case 0x70: put(Number(line())); break
      case 0x94: put(memo.size); break
      case 0x68: stack.push(get(bytes[take(1)]!)); break
      case 0x6a: stack.push(get(view.getUint32(take(4), true))); break
      case 0x67: stack.push(get(Number(line()))); break
      case 0x32: { const value = pop(); stack.push(value, value); break } // DUP
      case 0x63: global(line(), line()); break
      case 0x93: { const name = pop(), module = pop(); global(String(module), String(name)); break }
      case 0x51: { const id = pop(); stack.push(o.persistent ? o.persistent(id) : refuse('it refers to something outside of itself')); break }
      case 0x52: { // REDUCE
        const args = pop(), callable = pop()
        if (!isGlobal(callable) || !callable.call) return refuse('it calls something that is not a function')
        if (!Array.isArray(args)) return refuse(`it calls ${callable.name} without a list of arguments`)
        stack.push(callable.call(args))
        break
      }
      case 0x62: { // BUILD sets attributes: harmless on a dictionary (PyTorch's module versions), nothing else may have them
        pop()
        top(isMap, 'a dictionary')
        break
      }
      default: refuse(opcodes[code] ? `it uses the instruction ${opcodes[code]}, which builds arbitrary objects` : `byte ${at - 1} (0x${code.toString(16).padStart(2, '0')}) is no pickle instruction`)
    }
  }
}
