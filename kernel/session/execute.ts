// Cells one after the other: transpile, evaluate, show the result, answer the user's expressions, say that it is done.
import { transpileCell, type TranspiledCell, type TranspileOptions } from '../language/transpile.js'
import { allowTermination } from './async-scopes.js'
import { board, Slot } from './board.js'
import { Cell, Interrupted, running, setRunning, type Outcome } from './cell.js'
import { announce, type Announced } from './debug/announce.js'
import { bundleOf, type Shown } from './display/index.js'
import { evaluate } from './evaluate.js'
import { Atomics, Object, performance, Set, setImmediate, undisturbed } from './intrinsics.js'
import type { ErrorReport, ExecuteMessage, ExpressionReply } from './messages.js'
import { send } from './output.js'
import { cellURL, rememberSource } from './places.js'
import { cellEnded } from './small-heap.js'
import { step, valueStep } from './step.js'
import { errorReport } from './traceback.js'

const queue: ExecuteMessage[] = []
let starting = false
let resume: (() => void) | undefined

/** Globals that cells have taken a name from, and all there are; see kernel/language/rename-globals.ts. */
const renamed = new Set<string>()
let globals = new Set<string>()
export let legacyDecorators = false

/** To be called when every global of the session is in place. */
export function prepare(options: { legacyDecorators: boolean }) {
  globals = new Set([...Object.getOwnPropertyNames(globalThis), 'undefined'])
  legacyDecorators = options.legacyDecorators
}

export function execute(message: ExecuteMessage) {
  queue.push(message)
  next()
}

function next() {
  if (running() || starting || queue.length === 0) return
  starting = true
  waitOutTermination(() => {
    starting = false
    const message = queue.shift()
    if (message) run(message)
  })
}

/** A termination that comes too late for its cell must not hit the next one: this loop is there to be hit instead. */
function waitOutTermination(then: () => void) {
  if (Atomics.load(board, Slot.terminating) === 0) return then()
  let open = true
  resume = () => { if (open) { open = false; resume = undefined; then() } }
  setImmediate(() => {
    const end = performance.now() + 500
    while (Atomics.load(board, Slot.terminating) !== 0 && performance.now() < end);
    setImmediate(() => resume?.())
  })
}

/** After a termination. */
export const recoverExecution = () => setImmediate(() => resume?.())

function run(message: ExecuteMessage) {
  const cell = new Cell(message.cell, message.count, message.silent, message.allowStdin)
  setRunning(cell)
  cell.giveUp = () => end(cell, () => send({ type: 'done', cell: cell.id, status: 'error', userExpressions: {}, error: errorReport(new Interrupted()) }))
  let transpiled: TranspiledCell, announcement: Announced
  try { [transpiled, announcement] = transpile(message.code, cell) } catch (error) { return finish(cell, message, [], { type: 'thrown', error }) }
  announce(announcement, () => { if (running() === cell) evaluateCell(cell, message, transpiled) })
}

function evaluateCell(cell: Cell, message: ExecuteMessage, transpiled: TranspiledCell) {
  allowTermination()
  step(cell, done => evaluate(transpiled.code, cellURL(cell.id), done), outcome => {
    if (outcome.type !== 'value') return finish(cell, message, transpiled.declared, outcome)
    showResult(cell, transpiled.hasResult, result => answer(cell, Object.entries(message.userExpressions), {}, userExpressions => end(cell, () => {
      if (result && Object.keys(result.data).length > 0) send({ type: 'result', cell: cell.id, ...result }) // an empty bundle has shown itself already
      send({ type: 'done', cell: cell.id, status: 'ok', userExpressions, declarations: transpiled.declared })
    })))
  })
}

function transpile(code: string, { id, count }: Cell): [TranspiledCell, Announced] {
  const label = `Cell [${count}]`
  rememberSource(cellURL(id), { label, text: code, map: () => undefined })
  const transpiled = undisturbed(() => transpileCell(code, { count, file: label, renamed, globals, legacyDecorators }))
  const options = { count, file: label, legacyDecorators, ...(renamed.size > 0 ? { renamed: new Set(renamed), globals } : {}) }
  rememberSource(cellURL(id), { label, text: code, map: mapAgain(code, options) })
  return [transpiled, { url: cellURL(id), label, text: code, options }]
}

/** Most cells are never asked for a place: it is cheaper to transpile one again than to keep what its map is made of. */
function mapAgain(code: string, options: TranspileOptions): TranspiledCell['map'] {
  let map: TranspiledCell['map'] | undefined
  return place => (map ??= transpileCell(code, options).map)(place)
}

function showResult(cell: Cell, hasResult: boolean, then: (result?: Shown) => void) {
  const value = cell.result
  cell.result = undefined
  if (!hasResult || cell.silent || value === undefined) return then()
  valueStep(cell, () => bundleOf(value), outcome => then(outcome.type === 'value' ? outcome.value as Shown : { data: { 'text/plain': shownAs(value) }, metadata: {} }))
}

const shownAs = (value: unknown) => `[${typeof value}: its display was stopped]`

/** User expressions run after the cell, each on its own; one that throws does not stop the others. */
function answer(cell: Cell, left: [string, string][], answers: Record<string, ExpressionReply>, then: (answers: Record<string, ExpressionReply>) => void) {
  const [first, ...rest] = left
  if (!first) return then(answers)
  const [name, code] = first
  const add = (reply: ExpressionReply) => answer(cell, rest, { ...answers, [name]: reply }, then)
  const refuse = (error: unknown) => { const { name, value, traceback } = errorReport(error); add({ status: 'error', ename: name, evalue: value, traceback }) }
  let transpiled: TranspiledCell
  try { transpiled = undisturbed(() => transpileCell(code, { count: cell.count, file: name, renamed, globals, legacyDecorators })) } catch (error) { return refuse(error) }
  step(cell, done => evaluate(transpiled.code, `afinar:expression/${cell.id}`, done), outcome => {
    if (outcome.type !== 'value') return refuse(outcome.type === 'thrown' ? outcome.error : new Interrupted())
    const value = cell.result
    cell.result = undefined
    valueStep(cell, () => bundleOf(value), shown => add(shown.type === 'value'
      ? { status: 'ok', ...shown.value as Shown }
      : { status: 'ok', data: { 'text/plain': shownAs(value) }, metadata: {} }))
  })
}

function finish(cell: Cell, message: ExecuteMessage, declarations: string[], outcome: Outcome) {
  const report = (error: ErrorReport) => end(cell, () => {
    send({ type: 'error', cell: cell.id, ...error })
    const userExpressions = Object.fromEntries(Object.keys(message.userExpressions).map(name => [name, { status: 'error' as const, ename: error.name, evalue: error.value, traceback: [] }]))
    send({ type: 'done', cell: cell.id, status: 'error', userExpressions, error, declarations })
  })
  const error = outcome.type === 'thrown' ? outcome.error : new Interrupted()
  // an error's own getters are the user's code and may loop
  valueStep(cell, () => errorReport(error), shown => report(shown.type === 'value' ? shown.value as ErrorReport
    : { name: 'Error', value: 'its message could not be read', traceback: ['Error: its message could not be read'] }))
}

/** The cell's last words are the kernel's own: no termination may cut them short. */
function end(cell: Cell, lastWords: () => void) {
  Atomics.store(board, Slot.running, 0)
  cell.settle = () => true
  waitOutTermination(() => {
    lastWords()
    setRunning(undefined)
    next()
    setImmediate(cellEnded) // when what was said is on its way
  })
}


